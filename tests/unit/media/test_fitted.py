import threading

import numpy as np
import pytest

from app.core.frame import Frame
from app.core.load import Ease, Load
from app.media.fitted import Fitted
from tests.doubles import FakeSource

PICTURE = np.zeros((90, 160, 3), np.uint8)


class Timed(FakeSource):
    """Frames at these seconds."""

    def __init__(self, times, live):
        FakeSource.__init__(self, len(times), live=live)
        self._times = times
        self.reconnects = 3

    def frames(self, stop):
        for number, when in enumerate(self._times):
            captured, place = (when, 0.0) if self.live else (0.0, when)
            yield Frame("cam", number, captured, PICTURE, place)


def numbers(times, most_fps, live=True):
    fitted = Fitted(Timed(times, live), None, most_fps)
    return [one.number for one in fitted.frames(threading.Event())]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    "fps, most, share", [(30, 10, 1 / 3), (25, 10, 0.4), (30, 20, 2 / 3), (10, 10, 1), (10, 30, 1)]
)
def test_the_rate_is_kept_over_time(live, fps, most, share):
    kept = numbers(np.arange(300) / fps, most, live)
    assert len(kept) == pytest.approx(300 * share, abs=2)
    assert np.diff(kept).max() - np.diff(kept).min() <= 1, "evenly"


def test_a_camera_that_shakes_in_time_keeps_all_its_frames():
    times = np.arange(100) / 10 + np.random.RandomState(2).uniform(-0.02, 0.02, 100)
    assert len(numbers(times, 10)) == 100


def test_after_a_gap_nothing_is_made_up_for():
    assert numbers([0, 0.1, 0.2, 60, 60.01, 60.02, 60.1], 10) == [0, 1, 2, 3, 6]


def test_a_clip_that_begins_again_goes_on():
    assert numbers([0.0, 0.1, 0.2, 0.0, 0.1, 0.2], 10, live=False) == [0, 1, 2, 3, 4, 5]


def test_pictures_are_scaled_and_the_rest_is_passed_on():
    source = Timed([0.0], True)
    source.state = "lost: cable"
    fitted = Fitted(source, (64, 48), None)
    (one,) = fitted.frames(threading.Event())
    assert one.size_wh == (64, 48)
    assert (fitted.camera, fitted.live, fitted.state, fitted.reconnects) == (
        "cam", True, "lost: cable", 3,
    )  # fmt: skip


@pytest.mark.parametrize("asked, whole, half", [
    (None, (160, 90), (80, 44)), ((64, 48), (64, 48), (32, 24)),
])  # fmt: skip
def test_pictures_are_smaller_while_the_load_is_eased(asked, whole, half):
    load = Load()
    frames = Fitted(Timed(range(9), True), asked, load=load).frames(threading.Event())
    sizes = [next(frames).size_wh]
    load.ease = Ease(scale=0.5)
    sizes.append(next(frames).size_wh)
    load.ease = Ease()
    sizes.append(next(frames).size_wh)
    assert sizes == [whole, half, whole]
