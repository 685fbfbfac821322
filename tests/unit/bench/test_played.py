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
