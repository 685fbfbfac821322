"""test_lookout: a source in a thread of its own, which may hang, fail or be absent."""

import logging
import threading
import time

from app.core.vitals import Vitals
from app.device.telemetry import Lookout
from tests.boards import until


class Silent:
    """A source that stops to answer when told."""

    name = "silent"

    def __init__(self):
        self.goes_on = threading.Event()
        self.goes_on.set()

    def read(self):
        self.goes_on.wait(5)
        return Vitals(source=self.name, gpu_load=0.5)

    def close(self):
        pass


def test_a_source_that_stops_to_answer_is_told_of_once(caplog):
    now = [0.0]
    source = Silent()
    lookout = Lookout("silent", lambda: source, lambda: now[0])
    assert until(lambda: lookout.read().gpu_load == 0.5)
    source.goes_on.clear()
    time.sleep(1.2)
    now[0] = 11.0
    for _ in range(3):
        assert lookout.read() == Vitals()
    assert [one for one in caplog.messages if "no answer for 10 s" in one] == [
        "telemetry by silent: no answer for 10 s"
    ]
    source.goes_on.set()  # and when it answers again it counts again
    assert until(lambda: lookout.read().gpu_load == 0.5)
    lookout.close()


def test_a_source_that_fails_is_begun_anew_and_told_of_once(caplog):
    """A daemon that is restarted, or starts after us, was given up for ever."""
    caplog.set_level(logging.INFO)
    begun, heals = [], threading.Event()

    def begin():
        begun.append(1)
        if not heals.is_set():
            raise OSError("no daemon")
        return Silent()

    lookout = Lookout("silent", begin, again_s=0.01)
    assert until(lambda: len(begun) > 5)
    assert lookout.read() == Vitals()
    heals.set()
    assert until(lambda: lookout.read().gpu_load == 0.5)
    lookout.close()
    assert caplog.messages == ["no telemetry by silent: no daemon", "telemetry by silent after all"]


def test_a_source_that_cannot_be_imported_is_given_up(caplog):
    begun = []

    def begin():
        begun.append(1)
        raise ImportError("no such module")

    lookout = Lookout("absent", begin, again_s=0.01)
    assert not until(lambda: len(begun) > 1, 0.3)
    assert caplog.messages == ["no telemetry by absent: no such module"]
    assert lookout.read() == Vitals()
    lookout.close()
