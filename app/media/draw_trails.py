"""draw_trails: where each track of one camera has been, fading, in place."""

from collections import deque
from typing import Deque, Dict, List, Optional, Tuple

import cv2
import numpy as np

from app.core.detections import Detections
from app.media.draw_letters import PALETTE, THEMES, pen_for

_POINTS = 16  # kept of a track
_TRACKS = 256  # kept of a camera
_UNSEEN_S = 1.0  # then a track is forgotten
_STILL = 2.0  # pixels


_PALETTE = np.array(PALETTE, np.float32)

_Point = Tuple[float, float, float]  # x, y, when
_Pixels = List[List[int]]


class _Trail:
    def __init__(self) -> None:
        self.points: Deque[_Point] = deque(maxlen=_POINTS)
        self.head: _Point = (0.0, 0.0, 0.0)
        self.class_id = 0


class Trails:
    """The latest way of each track's lower middle; its memory does not grow."""

    def __init__(self, seconds: float, theme: str = "dark", scale: float = 1.0) -> None:
        self._seconds = seconds
        self._fading = THEMES[theme].shaded
        self._scale = scale
        self._trails: Dict[int, _Trail] = {}
        self._size_wh: Optional[Tuple[int, int]] = None
        self._latest = 0.0

    def add(self, found: Detections, when: float, size_wh: Tuple[int, int]) -> None:
        """
        Take in where the tracks of a frame are at ``when``, in seconds. All is forgotten where the
        picture's size is another than before, or time goes backwards.
        """
        if size_wh != self._size_wh or when < self._latest:
            self._trails.clear()
        self._size_wh, self._latest = size_wh, when
        step = min(size_wh) / 20  # a curve through fewer points looks the same
        known = np.flatnonzero((found.track_id >= 0) & np.isfinite(found.xyxy).all(axis=1))
        boxes = np.clip(found.xyxy[known], -1e4, 1e5).tolist()
        ids, class_ids = found.track_id[known].tolist(), found.class_id[known].tolist()
        for (x1, _, x2, y2), number, class_id in zip(boxes, ids, class_ids):
            trail = self._trails.get(number)
            if trail is None:
                trail = self._trails[number] = _Trail()
            head = trail.head = ((x1 + x2) / 2, y2, when)
            trail.class_id = class_id
            points = trail.points
            moved = _apart(points[-1], head) if points else step
            if moved > 10 * step:  # nothing walks so far unseen
                points.clear()
            if moved >= step:
                points.append(head)
        self._forget(when)

    def draw(self, image: np.ndarray) -> None:
        """Draw on (H, W, 3) uint8, BGR, each trail in the colour of its track's class."""
        if not any(trail.points for trail in self._trails.values()):
            return
        pen = pen_for(image.shape[1], image.shape[0], self._scale)
        begin, end, clear, colours = self._segments(image)
        # A wide smooth line takes OpenCV twice as long as a narrow one.
        wide = [pen.thin if share > 0.7 else (pen.thin + 1) // 2 for share in clear]
        for line in zip(begin, end, colours, wide):
            cv2.line(image, *line, cv2.LINE_AA)

    def _forget(self, when: float) -> None:
        for number in list(self._trails):
            trail = self._trails[number]
            if when - trail.head[2] > _UNSEEN_S:
                del self._trails[number]
            while trail.points and when - trail.points[0][2] > self._seconds:
                trail.points.popleft()
        if len(self._trails) > _TRACKS:
            oldest = sorted(self._trails, key=lambda number: self._trails[number].head[2])
            for number in oldest[: len(self._trails) - _TRACKS]:
                del self._trails[number]

    def _segments(self, image: np.ndarray) -> Tuple[_Pixels, _Pixels, List[float], _Pixels]:
        """
        Begins, ends, newness (0..1) and colours of lines. A line is as clear as it is new: its
        colour is mixed with that of the scene at its middle, which costs less than to blend pixels.
        """
        flat: List[float] = []
        class_ids: List[int] = []
        last: List[int] = []  # rows that no line begins at
        for trail in self._trails.values():
            for point in trail.points:
                flat += point
            flat += trail.head
            class_ids += [trail.class_id] * (len(trail.points) + 1)
            last.append(len(class_ids) - 1)
        points = np.array(flat).reshape(-1, 3)
        # Not what stands and only trembles.
        begins = np.abs(np.diff(points[:, :2], axis=0)).max(axis=1, initial=0) > _STILL
        begins[last[:-1]] = False
        rows = np.flatnonzero(begins)
        middle = (points[rows] + points[rows + 1]) / 2
        clear = np.maximum(0, 1 - (self._latest - middle[:, 2]) / self._seconds)
        colours = _PALETTE[np.array(class_ids)[rows] % len(_PALETTE)]
        if self._fading:
            limit = np.array([image.shape[1] - 1, image.shape[0] - 1])
            x, y = np.maximum(0, np.minimum(limit, middle[:, :2])).astype(int).T
            behind = image[y, x]
            colours = behind + (colours - behind) * clear[:, None]
        pixels = (points[:, :2] + 0.5).astype(int)
        return (
            pixels[rows].tolist(),
            pixels[rows + 1].tolist(),
            clear.tolist(),
            colours.astype(int).tolist(),
        )


def _apart(one: _Point, other: _Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])
