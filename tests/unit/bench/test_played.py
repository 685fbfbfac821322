import threading

import numpy as np
import pytest

from app.bench.played import Played, Stamped, stamped
from app.core.frame import Frame
from app.core.stage import Source
from app.media.stamp import HEIGHT, WIDTH, read_stamp
from app.stages.limit import Limit
from app.stages.overlay import Overlay
from app.stages.publish import Publish


class Few(Source):
    camera = "a"
    live = False
    state = "lost: for a while"

    def frames(self, stop):
        for number in range(3):
            yield Frame("a", number, 5.0 + number, np.zeros((80, 300, 3), np.uint8))


@pytest.mark.parametrize("live", [True, False])
def test_a_source_is_played_as_it_is_and_its_pictures_are_left_alone(live):
    """A stamp in them would be looked at by the detector."""
    played = Played(Few(), live)
    frames = list(played.frames(threading.Event()))
    assert [frame.captured for frame in frames] == [5.0, 6.0, 7.0]
    assert not any(frame.image.any() for frame in frames)
    assert played.live == live and played.state == "lost: for a while"


class Clip(Source):
    """A clip of ten pictures a second: (late, begins anew) of each, in seconds."""

    camera = "a"
    live = False

    def __init__(self, *pictures):
        self.pictures = pictures

    def frames(self, stop):
        for number, (late, again) in enumerate(self.pictures):
            self.replays += again
            time = number / 10
            yield Frame("a", number, 100.0 + time + late, np.zeros((2, 2, 3), np.uint8), time)


def taken(*pictures):
    """When each picture counts as taken, in seconds, and how many slipped."""
    played = Played(Clip(*pictures), live=True, paced=True)
    frames = list(played.frames(threading.Event()))
    return [frame.captured - 100 for frame in frames], played.slipped


def test_a_picture_of_a_clip_was_taken_when_it_was_due():
    """A reader that is late would else add nothing to the latency."""
    found = taken((0, 0), (0.03, 0), (0.9, 0), (0.8, 0), (0, 0))
    assert found == (pytest.approx([0, 0.1, 0.2, 0.3, 0.4]), 0)


def test_what_is_too_late_to_be_made_up_for_is_lost():
    found = taken((0, 0), (0, 0), (1.52, 0), (1.52, 0), (1.6, 0))
    assert found == (pytest.approx([0, 0.1, 1.72, 1.82, 1.92]), 15)


def test_a_first_picture_that_is_late_makes_no_other_early():
    found = taken((0.09, 0), (0.02, 0), (0, 0), (0.02, 0))
    assert found == (pytest.approx([0.09, 0.12, 0.2, 0.3]), 0)


def test_that_a_clip_is_opened_again_is_no_lateness():
    """No camera is opened anew every few seconds."""
    found = taken((0, 0), (0, 0), (0.25, 1), (0.16, 0), (0.07, 0), (0, 0), (0.05, 0))
    assert found == (pytest.approx([0, 0.1, 0.45, 0.46, 0.47, 0.5, 0.6]), 0)
    found = taken((0, 0), (0, 0), (3.0, 1), (3.0, 0))
    assert found == (pytest.approx([0, 0.1, 3.2, 3.3]), 0)


def test_a_source_that_sets_its_own_pace_is_as_late_as_it_is():
    played = Played(Clip((0, 0), (0.5, 0)), live=True)
    assert [frame.captured for frame in played.frames(threading.Event())] == [100.0, 100.6]


def test_a_stamp_stands_over_all_that_is_drawn():
    (frame,) = Stamped().run([Frame("a", 70000, 12.5, np.full((480, 640, 3), 200, np.uint8))])
    assert read_stamp(frame.image) == (70000 - 65536, 12500)
    assert (frame.image[HEIGHT:] == 200).all() and (frame.image[:, WIDTH:] == 200).all()


def test_a_picture_with_a_fourth_channel_bears_one_too():
    (frame,) = Stamped().run([Frame("a", 1, 2.0, np.full((480, 640, 4), 200, np.uint8))])
    assert read_stamp(frame.image) == (1, 2000) and (frame.image[..., 3] == 200).all()


def test_a_picture_that_is_too_small_bears_none():
    small = np.zeros((HEIGHT, WIDTH - 1, 3), np.uint8)
    (frame,) = Stamped().run([Frame("a", 1, 2.0, small)])
    assert not frame.image.any()


def test_it_is_drawn_right_before_the_picture_leaves():
    overlay, publish, limit = Overlay(), Publish(None), Limit(["a"], 1)
    names = [stage.name for stage in stamped([overlay, publish, limit])]
    assert names == ["overlay", "stamp", "publish", limit.name]
    assert list(stamped([overlay, limit])) == [overlay, limit]
