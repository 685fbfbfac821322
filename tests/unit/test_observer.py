"""What an Observer says of a real pipeline of stand-ins."""

import threading

import pytest

from app import config
from app.core.pipeline import Pipeline
from app.core.stage import Stage
from app.device.backend import InputSpec, Model
from app.observer import Observer
from app.service.board import Board
from app.service.facts import Machine
from app.stages.preprocess import Preprocess
from app.stages.show import Show
from tests.doubles import Collect, FakeSource
from tests.fake_backend import FakeBackend

TEXT = """
cameras:
- {name: gate, source: "rtsp://h/a", most_fps: 0.5}
- {name: yard, source: b.mp4}
detect: {model: yolox_nano}
"""


class Backend:
    name = "host"


class Watched:
    """A pipeline that has run to its end, or is stopped at a frame, with its observer."""

    def __init__(self, counts, *stages):
        sources = [FakeSource(count, camera, live=live) for camera, count, live in counts]
        self.pipeline = Pipeline(sources, [[*stages, Collect()]])
        self.board = Board()
        self.observer = Observer(
            config.parse(TEXT), self.pipeline, Backend(), self.board, now=100.0
        )

    def update(self, now, progressed=float("-inf"), **machine):
        self.observer.update(now, self.pipeline.meter.read(), progressed, Machine(**machine))
        return self.board.facts

    def run(self):
        self.pipeline.run(threading.Event())


def test_before_the_first_frame_all_is_nought_and_nothing_is_stuck():
    facts = Watched([("gate", 0, True), ("yard", 0, False)]).update(101.0)
    assert facts.running and facts.backend == "host" and facts.frames == 0
    gate, yard = facts.cameras
    assert (gate.name, gate.live, gate.captured, gate.fps, gate.dropping) == (
        "gate", True, None, 0, 0,
    )  # fmt: skip
    assert not yard.live
    assert (gate.patience_s, yard.patience_s) == (6.0, 5.0)
    assert facts.patience_s == 64.5 and not facts.pictures and facts.mounts == ()


def test_models_are_those_that_were_loaded():
    """An engine of FP16 may have taken the place of the INT8 that was asked for."""
    backend = FakeBackend({"one": None, "two": None})
    one = backend.load(Model("one", "one.onnx", InputSpec((64, 48))))._replace(precision="fp16")
    two = backend.load(Model("two", "two.onnx"))._replace(precision="int8")
    watched = Watched(
        [("gate", 0, True), ("yard", 0, False)],
        Preprocess(backend, {"gate": one, "yard": two}),
    )
    assert [one[:] for one in watched.update(101.0).models] == [
        ("gate", "one", "fp16", (64, 48)),
        ("yard", "two", "int8", (32, 32)),
    ]


def test_a_camera_of_few_pictures_does_not_hang_between_two_of_them():
    """The service would be restarted for what its config asks for."""
    slow = config.parse(TEXT.replace("0.5", "0.01"))
    pipeline = Pipeline([FakeSource(0, "gate"), FakeSource(0, "yard")], [[Collect()]])
    board = Board()
    observer = Observer(slow, pipeline, Backend(), board, now=100.0)
    observer.update(101.0, pipeline.meter.read(), 101.0)
    assert board.facts.patience_s == 160.0


def test_frames_are_counted_and_rates_are_of_the_latest_seconds():
    watched = Watched([("gate", 0, True), ("yard", 20, False)])
    watched.update(100.0)
    watched.run()
    facts = watched.update(102.0)
    yard = facts.cameras[1]
    assert (yard.frames, yard.fps, yard.captured) == (20, 10.0, 0.0)
    assert [one.name for one in facts.stages] == ["capture", "to collect", "collect"]
    assert sum(facts.latencies.counts) == 20
    assert [one.name for one in facts.queues] == ["door"]
    for now in range(103, 108):
        facts = watched.update(float(now))
    assert facts.cameras[1].fps == 0.0  # nothing came in the latest five seconds
    assert facts.when == 107.0


def test_what_is_lost_at_the_door_is_a_share_of_what_came():
    class Slow(Stage):
        name = "slow"

        def run(self, frames):
            for frame in frames:
                came.wait(5)
                yield frame

    came = threading.Event()

    class Fast(FakeSource):
        def frames(self, stop):
            yield from super().frames(stop)
            came.set()

    watched = Watched([], Slow())
    watched.pipeline = Pipeline(
        [Fast(50, "gate", live=True), FakeSource(0, "yard")], [[Slow(), Collect()]]
    )
    watched.observer = Observer(
        config.parse(TEXT), watched.pipeline, Backend(), watched.board, now=100.0
    )
    watched.update(100.0)
    watched.run()
    gate = watched.update(101.0).cameras[0]
    assert gate.frames + gate.dropped == 50 and gate.dropped >= 47
    assert gate.dropping == pytest.approx(gate.dropped / 50)


def test_what_is_done_counts_from_the_beginning_of_the_pipeline():
    """Models may take minutes to load, and the pipeline before it may have made none for long."""
    watched = Watched([("gate", 0, True), ("yard", 0, False)])
    assert watched.update(101.0).progressed == 100.0
    assert watched.update(102.0, 40.0).progressed == 100.0
    assert watched.update(120.0, 119.0).progressed == 119.0
    assert watched.update(130.0, 119.0).progressed == 119.0


def test_pictures_are_those_that_are_shown():
    watched = Watched([("gate", 0, True), ("yard", 3, False)], Show())
    assert watched.board.pictures("yard") is None
    watched.run()
    assert watched.update(101.0).pictures
    picture = watched.board.pictures("yard")
    assert picture.captured == 0.0 and picture.jpeg().startswith(b"\xff\xd8")
    assert watched.board.pictures("gate") is None


def test_what_the_machine_says_goes_with_it():
    facts = Watched([("gate", 0, True), ("yard", 0, False)]).update(
        101.0, complaints=("no broker",), reasons=("hot",), step=2
    )
    assert facts.machine.complaints == ("no broker",)
    assert (facts.machine.reasons, facts.machine.step) == (("hot",), 2)
