from __future__ import generator_stop

import threading
import time

import pytest

from app.core.pipeline import Pipeline
from app.core.stage import Stage
from app.errors import EngineError, SourceError, StageError
from tests.doubles import Collect, FakeSource, Guarded


def run(pipeline, stop=None, **rest):
    pipeline.run(stop or threading.Event(), **rest)


class Slow(Stage):
    name = "slow"

    def run(self, frames):
        for one in frames:
            time.sleep(0.002)
            yield one


def test_every_frame_of_a_file_arrives_in_order():
    end = Collect()
    run(Pipeline([FakeSource(50)], [[Guarded([])], [end]]))
    assert end.numbers() == list(range(50))
    names, times = zip(*end.seen[0].marks)
    assert names == ("asked", "capture", "to guarded", "guarded", "to collect")
    assert list(times) == sorted(times)


def test_a_live_source_loses_frames_at_the_door_only():
    end = Collect()
    pipeline = Pipeline([FakeSource(100, live=True)], [[Slow()], [end]])
    run(pipeline)
    assert pipeline.dropped()["cam"].dropped + len(end.seen) == 100
    assert pipeline.queues()["to collect"].dropped == 0
    assert end.numbers()[-1] == 99


def test_several_cameras_run_at_once():
    end = Collect()
    sources = [FakeSource(20, "a"), FakeSource(30, "b"), FakeSource(0, "c")]
    run(Pipeline(sources, [[Slow()], [end]]))
    assert end.numbers("a") == list(range(20))
    assert end.numbers("b") == list(range(30))


def test_a_camera_that_fails_leaves_the_others_running_and_is_reported_at_the_end():
    end = Collect()
    broken = FakeSource(3, "broken", error=SourceError("broken: the file ends in the middle"))
    with pytest.raises(SourceError, match="ends in the middle"):
        run(Pipeline([broken, FakeSource(200, "good")], [[end]]))
    assert len(end.numbers("broken")) == 3
    assert len(end.numbers("good")) == 200


def test_what_broke_the_pipeline_is_not_hidden_by_a_camera_that_failed_before(caplog):
    gone = FakeSource(0, "gone", error=SourceError("gone.mp4: no such file"))
    bad = Guarded([], fail_at=5, error=EngineError("the engine broke"))
    with pytest.raises(EngineError, match="the engine broke"):
        run(Pipeline([gone, FakeSource(None, "good")], [[bad]]))
    assert "gone has ended: gone.mp4: no such file" in caplog.text


def test_a_thread_that_cannot_start_leaves_none_behind(monkeypatch):
    """As where the system allows no more threads."""
    start, started = threading.Thread.start, []

    def limited(thread):
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    with pytest.raises(RuntimeError):
        run(Pipeline([FakeSource(None)], [[Collect()], [Collect()]]))
    assert threading.active_count() == 1


@pytest.mark.parametrize("place", ["first lane", "second lane", "same lane"])
def test_a_failure_is_named_and_everything_is_closed(place):
    log = []
    good, bad = Guarded(log), Guarded(log, fail_at=3)
    lanes = {
        "first lane": [[bad], [good]],
        "second lane": [[good], [bad]],
        "same lane": [[good, bad]],
    }[place]
    stop = threading.Event()
    with pytest.raises(
        StageError, match="guarded: <Frame cam#3>: ZeroDivisionError: boom"
    ) as caught:
        run(Pipeline([FakeSource(1000, log=log)], lanes), stop)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert stop.is_set()
    assert sorted(map(str, log)) == sorted(["source closed"] + [str(("closed", True))] * 2)
    assert threading.active_count() == 1


def test_our_own_errors_pass_unchanged():
    bad = Guarded([], fail_at=0, error=EngineError("missing.engine"))
    with pytest.raises(EngineError, match="^missing.engine$"):
        run(Pipeline([FakeSource(3)], [[bad]]))


def test_stop_ends_an_endless_source():
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    end = Collect()
    run(Pipeline([FakeSource(None)], [[end]]), stop)
    assert end.seen


def test_tick_is_called_and_its_exception_stops_everything():
    """A broken pipe under the status line must not leave threads behind."""

    def tick():
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run(Pipeline([FakeSource(None)], [[Collect()]]), tick=tick, every=0.01)
    assert threading.active_count() == 1


class Uneven(Stage):
    """Takes longest over every third frame; drops some."""

    name = "uneven"

    def run(self, frames):
        for one in frames:
            time.sleep(0.004 if one.number % 3 == 0 else 0.001)
            if one.number % 7:
                yield one


def test_a_wide_lane_keeps_the_order_also_where_frames_are_dropped():
    end = Collect()
    run(Pipeline([FakeSource(100)], [[Uneven()], [end]], width=3))
    assert end.numbers() == [number for number in range(100) if number % 7]


def test_a_wide_lane_works_on_several_frames_at_once():
    together = threading.Barrier(3)

    class Meet(Stage):
        name = "meet"

        def run(self, frames):
            for one in frames:
                together.wait(5)
                yield one

    end = Collect()
    run(Pipeline([FakeSource(9)], [[Meet()], [end]], width=3))
    assert end.numbers() == list(range(9))


@pytest.mark.parametrize("fail_at", [0, 1, 50])
def test_a_failure_in_a_wide_lane_ends_all_its_threads(fail_at):
    log = []
    bad = Guarded(log, fail_at=fail_at)
    end = Collect()
    with pytest.raises(StageError, match=f"<Frame cam#{fail_at}>"):
        run(Pipeline([FakeSource(1000)], [[bad], [end]], width=3))
    assert threading.active_count() == 1
    assert log == [("closed", True)] * 3
    assert end.numbers() == sorted(end.numbers())


def test_a_reader_that_stops_ends_a_wide_lane():
    end = Guarded([], fail_at=5)
    with pytest.raises(StageError, match="<Frame cam#5>"):
        run(Pipeline([FakeSource(None)], [[Uneven()], [end]], width=3))
    assert threading.active_count() == 1


def test_a_stage_may_end_early():
    class First(Stage):
        name = "first"

        def run(self, frames):
            for one in frames:
                yield one
                return

    end, log = Collect(), []
    run(Pipeline([FakeSource(1000, log=log)], [[Guarded(log)], [First()], [end]]))
    assert len(end.seen) == 1
    assert sorted(map(str, log)) == sorted([str(("closed", True)), "source closed"])
