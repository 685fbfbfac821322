"""The network alone on the CPU, as a floor for what we add, and what each of its nodes takes."""

import numpy as np
import pytest

from app.device import host_layers
from app.device.backend import InputSpec, Layer, Model
from app.device.layers import WARM_UP
from app.errors import DeviceError, EngineError
from tests import networks
from tests.unit.device.test_host import PLAIN, WHOLE, echo, host, picture


@pytest.fixture
def backend():
    made = host.HostBackend(threads=1)
    yield made
    made.close()


@pytest.mark.parametrize("shape, count", [(("batch", 3, 4, 6), 3), ((2, 3, 4, 6), 3)])
def test_the_session_alone_gives_no_answer_and_disturbs_none(backend, tmp_path, shape, count):
    network = echo(backend, tmp_path, shape=shape)
    run = backend.raw(network, count)
    image = picture()
    tensor = backend.prepare(network, [image], WHOLE)
    assert run() is None
    (made,) = backend.infer(network, tensor).values()
    assert (made[0] == image[..., ::-1].transpose(2, 0, 1)).all()


def test_the_session_alone_runs_each_part_of_a_fixed_batch(backend, tmp_path):
    network = echo(backend, tmp_path, shape=(2, 3, 4, 6))
    loaded, runs = network.handle, []

    class Counted:
        def __getattr__(self, name):
            return getattr(session, name)

        def run_with_iobinding(self, binding):
            session.run_with_iobinding(binding)
            runs.append(binding.copy_outputs_to_cpu()[0])

    session, loaded.session = loaded.session, Counted()
    backend.raw(network, 3)()
    assert [one.shape for one in runs] == [(2, 3, 4, 6)] * 2
    assert (runs[0] == PLAIN.pad).all()


def test_a_batch_that_the_network_does_not_take_is_one_line(backend, tmp_path):
    shape = ("batch", 3, 4, 6)
    numpy_helper = pytest.importorskip("onnx.numpy_helper")
    target = {"value": numpy_helper.from_array(np.array([1, 72]))}
    nodes = [("Constant", [], "shape", target), ("Reshape", ["images", "shape"], "out", {})]
    path = networks.model(tmp_path / "one.onnx", shape, nodes, {"out": ("batch", 72)})
    network = backend.load(Model("one", path, PLAIN))
    backend.raw(network, 1)()
    with pytest.raises(EngineError, match="one: ONNX Runtime cannot run it on .2, 3, 4, 6."):
        backend.raw(network, 2)


def test_it_says_what_runs_the_networks(backend):
    import onnxruntime

    assert backend.runtime == f"ONNX Runtime {onnxruntime.__version__}"


def test_it_runs_on_what_was_placed_last(backend, tmp_path):
    network = echo(backend, tmp_path)
    loaded, seen = network.handle, []

    class Kept:
        def __getattr__(self, name):
            return getattr(session, name)

        def run_with_iobinding(self, binding):
            session.run_with_iobinding(binding)
            seen.append(binding.copy_outputs_to_cpu()[0])

    session, loaded.session = loaded.session, Kept()
    image = picture()
    wanted = image[..., ::-1].transpose(2, 0, 1)
    run = backend.raw(network, 1)
    backend.prepare(network, [image], WHOLE)
    run()
    backend.raw(network, 1)()
    assert (seen[0] == PLAIN.pad).all() and (seen[1][0] == wanted).all()


@pytest.mark.parametrize("batch", ["batch", 2])
def test_each_node_has_a_time_and_a_kind(backend, tmp_path, batch):
    path = networks.convolutions(tmp_path / "tiny.onnx", batch)
    network = backend.load(Model("tiny", path, InputSpec((64, 48)), "yolov8"))
    made = backend.layers(network, 3, 6)
    kinds = [one.kind for one in made]
    assert len(made) == len({one.name for one in made}) >= 5
    assert any("Conv" in kind for kind in kinds) and "Concat" in kinds
    assert all(one.ms >= 0 for one in made) and sum(one.ms for one in made) > 0
    assert not list(tmp_path.glob("profile*"))


def test_the_profile_leaves_no_file_behind(backend, tmp_path, monkeypatch):
    import tempfile

    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    backend.layers(echo(backend, tmp_path), 1, 2)
    assert not list(folder.iterdir())
    folder.rmdir()
    with pytest.raises(DeviceError, match="profile cannot be written or read"):
        backend.layers(echo(backend, tmp_path), 1, 2)


def test_the_first_runs_and_what_is_no_node_are_left_out():
    def event(name, dur, cat="Node", op="Conv"):
        return {"cat": cat, "name": name, "dur": dur, "args": {"op_name": op}}

    events = [event("model_run", 9000, "Session")]
    for number in range(WARM_UP + 3):
        events.append(event("c1_fence_before", 5000))
        slow = 1000 if number < WARM_UP else 1
        events += [event("c1_kernel_time", slow * 2000), event("_kernel_time", 500, op="Add")]
    assert host_layers.nodes(events, 3) == [Layer("c1", 2.0, "Conv"), Layer("", 0.5, "Add")]
