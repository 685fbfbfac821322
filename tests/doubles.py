"""doubles: stand-ins for sources and stages, passed in where a pipeline wants the real ones."""

from __future__ import generator_stop

import threading

import numpy as np

from app.core.frame import Frame
from app.core.stage import Source, Stage


def frame(number=0, camera="cam", image=None, **rest):
    image = np.zeros((36, 64, 3), np.uint8) if image is None else image
    return Frame(camera, number, 0.0, image, **rest)


class FakeSource(Source):
    """``count`` black pictures, or no end of them with None; then ``error``, if one is given."""

    def __init__(self, count, camera="cam", live=False, log=None, error=None):
        self.camera = camera
        self.live = live
        self.count = count
        self.log = [] if log is None else log
        self.error = error

    def frames(self, stop):
        number = 0
        try:
            while number != self.count and not stop.is_set():
                yield frame(number, self.camera)
                number += 1
            if self.error is not None:
                raise self.error
        finally:
            self.log.append("source closed")


class Collect(Stage):
    name = "collect"

    def __init__(self):
        self.seen = []

    def run(self, frames):
        for one in frames:
            self.seen.append(one)
            yield one

    def numbers(self, camera="cam"):
        return [one.number for one in self.seen if one.source == camera]


class Guarded(Stage):
    """Opens, fails on a chosen frame; logs that it was closed, and whether on the same thread."""

    name = "guarded"

    def __init__(self, log, fail_at=None, error=None):
        self.log = log
        self.fail_at = fail_at
        self.error = error or ZeroDivisionError("boom")

    def run(self, frames):
        opened_on = threading.current_thread().name
        try:
            for one in frames:
                if one.number == self.fail_at:
                    raise self.error
                yield one
        finally:
            self.log.append(("closed", opened_on == threading.current_thread().name))
