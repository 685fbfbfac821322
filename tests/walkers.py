"""
walkers: people made up, who cross and hide one another, and what a detector would find of them.

A scene repeats for the same arguments, on any numpy. Who is hidden by someone nearer, by the post
in the middle or by the edge of the picture is found with less score, or not at all.
"""

from typing import List, NamedTuple

import numpy as np

from app.core.detections import Detections
from app.vision.boxes import nms

HEIGHTS = 50, 110  # pixels
SPEEDS = 25, 95  # pixels a second
HORIZON = 0.15  # of the picture's height: nobody walks above
MISSED, INEXACT, FALSE = 0.06, 0.03, 0.3  # share of boxes; of a side; a frame with 20 people
LEAST_SCORE, MOST_OVERLAP = 0.1, 0.65  # of what the detector gives


class Scene(NamedTuple):
    count: int  # people; who leaves is replaced
    seed: int = 0
    seconds: float = 30.0
    fps: float = 10.0
    size_wh: tuple = (768, 576)


class Moment(NamedTuple):
    """One frame."""

    when: float
    ids: np.ndarray  # (N,) of who is there
    xyxy: np.ndarray  # (N, 4) float64
    detections: Detections


def moments(scene: Scene) -> List[Moment]:
    random = np.random.RandomState(scene.seed)
    walkers = [_Walker(scene, random, number + 1, False) for number in range(scene.count)]
    born = scene.count
    ghosts: List["_Ghost"] = []
    made = []
    for number in range(int(scene.seconds * scene.fps)):
        for index, walker in enumerate(walkers):
            walker.step(1 / scene.fps)
            if walker.left(scene):
                born += 1
                walkers[index] = _Walker(scene, random, born, True)
        when = number / scene.fps
        boxes = np.array([walker.box(when) for walker in walkers])
        visible, inside = _visible(boxes, scene)
        clipped = np.clip(boxes, 0, np.tile(scene.size_wh, 2))
        ghosts = [ghost._replace(frames=ghost.frames - 1) for ghost in ghosts if ghost.frames > 1]
        for _ in range(random.poisson(FALSE * scene.count / 20)):
            ghosts.append(_ghost(scene, random))
        there = inside > 0.3
        ids = np.array([walker.id for walker in walkers])
        found = _found(clipped, visible, ghosts, random)
        made.append(Moment(when, ids[there], clipped[there], found))
    return made


class _Walker:
    def __init__(self, scene, random, number, at_edge):
        width, height = scene.size_wh
        self.id = number
        self._random = random
        self._height = random.uniform(*HEIGHTS)
        self._speed = random.uniform(*SPEEDS)
        self._turn = random.normal(0, 0.15)  # radians a second
        self._phase = random.uniform(0, 2 * np.pi)
        self._pause = 0.0  # seconds left
        self._x, self._y = random.uniform(0, width), random.uniform(height * HORIZON, height)
        self._angle = random.uniform(0, 2 * np.pi)
        if at_edge:
            edge = random.randint(4)
            aside = self._height * 0.2
            self._angle = edge * np.pi / 2 + random.uniform(-0.7, 0.7)
            if edge in (0, 2):
                self._x = -aside if edge == 0 else width + aside
            else:
                self._y = height * HORIZON if edge == 1 else height + aside

    def step(self, seconds):
        random = self._random
        self._angle += self._turn * seconds + random.normal(0, 0.25) * np.sqrt(seconds)
        if self._pause > 0:
            self._pause -= seconds
            return
        if random.rand() < 0.02 * seconds:
            self._pause = random.uniform(1, 5)
        self._x += np.cos(self._angle) * self._speed * seconds
        self._y += np.sin(self._angle) * self._speed * seconds * 0.6  # seen from above

    def left(self, scene):
        width, height = scene.size_wh
        aside = 0.3 * self._height
        across = -aside < self._x < width + aside
        return not (across and height * 0.1 < self._y < height + aside)

    def box(self, when):
        """xyxy; the legs open and close."""
        stride = 0 if self._pause > 0 else np.sin(when * self._speed / 10 + self._phase)
        half = self._height * (0.38 + 0.08 * stride) / 2
        return self._x - half, self._y - self._height, self._x + half, self._y


class _Ghost(NamedTuple):
    """A box where nobody is, for a few frames."""

    xyxy: np.ndarray
    frames: int


def _ghost(scene, random):
    width, height = scene.size_wh
    tall = random.uniform(*HEIGHTS)
    x, y = random.uniform(0, width), random.uniform(height * HORIZON, height)
    return _Ghost(np.array([x, y - tall, x + 0.4 * tall, y]), random.randint(1, 4))


def _visible(boxes, scene):
    """The share of each box that can be seen, and that lies in the picture."""
    width, height = scene.size_wh
    steps = (np.arange(8) + 0.5) / 8
    x = boxes[:, :1] + (boxes[:, 2:3] - boxes[:, :1]) * np.tile(steps, 8)
    y = boxes[:, 1:2] + (boxes[:, 3:] - boxes[:, 1:2]) * np.repeat(steps, 8)
    outside = (x < 0) | (x > width) | (y < 0) | (y > height)
    post = np.array([0.45 * width, 0.2 * height, 0.475 * width, 0.85 * height])
    hidden = outside.copy()
    for x1, y1, x2, y2 in np.vstack([boxes, post]):
        nearer = y2 > boxes[:, 3:]
        hidden |= nearer & (x > x1) & (x < x2) & (y > y1) & (y < y2)
    return 1 - hidden.mean(axis=1), 1 - outside.mean(axis=1)


def _found(boxes, visible, ghosts, random):
    rows, scores = [], []
    for box, share in zip(boxes, visible):
        partly = 2.5 if share < 0.6 else 1.0
        score = random.beta(9, 2.2) * min(1, 0.35 + 0.75 * share)
        if random.rand() < MISSED * partly:
            score *= random.uniform(0, 0.6)
        side = np.tile(box[2:] - box[:2], 2)
        shaken = box + random.normal(0, INEXACT * partly, 4) * side
        if share >= 0.25 and side.min() >= 4:
            rows.append(shaken)
            scores.append(score)
    for ghost in ghosts:
        rows.append(ghost.xyxy + random.normal(0, 0.6, 4))
        scores.append(random.beta(2, 3.5))
    found = Detections(
        xyxy=np.array(rows).reshape(-1, 4), score=scores, class_id=np.zeros(len(scores))
    )
    found = found[found.score >= LEAST_SCORE]
    return found[nms(found.xyxy, found.score, MOST_OVERLAP)]
