"""test_lasting: one connection, whoever reads it, and never two readers of one."""

import threading
import time

import pytest

from app.core.lasting import Lasting
from app.core.pipeline import Pipeline
from app.core.stage import Source, Stop
from tests.doubles import Collect, FakeSource, frame


class Camera(Source):
    """Gives a picture whenever ``go`` is set, which it clears; logs its opening and closing."""

    camera = "cam"
    live = True

    def __init__(self, log, state="playing"):
        self.log, self.state = log, state
        self.go = threading.Event()

    def frames(self, stop):
        self.log.append("opened")
        number = 0
        try:
            while not stop.is_set():
                if self.go.wait(0.02):
                    self.go.clear()
                    yield frame(number)
                    number += 1
        finally:
            self.log.append("closed")


class Endless(FakeSource):
    def __init__(self, log):
        super().__init__(None, log=log)


def handed_on(*cameras):
    stop = Stop()
    stop.hand_on(cameras)
    return stop


def read(source, count, then=None):
    """So many pictures' numbers, then what ``then`` does to the stop, and one more picture."""
    stop, numbers = Stop(), []
    for one in source.frames(stop):
        numbers.append(one.number)
        if len(numbers) == count:
            (then or (lambda stop: stop.hand_on(["cam"])))(stop)
    return numbers


def test_the_next_reader_goes_on_behind_the_last_picture():
    log = []
    source = Lasting(lambda: Endless(log))
    assert read(source, 3) + read(source, 2) + read(source, 4) == list(range(9))
    assert log == []
    source.close()
    assert log == ["source closed"]


@pytest.mark.parametrize("then", [lambda stop: stop.set(), lambda stop: stop.hand_on(["other"])])
def test_a_stop_for_good_or_for_another_camera_lets_it_go(then):
    log = []
    source = Lasting(lambda: Endless(log))
    assert read(source, 3, then) == [0, 1, 2]
    assert log == ["source closed"]
    assert read(source, 2) == [0, 1]
    source.close()


def test_what_has_ended_stays_ended_and_what_has_failed_is_tried_anew():
    source = Lasting(lambda: FakeSource(2))
    assert read(source, 9) == [0, 1] and read(source, 9) == []
    source = Lasting(lambda: FakeSource(2, error=ValueError("broken")))
    for _ in range(2):
        with pytest.raises(ValueError):
            read(source, 9)


def test_before_it_is_read_its_models_are_loaded():
    source = Lasting(lambda: FakeSource(1))
    assert source.state == "starting: models are loaded"
    read(source, 9)
    assert source.state == "playing"


@pytest.mark.parametrize("state, least_s, most_s", [("lost: gone", 0, 0.7), ("playing", 0.7, 3)])
def test_a_camera_that_gives_nothing_is_let_go_and_tried_anew(state, least_s, most_s):
    """At once where it is lost; else a picture may be on its way."""
    log = []
    source = Lasting(lambda: Camera(log, state))
    began = time.monotonic()
    assert list(source.frames(handed_on("cam"))) == []
    assert least_s <= time.monotonic() - began < most_s
    assert log == ["opened", "closed"]
    source.source.go.set()
    assert read(source, 1) == [0]
    source.close()
    assert log == ["opened", "closed"] * 2


class Waiting(Source):
    camera, live = "cam", True

    def __init__(self, state):
        self.state = state
        self.waited = []

    def frames(self, stop):
        self.waited += [stop.wait(0.1), stop.wait(5)]
        yield from ()


@pytest.mark.parametrize("state, waited", [("playing", [False, True]), ("lost: x", [True, True])])
def test_who_waits_for_the_stop_waits_on_while_it_may_stay(state, waited):
    """As a clip does for the next picture's time."""
    source = Lasting(lambda: Waiting(state))
    assert list(source.frames(handed_on("cam"))) == []
    assert source.source.waited == waited


class Hangs(Source):
    camera, live = "cam", True

    def __init__(self, log):
        self.log, self.wake, self.hangs = log, threading.Event(), threading.Event()

    def frames(self, stop):
        try:
            yield frame(0)
            self.hangs.set()
            assert self.wake.wait(20)
            yield frame(1)
        finally:
            self.log.append("closed")


def test_a_reader_that_hangs_is_left_to_its_own_source():
    made = []

    def make():
        made.append(Hangs([]))
        return made[-1]

    source, stop = Lasting(make), Stop()
    first = Pipeline([source], [[Collect()]])
    told = []

    def tick():
        if made[0].hangs.is_set() and not told:
            told.append(stop.hand_on(["cam"]))

    first.run(stop, tick, 0.05)
    assert first.hung == ["cam"]
    with_own = source.frames(Stop())
    assert next(with_own).number == 0  # a second thread in the same would be a ValueError
    assert len(made) == 2
    with_own.close()
    made[0].wake.set()
    limit = time.monotonic() + 10
    while made[0].log != ["closed"] and time.monotonic() < limit:
        stop.wait(0.02)
        time.sleep(0.02)
    assert made[0].log == ["closed"] and made[1].log == ["closed"]


def test_all_that_a_pipeline_has_taken_goes_all_the_way():
    """Of a file that another goes on with, nothing is lost and nothing comes twice."""
    source = Lasting(lambda: FakeSource(300))
    numbers = []
    for _ in range(20):
        stop, seen = Stop(), Collect()

        class Hand(Collect):
            def run(self, frames):
                for count, one in enumerate(frames):
                    if count == 3:
                        stop.hand_on(["cam"])  # noqa: B023
                    yield one

        Pipeline([source], [[Hand()], [seen]]).run(stop)
        numbers += seen.numbers()
    assert numbers[:60] == list(range(60)) and numbers == list(range(len(numbers)))
    source.close()
