"""
Zones and lines, beside a plain Python loop by the same rules, which tells no events.

People walk to and fro at random among 4 zones and 4 lines. Both must count the same.
"""

import itertools
import math

import numpy as np
import pytest

from app.analytics.alive import BAND
from app.analytics.lines import Line
from app.analytics.places import Places
from app.analytics.zones import Zone
from app.core.detections import Detections
from app.vision.polygons import area, perimeter
from tests.bench.each import each

SIZE = (1280, 720)
FPS = 30.0
WARM_UP, ROUNDS = 100, 299
LABELS = ("person",)
HIGH = 120.0
ZONES = (
    Zone("a", ((50, 50), (400, 80), (420, 300), (250, 380), (60, 320)), dwell_s=20.0, crowd=10),
    Zone("b", ((700, 60), (1200, 60), (1200, 330), (950, 200), (700, 330)), loiter_s=30.0),
    Zone("c", ((100, 450), (500, 420), (600, 700), (80, 700)), dwell_s=20.0),
    Zone("d", ((800, 420), (1250, 400), (1250, 700), (1000, 700), (900, 600), (800, 690))),
)
LINES = (
    Line("a", ((0, 360), (640, 400), (1280, 360))),
    Line("b", ((640, 0), (640, 720))),
    Line("c", ((200, 100), (300, 600))),
    Line("d", ((900, 100), (1000, 300), (900, 500), (1000, 700))),
)


def walks(count, frames, seed=0):
    """Each frame's tracks: people who walk to random places at 40 to 200 pixels a second."""
    random = np.random.RandomState(seed)
    size = np.array(SIZE, float)
    where, goal = random.uniform(0, size, (2, count, 2))
    speed = random.uniform(40, 200, count) / FPS
    pictures = []
    for _ in range(frames):
        way = goal - where
        far = np.hypot(way[:, 0], way[:, 1])
        where = where + way * np.minimum(speed / np.maximum(far, 1e-9), 1)[:, None]
        there = far < speed
        goal[there] = random.uniform(0, size, (there.sum(), 2))
        x, y = (where + random.normal(0, 1.5, where.shape)).T
        pictures.append(
            Detections(
                xyxy=np.stack([x - HIGH / 4, y - HIGH, x + HIGH / 4, y], axis=1),
                score=np.ones(count),
                class_id=np.zeros(count),
                track_id=np.arange(count),
            )
        )
    return pictures


class Plain:
    """Membership and crossings alone, by loops over tracks, shapes and edges: no events."""

    def __init__(self, zones, lines):
        self.zones = [
            (z, edges(z.points, True), area(z.points) / perimeter(z.points) / 2) for z in zones
        ]
        self.lines = [(line, edges(line.points, False)) for line in lines]
        self.inside = {}
        self.net = {}
        self.before = {}
        self.entered = {zone.name: 0 for zone in zones}
        self.crossed = {line.name: [0, 0] for line in lines}

    def update(self, tracks):
        for track_id, (x1, y1, x2, y2) in zip(tracks.track_id.tolist(), tracks.xyxy.tolist()):
            x, y, band = (x1 + x2) / 2, y2, max(2.0, BAND * (y2 - y1))
            before = self.before.get(track_id)
            for zone, border, least in self.zones:
                key = zone.name, track_id
                within, away = is_inside(x, y, border), distance(x, y, border)
                if key in self.inside:
                    if not within and away > band:
                        del self.inside[key]
                elif within and (before is None or away > min(band, least)):
                    self.inside[key] = True
                    self.entered[zone.name] += 1
            for line, path in self.lines if before is not None else ():
                key = line.name, track_id
                net = self.net.get(key, 0) + crossings(before[0], before[1], x, y, path)
                if net and distance(x, y, path) > band:
                    self.crossed[line.name][net < 0] += abs(net)
                    net = 0
                self.net[key] = net
            self.before[track_id] = x, y


def edges(points, closed):
    ends = points[1:] + points[:1] if closed else points[1:]
    return [(*a, *b) for a, b in zip(points, ends)]


def is_inside(x, y, border):
    odd = False
    for ax, ay, bx, by in border:
        if (ay <= y) != (by <= y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            odd = not odd
    return odd


def distance(x, y, path):
    least = math.inf
    for ax, ay, bx, by in path:
        dx, dy = bx - ax, by - ay
        along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)
        along = min(max(along, 0.0), 1.0)
        least = min(least, math.hypot(x - ax - along * dx, y - ay - along * dy))
    return least


def crossings(ax, ay, bx, by, path):
    net = 0
    for x, y, x_end, y_end in path:
        was = (x_end - x) * (ay - y) - (y_end - y) * (ax - x) > 0
        now = (x_end - x) * (by - y) - (y_end - y) * (bx - x) > 0
        if was != now:
            one = (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0
            other = (bx - ax) * (y_end - ay) - (by - ay) * (x_end - ax) > 0
            net += (now - was) * (one != other)
    return net


def watched():
    """What takes the tracks of one frame after another; and its Places."""
    numbers, moments = itertools.count(), itertools.count()
    places = Places("bench", ZONES, LINES, lambda: str(next(numbers)))

    def update(tracks):
        when = next(moments) / FPS
        return places.update(tracks, (), LABELS, SIZE, when, when)

    return update, places


each_count = pytest.mark.parametrize("count", [5, 20, 100])


@each_count
def test_places(benchmark, count):
    benchmark.group = f"places, {count} tracks"
    update, places = watched()
    each(benchmark, update, walks(count, 400), WARM_UP, ROUNDS)
    assert len(places.view(SIZE)) == len(ZONES) + len(LINES)


@each_count
def test_plain_loop(benchmark, count):
    benchmark.group = f"places, {count} tracks"
    plain = Plain(ZONES, LINES)
    each(benchmark, plain.update, walks(count, 400), WARM_UP, ROUNDS)
    assert len(plain.before) == count


def test_both_count_the_same():
    update, places = watched()
    plain = Plain(ZONES, LINES)
    for tracks in walks(20, 300):
        update(tracks)
        plain.update(tracks)
    view = places.view(SIZE)
    assert {place.name: place.total for place in view[: len(ZONES)]} == plain.entered
    crossed = {place.name: [place.inward, place.outward] for place in view[len(ZONES) :]}
    assert crossed == plain.crossed
    assert min(plain.entered.values()) > 0 and np.min(list(plain.crossed.values())) > 0
