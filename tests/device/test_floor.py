"""The floor on the device: the network alone, its layers, and the ways that it is compared with."""

import json
import threading

import numpy as np
import pytest

from app.bench import floor
from app.device.backend import BY_CPU, BY_GPU
from app.device.engine import Engine
from tests.by_kernel import picture
from tests.device import engines
from tests.device.test_run import agree, by_host, found

# TensorRT 8.6 calls the bindings of 8.2 deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

each_way = pytest.mark.parametrize("graphs", [True, False])


@pytest.fixture
def made(api, cuda, kernel_folder, onnx, content):
    """Makes a backend and a network of the tiny plan."""

    def make(api_=api, **rest):
        return engines.backend(cuda, api_, content, kernel_folder, onnx, **rest)

    return make


@each_way
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("count", [1, 3, 4])
def test_the_network_alone_gives_what_it_gave(api, cuda, made, graphs, named, count):
    if named and not api.has.named_tensors:
        pytest.skip("this TensorRT has no named tensors")
    if not named and not hasattr(api.module.ICudaEngine, "num_bindings"):
        pytest.skip("this TensorRT has no bindings")
    chosen = api._replace(has=api.has._replace(named_tensors=named))
    backend, network = made(chosen, graphs=graphs, decoder=None)
    run = backend.raw(network, count)
    run()  # its shape, before any picture
    images = engines.pictures(count)
    tensor = backend.prepare(network, images, engines.windows(images))
    (wanted,) = backend.infer(network, tensor).values()
    (back,) = tensor.slot.back.values()
    for _ in range(3):
        cuda.store(back.address, np.full_like(wanted, 7))
        run()
        there = np.zeros_like(wanted)
        cuda.fetch(back.address, there)
        np.testing.assert_array_equal(there, wanted)
    if graphs:
        assert backend._lane.graphs is not None, "graphs were given up"
        assert any(place.alone for place in tensor.slot.graphs)


@each_way
def test_it_disturbs_no_picture_and_allocates_nothing(cuda, made, onnx, graphs):
    backend, network = made(graphs=graphs)
    ways = [backend.raw(network, count) for count in (1, 3, 4, 9)]
    before = None
    for seed in range(3):
        for run in ways:
            run()
            run()
        for count in (1, 4, 9):
            images = engines.pictures(count, seed=seed)
            agree(found(backend, network, images), by_host(onnx, images))
        before = before or cuda.allocations
    assert cuda.allocations == before


def test_another_thread_is_answered_meanwhile(made, onnx):
    backend, network = made()
    images, expected = engines.pictures(2), by_host(onnx, engines.pictures(2))
    problems, ended = [], threading.Event()

    def work():
        try:
            with backend.attached():
                for _ in range(100):
                    agree(found(backend, network, images), expected)
        except Exception as error:
            problems.append(error)
        finally:
            ended.set()

    run = backend.raw(network, 4)
    thread = threading.Thread(target=work)
    thread.start()
    while not ended.is_set():
        run()
    thread.join()
    assert not problems, problems


def test_layers_take_about_what_the_network_takes(cuda, made, onnx):
    """Events between layers cost a little; nothing may be ten times off, on a GPU of its own."""
    backend, network = made()
    images = engines.pictures(4)
    agree(found(backend, network, images), by_host(onnx, images))
    held = cuda.held()
    layers = floor.layers(backend, network, 4)
    raw = floor.by_turns({"raw": backend.raw(network, 4)}, 1, 50)["raw"]
    assert len(layers) >= 2 and all(one.name and one.ms >= 0 for one in layers), layers
    whole = sum(one.ms for one in layers)
    assert np.median(raw) / 10 < whole < np.median(raw) * 10, (layers, np.median(raw))
    assert cuda.held() == held
    agree(found(backend, network, images), by_host(onnx, images))
    again = floor.by_turns({"raw": backend.raw(network, 4)}, 1, 50)["raw"]
    assert np.median(again) < 3 * np.median(raw), "it was the copy that was profiled"


def test_the_inspector_names_each_layer(api, content):
    engine = Engine(api, content, "tiny")
    try:
        told = json.loads(engine.described())["Layers"]
        assert len(told) == engine.layers
        assert all(one["Name"] if isinstance(one, dict) else one for one in told)
    finally:
        engine.close()


def inputs(cuda, backend, network, images, windows):
    """(B, 3, high, wide): what the network is given."""
    tensor = backend.prepare(network, images, windows)
    tensor.slot.stream.synchronize()
    runner, rows = network.handle, []
    wide, high = network.input.size_wh
    for row in range(len(images)):
        part, within = divmod(row, runner.batch)
        first = part * runner._part_bytes + within * runner.placing.row_bytes
        one = np.zeros((3, high, wide), np.float32)
        cuda.fetch(tensor.slot.input.address + first, one)
        rows.append(one)
    return np.stack(rows)


@pytest.mark.parametrize("form", ["bgr", "bgrx", "nv12"])
def test_the_cpu_places_as_the_kernel_does(cuda, made, form):
    """Within one grey level, as tests/device/test_letterbox.py has it; crops in several parts."""
    random = np.random.RandomState(5)
    images = [picture(random, form, 200 + 7 * row, 150 + 5 * row) for row in range(9)]
    corners = random.uniform(-20, 180, (9, 2, 2))
    windows = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)
    sides = [inputs(cuda, *made(placing=way), images, windows) for way in (BY_GPU, BY_CPU)]
    assert np.abs(sides[0] - sides[1]).max() <= 1.01 / 255


@each_way
def test_what_the_cpu_has_placed_is_found(cuda, made, onnx, graphs):
    backend, network = made(placing=BY_CPU, graphs=graphs)
    before = None
    for seed in range(3):
        for count in (33, 1, 4, 5):
            images = [backend.picture(one.shape) for one in engines.pictures(count)]
            for place, image in zip(images, engines.pictures(count, seed=seed)):
                place[...] = image
            agree(found(backend, network, images), by_host(onnx, images))
        before = before or cuda.allocations
    assert cuda.allocations == before


@pytest.mark.parametrize("placing", [BY_GPU, BY_CPU])
@each_way
@pytest.mark.parametrize("batch", [1, 4])
def test_the_floor(api, made, graphs, placing, batch):
    backend, network = made(graphs=graphs, placing=placing)
    told = floor.floor(backend, network, engines.pictures(3), 10, 20, batch)
    assert told.runtime == f"TensorRT {api.version}" and told.batch == batch
    assert told.ours.samples == told.raw.samples == 200
    assert 0 < told.raw.p50 < told.ours.p50 and told.raw_fps > 0
    assert told.cost_ms == pytest.approx(told.ours.p50 - told.raw.p50)
