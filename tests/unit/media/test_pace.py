import threading

import numpy as np
import pytest

from app.core.frame import Frame
from app.media.pace import paced


class Clock:
    """Time that passes only while one waits; also the event that is waited on."""

    def __init__(self):
        self.now = 100.0
        self.stopped = False

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds
        return self.stopped


def clip(times):
    for number, time in enumerate(times):
        yield Frame("c", number, 0.0, np.zeros((1, 1, 3), np.uint8), time=time)


def captured(times, slow=None):
    clock = Clock()
    found = []
    for frame in paced(clip(times), clock, clock):
        found.append(frame.captured - 100)
        clock.now += (slow or {}).get(frame.number, 0)
    return found


def test_frames_come_when_they_are_due():
    assert captured([]) == []
    assert captured([5.0, 5.5, 7.0]) == pytest.approx([0, 0.5, 2.0])


def test_a_little_late_is_made_up_for():
    assert captured([0, 1, 2, 3], {1: 1.5}) == pytest.approx([0, 1, 2.5, 3])


def test_very_late_goes_on_from_there():
    assert captured([0, 1, 2, 3], {1: 9}) == pytest.approx([0, 1, 10, 11])


def test_stop_ends_it():
    stop = threading.Event()
    frames = paced(clip([0, 1000]), stop)
    next(frames)
    stop.set()
    assert list(frames) == []
