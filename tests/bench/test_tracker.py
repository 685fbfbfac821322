"""The tracker alone; tests/bench/track.py sets it beside another, and says how good both are."""

import pytest

from app.analytics.tracker import Tracker
from tests.bench.each import each
from tests.walkers import Scene, moments

WARM_UP, ROUNDS = 30, 100


@pytest.mark.benchmark(group="tracker")
@pytest.mark.parametrize("count", [5, 20, 100])
def test_tracker(benchmark, count):
    film = moments(Scene(count, seconds=(WARM_UP + ROUNDS + 1) / 10, size_wh=(1920, 1080)))
    tracker = Tracker()
    tracks = each(
        benchmark, lambda one: tracker.update(one.detections, one.when), film, WARM_UP, ROUNDS
    )
    assert count * 0.7 < len(tracks) <= count * 1.3
