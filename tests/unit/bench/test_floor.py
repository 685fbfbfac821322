"""Ours against the network alone: what is timed, in what order, and what of it is counted."""

import numpy as np
import pytest

from app.bench import floor, results
from app.device.backend import InputSpec, Layer, Model, Placement
from app.device.host import HostBackend
from tests import networks, stand_in, tiny
from tests.fake_backend import FakeBackend
from tests.unit.device.test_jetson import Place

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")


@pytest.fixture
def host():
    made = HostBackend(threads=1)
    yield made
    made.close()


class Clock:
    """Time that only work takes."""

    now = 0.0

    def __call__(self):
        return self.now

    def way(self, log, name, *seconds):
        """A way whose calls take these seconds, the last of them from then on."""
        left = list(seconds)

        def work():
            log.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return work


def test_ways_take_turns_and_neither_warm_up_nor_a_turns_begin_is_counted():
    log, clock = [], Clock()
    slow = [0.05] * 20 + [0.5, 0.5] + [0.001] * 3 + [0.5, 0.5] + [0.001]
    ways = {"a": clock.way(log, "a", *slow), "b": clock.way(log, "b", 0.002)}
    spent = floor.by_turns(ways, 2, 3, clock)
    np.testing.assert_allclose(spent["a"], [1.0] * 6)
    np.testing.assert_allclose(spent["b"], [2.0] * 6)
    turns = "".join(log)[40:]
    assert log[:40] == ["a"] * 20 + ["b"] * 20 and turns == ("a" * 5 + "b" * 5) * 2


def test_a_round_is_told_of_before_it_begins():
    log = []
    ways = {"a": lambda: log.append("a")}
    floor.by_turns(ways, 2, 1, turn=log.append)
    assert log == [each for n in range(20) for each in (n, "a")] + [0, "a", "a", "a"] + [
        1, "a", "a", "a"
    ]  # fmt: skip


def test_a_slow_machine_is_warm_sooner():
    log, clock = [], Clock()
    floor.by_turns({"a": clock.way(log, "a", 0.9)}, 1, 1, clock)
    assert len(log) == 3 + 2 + 1


@pytest.mark.parametrize("batch", [1, 3])
def test_the_floor_of_a_detector_on_the_cpu(host, tmp_path, batch):
    spec = InputSpec((64, 48), placement=Placement.STRETCH)
    path = networks.convolutions(tmp_path / "tiny.onnx")
    network = host.load(Model("tiny", path, spec, "yolov8", score=0.5))
    images = stand_in.pictures(2, size_wh=(160, 90)) + stand_in.pictures(1, size_wh=(90, 60))
    made = floor.floor(host, network, images, 4, 5, batch)
    assert (made.runtime, made.batch, made.pictures) == (host.runtime, batch, 3)
    assert made.ours.samples == made.raw.samples == 20
    assert made.raw_fps == pytest.approx(1000 * batch / made.raw.p50)
    assert made.cost_ms == pytest.approx(made.ours.p50 - made.raw.p50)
    assert made.raw.p99 is None, "20 calls do not tell"


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_the_pictures_take_turns_and_a_batch_stays_one(host, tmp_path, batch):
    """Once the first picture alone was timed, in a loop in which all of it was in the caches."""

    class Watched(HostBackend):
        seen = []

        def prepare(self, network, images, windows):
            assert len(images) == len(windows) == batch
            self.seen.append([int(one[0, 0, 0]) for one in images])
            return super().prepare(network, images, windows)

    watched = Watched(threads=1)
    network = watched.load(Model("echo", networks.echo(tmp_path / "echo.onnx"), InputSpec((6, 4))))
    images = [np.full((4, 6, 3), level, np.uint8) for level in (10, 20, 30)]
    floor.floor(watched, network, images, 6, 2, batch)
    watched.close()
    turns = [one for number, one in enumerate(watched.seen[-6 * 4 :]) if number % 4 == 0]
    assert {one[0] for one in turns} == {10, 20, 30}
    assert all(len(set(one)) == min(batch, 3) for one in turns)
    warm = watched.seen[: -6 * 4]
    assert {one[0] for one in warm} == {10, 20, 30}, "each is warm before it counts"


@pytest.mark.parametrize(
    "costs, told, middle",
    [
        ([0.5], 0.5, 0),
        ([0.5, 0.9, 0.6], 0.6, 2),
        ([0.5, 0.9], 0.7, 0),
        ([None, 0.9], 0.9, 1),
        ([None, None], None, 0),
    ],
)
def test_repeats_are_told_together(costs, told, middle):
    floors = [
        results.Floor("x", one(1.0), one(cost and 1.0 + cost), uses=(results.Use(number),))
        for number, cost in enumerate(costs)
    ]
    made = floor.together(floors)
    assert made.cost_ms == (told and pytest.approx(told))
    assert made.ours == floors[middle].ours
    assert made.costs == tuple(pytest.approx(cost) for cost in costs if cost)
    assert len(made.uses) == len(costs)


def one(p50):
    return results.Spread(200, p50, p50)


def test_too_few_calls_tell_nothing(host, tmp_path):
    network = host.load(Model("echo", networks.echo(tmp_path / "echo.onnx"), InputSpec((6, 4))))
    made = floor.floor(host, network, stand_in.pictures(1), 1, 3)
    assert (made.raw.p50, made.raw_fps, made.cost_ms) == (None, None, None)
    assert made.raw.samples == 3


def test_what_was_found_is_in_the_pictures_own_pixels(host, tmp_path):
    network = host.load(Model("tiny", tiny.detector(tmp_path / "tiny.onnx"), score=0.1))
    images = [np.full((240, 320, 3), 200, np.uint8)] * 2
    for found in floor.answered(host, network, images, floor.whole(images)):
        np.testing.assert_allclose(found.xyxy, [[80, 60, 240, 180]], atol=1)


def test_a_classifier_answers_with_probabilities(host, tmp_path):
    network = host.load(Model("shades", tiny.classifier(tmp_path / "shades.onnx")))
    images = stand_in.pictures(2, size_wh=(48, 48))
    for one in floor.answered(host, network, images, floor.whole(images)):
        assert one.shape == (6,) and one.sum() == pytest.approx(1, abs=1e-5)
    assert floor.floor(host, network, images, 2, 5).raw.p50 is not None


def test_the_floor_on_a_gpu_from_memory_that_readers_are_given(tmp_path):
    """With a shape of its own where the engine takes more pictures than were asked for."""
    place = Place(tmp_path)
    network = place.load()
    with place.backend.attached():
        images = stand_in.pictures(4)
        stand_in.found(place.backend, network, images)
    made = floor.floor(place.backend, network, images[:1], 3, 5, batch=2)
    assert made.runtime == "TensorRT 8.6.1" and made.raw.samples == 15
    with place.backend.attached():
        stand_in.same(stand_in.found(place.backend, network, images), stand_in.expected(images))
        assert len(place.backend._pinned._free[images[0].nbytes]) == 2
    assert floor.layers(place.backend, network, 3, 4) == (
        Layer("conv", 1.0, ""),
        Layer("head", 2.0, ""),
    )


def test_layers_of_any_backend(host, tmp_path):
    network = host.load(Model("shades", tiny.classifier(tmp_path / "shades.onnx")))
    made = floor.layers(host, network, 2, 3)
    assert "ReduceMean" in [one.kind for one in made]
    fake = FakeBackend({"tiny": None})
    assert floor.layers(fake, fake.load(Model("tiny", "")), 2) == (Layer("all", 0.002, "Answer"),)
