import math

import pytest

from app.media.mp4 import Timeline, part_of, usual_fps


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
        ([0, 0.5, 5e6, 5e6 + 0.5], [0, 0.5, 1, 1.5]),  # the wall clock is set forward
        ([0, 0.5, -5e6, -5e6 + 0.5], [0, 0.5, 1, 1.5]),  # and back
        ([0, 10, 20.5], [0, 10, 20]),
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


@pytest.mark.parametrize(
    "places, fps",
    [
        ([0], 25),
        ([0, 0.1], 10),
        ([0, 0.0086, 0.0419, 0.0752, 0.1086], 30),  # a camera that starts
        ([0, 60, 120], 1),
        ([0, 0.001, 0.002], 120),
    ],
)
def test_the_rate_is_what_most_of_the_first_steps_say(places, fps):
    assert usual_fps(places) == fps
