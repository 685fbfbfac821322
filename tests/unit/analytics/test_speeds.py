"""speeds: metres a second that are right after a second, and do not shake."""

import numpy as np
import pytest

from app.analytics.speeds import Scale
from app.analytics.zones import Zone
from tests.walks import SIZE, Watch

# 100 pixels, here in fractions of the picture, are a metre; nothing is at the horizon.
SQUARE = Scale(
    tuple((x / SIZE[0], y / SIZE[1]) for x, y in ((0, 0), (100, 0), (100, 100), (0, 100))),
    ((0, 0), (1, 0), (1, 1), (0, 1)),
)
# The horizon is at y = 0: lines to (320, 0).
ROAD = Scale(((120, 400), (520, 400), (420, 200), (220, 200)), ((0, 0), (4, 0), (4, 10), (0, 10)))
EVERYWHERE = Zone("all", ((-9999, -9999), (9999, -9999), (9999, 9999), (-9999, 9999)))


def walk(path, fps, scale=SQUARE):
    seen = Watch([EVERYWHERE], ground=scale)
    told = []
    for x, y in path:
        seen.see((1, x, y), after=1 / fps)
        told.append(seen.speed())
    return told


@pytest.mark.parametrize("fps", [1, 2, 5, 30, 60])
def test_a_steady_walk(fps):
    told = walk([(10 + 120 * step / fps, 50) for step in range(int(4 * fps))], fps)
    known = [speed for speed in told if speed]
    assert len(told) - len(known) <= max(1, fps / 2 + 1)
    assert known == [pytest.approx(1.2, rel=1e-4)] * len(known)


@pytest.mark.parametrize("fps", [5, 30, 60])
def test_jitter_is_no_speed(fps):
    """3 cm of noise at each picture: between two of them, at 60 a second, that is 2.5 m/s."""
    noise = np.random.RandomState(0).normal(300, 3, (10 * fps, 2))
    assert max(walk(noise, fps)[2 * fps :]) < 0.25


@pytest.mark.parametrize("fps", [5, 30, 60])
def test_a_stop_is_seen_within_a_second(fps):
    path = [(min(step / fps, 2) * 150, 50) for step in range(4 * fps)]
    told = walk(path, fps)
    assert told[2 * fps] == pytest.approx(1.5, rel=0.01)
    assert told[3 * fps + 1] < 0.25


def test_a_gap_counts_as_the_way_across_it():
    seen = Watch([EVERYWHERE], ground=SQUARE)
    seen.walk([(10 + 10 * step, 50) for step in range(11)])  # 0.8 m/s
    seen.see(after=1.9)
    seen.see((1, 270, 50), after=0.1)
    assert seen.speed() == pytest.approx(0.8, rel=1e-4)


def test_beyond_the_horizon_nothing_is_known():
    assert not any(walk([(320 + step, -50) for step in range(30)], 10, ROAD))
    told = walk([(320, 20 * step - 100) for step in range(20)], 10, ROAD)
    assert not any(told[:9]) and all(told[12:]) and np.isfinite(told).all()


def test_another_size_of_picture_starts_anew():
    seen = Watch([EVERYWHERE], ground=SQUARE)
    seen.walk([(10 + 10 * step, 50) for step in range(11)])
    seen.size_wh = (SIZE[0] * 2, SIZE[1] * 2)
    seen.walk([(220, 100)])
    assert seen.speed() == 0
    seen.walk([(220 + 20 * step, 100) for step in range(1, 11)])
    assert seen.speed() == pytest.approx(0.8, rel=1e-4)


def test_the_same_moment_twice():
    seen = Watch([EVERYWHERE], ground=SQUARE)
    seen.walk([(10 + 10 * step, 50) for step in range(11)])
    seen.see((1, 400, 50), after=0.0)
    assert np.isfinite(seen.speed())
