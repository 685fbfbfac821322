"""How a pipeline ends where something in it does not."""

from __future__ import generator_stop

import threading
import time

import pytest

from app.core.pipeline import Pipeline
from app.core.stage import Stage, Stop
from tests.doubles import Collect, FakeSource


class Hanging(Stage):
    """Works on no frame after the third until it ``answers``, as where a driver hangs."""

    name = "hanging"

    def __init__(self):
        self.answers = threading.Event()
        self.hangs = threading.Event()

    def run(self, frames):
        for one in frames:
            if one.number >= 3:
                self.hangs.set()
                assert self.answers.wait(60)
            yield one


@pytest.mark.parametrize("place", ["first lane", "last lane"])
def test_a_lane_that_hangs_does_not_keep_a_service_from_ending(place, caplog):
    """Else systemd kills it, and what the other lanes hold is lost."""
    hanging, stop, end = Hanging(), threading.Event(), Collect()
    lanes = {
        "first lane": [[hanging], [end]],
        "last lane": [[Collect()], [hanging, end]],
    }[place]
    asked = []

    def tick():
        if hanging.hangs.is_set() and not asked:
            asked.append(time.monotonic())
            stop.set()

    Pipeline([FakeSource(None, live=True)], lanes).run(stop, tick, every=0.05)
    assert time.monotonic() - asked[0] < 5
    assert "hanging" in caplog.text and "hangs and is left behind" in caplog.text
    hanging.answers.set()
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(60)
    assert threading.active_count() == 1


@pytest.mark.parametrize("live", [True, False])
def test_what_was_read_of_a_file_or_for_the_next_pipeline_is_waited_for(live):
    hanging, stop, end, asked = Hanging(), Stop(), Collect(), []

    def tick():
        if hanging.hangs.is_set() and not asked:
            asked.append(time.monotonic())
            if live:
                stop.hand_on(["cam"])
            else:
                stop.set()
        elif asked and time.monotonic() > asked[0] + 4.5:
            hanging.answers.set()

    Pipeline([FakeSource(100, live=live)], [[hanging], [end]]).run(stop, tick, every=0.05)
    assert hanging.answers.is_set() and end.seen
    assert threading.active_count() == 1
