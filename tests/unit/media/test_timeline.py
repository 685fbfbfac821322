import math

import pytest

from app.media.mp4 import Timeline, part_of


@pytest.mark.parametrize(
    "times, places",
    [
        ([], []),
        ([7.0], [0]),
        ([1.7e9, 1.7e9 + 0.5, 1.7e9 + 2.5], [0, 0.5, 2.5]),
        ([0, 0.1, 0.2, 0, 0.1], [0, 0.1, 0.2, 0.3, 0.4]),  # a clip that loops
        ([5, 5, 5], [0, 0.04, 0.08]),
        ([0, 1, math.nan, 3], [0, 1, 2, 4]),
        ([math.nan, 0.1, math.inf, 0.2], [0, 0.1, 0.2, 0.3]),
        ([0, 1e-9], [0, 0.001]),
    ],
)
def test_places_grow_whatever_the_clock_does(times, places):
    timeline = Timeline()
    assert [timeline.next(time) for time in times] == pytest.approx(places)


@pytest.mark.parametrize(
    "path, part",
    [("a.mp4", ".a.part.mp4"), ("out/demo.MP4", "out/.demo.part.mp4")],
)
def test_the_unfinished_file_is_hidden_beside_its_name(path, part):
    assert part_of(path) == part
