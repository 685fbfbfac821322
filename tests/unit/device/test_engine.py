"""test_engine: engines read and run through the API of each generation of TensorRT."""

import ctypes.util

import numpy as np
import pytest

from app.device.engine import Binding, Engine
from app.device.trt import load_plugins, open_api
from app.errors import DeviceError, EngineError
from tests import fake_trt
from tests.fake_trt import Orders, Tensor

VERSIONS = ("8.2.1", "8.4.1", "8.5.2", "8.6.1", "10.3.0", "10.13.3.9", "10.16.1.11", "11.4.0.106")
FREE = {"images": ((1, 3), (2, 3), (4, 3)), "scale": ((1, 1), (2, 1), (4, 1))}

each_version = pytest.mark.parametrize("version", VERSIONS)


def network(rows=-1, dtype="FLOAT"):
    """Two inputs; an output as wide as the first, one as the second."""
    inputs = [Tensor("images", (rows, 3), dtype), Tensor("scale", (rows, 1))]
    return fake_trt.model(inputs, [Tensor("boxes", (rows, 3), dtype), Tensor("score", (rows, 1))])


def opened(version, content=None, orders=None, memory=1024, profiles=(FREE,)):
    """The engine of a plan; by default of a free batch, up to 4."""
    plan = fake_trt.plan(version, content or network(), *profiles, memory=memory)
    return Engine(open_api(fake_trt.module(version, orders)), plan, "a.engine")


def bound(engine, rows, outputs=2):
    """Arrays of the CPU under all inputs and the first outputs; scratch memory too."""
    arrays = {
        "images": np.arange(rows * 3, dtype=np.float32).reshape(rows, 3),
        "scale": np.full((rows, 1), 7, np.float32),
        "boxes": np.zeros((rows, 3), np.float32),
        "score": np.zeros((rows, 1), np.float32),
    }
    for name in ("images", "scale", "boxes", "score")[: 2 + outputs]:
        engine.bind(name, arrays[name].ctypes.data)
    arrays["scratch"] = np.zeros(engine.size, np.uint8)
    engine.use(arrays["scratch"].ctypes.data, engine.size)
    return arrays


@each_version
def test_an_engine_says_what_it_takes_and_gives(version):
    engine = opened(version)
    assert engine.bindings == (
        Binding("images", (-1, 3), "float32", True, (4, 3)),
        Binding("scale", (-1, 1), "float32", True, (4, 1)),
        Binding("boxes", (-1, 3), "float32", False, (-1, 3)),
        Binding("score", (-1, 1), "float32", False, (-1, 1)),
    )
    assert engine.layers == 2
    assert engine.size == 1024


@each_version
def test_a_fixed_shape_is_the_most_there_is(version):
    engine = opened(version, network(rows=2), profiles=())
    assert [binding.most for binding in engine.bindings] == [(2, 3), (2, 1)] * 2


@each_version
def test_it_runs_on_the_addresses_and_shapes_of_now(version):
    engine = opened(version)
    for rows in (3, 1, 4):  # shapes and addresses may change from run to run
        assert engine.output_shapes(rows) == {"boxes": (rows, 3), "score": (rows, 1)}
        arrays = bound(engine, rows)
        engine.enqueue(0)
        np.testing.assert_array_equal(arrays["boxes"], arrays["images"])
        np.testing.assert_array_equal(arrays["score"], arrays["scale"])


@each_version
def test_every_input_counts(version):
    rule = fake_trt.model(
        [Tensor("images", (2, 3)), Tensor("scale", (2, 1))], [Tensor("boxes", (2, 1))], "sum"
    )
    engine = opened(version, rule, profiles=())
    arrays = bound(engine, 2, outputs=0)
    result = np.zeros((2, 1), np.float32)
    engine.bind("boxes", result.ctypes.data)
    engine.enqueue(0)
    np.testing.assert_array_equal(result, [[0 + 1 + 2 + 7], [3 + 4 + 5 + 7]])
    assert arrays["images"].sum() == 15  # and they live until here


@each_version
def test_what_is_not_bound_or_shaped_is_said(version):
    engine = opened(version)
    arrays = bound(engine, 2)
    with pytest.raises(EngineError, match="a.engine: TensorRT does not run: not all shapes"):
        engine.enqueue(0)
    engine.rows(2)
    engine.bind("score", 0)
    with pytest.raises(EngineError, match="does not run: no address is set for score"):
        engine.enqueue(0)
    engine.bind("score", arrays["score"].ctypes.data)
    engine.enqueue(0)


@each_version
def test_a_context_starts_without_memory_of_its_own(version):
    """All engines of a process share one block."""
    engine = opened(version)
    arrays = bound(engine, 1)
    engine.rows(1)
    again = opened(version)
    for name in ("images", "scale", "boxes", "score"):
        again.bind(name, arrays[name].ctypes.data)
    again.rows(1)
    with pytest.raises(EngineError, match="too little device memory"):
        again.enqueue(0)
    again.use(arrays["scratch"].ctypes.data, again.size)
    again.enqueue(0)
    engine.enqueue(0)


@each_version
def test_a_batch_beyond_the_profile_is_refused(version):
    engine = opened(version)
    with pytest.raises(EngineError, match=r"a.engine: images cannot be \[5, 3\]: .*range"):
        engine.rows(5)


@each_version
def test_a_fixed_batch_runs_on_all_of_it(version):
    engine = opened(version, network(rows=2), profiles=())
    assert engine.output_shapes(1) == {"boxes": (2, 3), "score": (2, 1)}


@each_version
def test_an_output_whose_size_only_a_run_can_tell_is_one_line(version):
    content = fake_trt.model([Tensor("images", (1, 3))], [Tensor("boxes", (fake_trt.LATER, 3))])
    with pytest.raises(EngineError, match=r"output boxes \[-1, 3\] has a size that only a run"):
        opened(version, content, profiles=()).output_shapes(1)


@pytest.mark.parametrize("version", ["8.2.1", "8.4.1"])
def test_of_several_profiles_the_first_is_used(version):
    """
    Each profile has bindings of its own there, and a run reads an address for each. Our builds
    have one; an engine of others must not make TensorRT read past the end of our list.
    """
    engine = opened(version, profiles=(FREE, FREE))
    assert [binding.name for binding in engine.bindings] == ["images", "scale", "boxes", "score"]
    engine.rows(2)
    arrays = bound(engine, 2)
    engine.enqueue(0)
    np.testing.assert_array_equal(arrays["boxes"], arrays["images"])


@each_version
@pytest.mark.parametrize("content", [b"", b"no plan", b"\xff\x00" * 500])
def test_a_plan_that_is_none_is_one_line(version, content):
    with pytest.raises(EngineError, match="a.engine: TensorRT .* refuses the engine: Serial"):
        Engine(open_api(fake_trt.module(version)), content, "a.engine")


@each_version
def test_a_plan_of_another_release_is_one_line(version):
    other = "10.1.0" if version == "8.2.1" else "8.2.1"
    plan = fake_trt.plan(other, network())
    with pytest.raises(EngineError, match="refuses the engine"):
        Engine(open_api(fake_trt.module(version)), plan, "a.engine")


@each_version
def test_no_gpu_is_one_line(version):
    with pytest.raises(DeviceError, match="TensorRT .* finds no usable CUDA device"):
        opened(version, orders=Orders(no_device=True))


@each_version
def test_no_memory_for_a_context_is_one_line(version):
    with pytest.raises(
        DeviceError, match="a.engine: no memory to run the engine: out of mem"
    ) as no:
        opened(version, orders=Orders(no_context="out of\n  memory"))
    assert not isinstance(no.value, EngineError), "the engine is not to blame"


@each_version
def test_no_memory_to_read_an_engine_is_one_line(version):
    """Else it would be put aside, and built anew with as little memory."""
    with pytest.raises(DeviceError, match="no memory to read the engine: .*OutOfMemory") as no:
        opened(version, orders=Orders(no_engine="Error Code 2: OutOfMemory"))
    assert not isinstance(no.value, EngineError)


@each_version
def test_a_run_that_fails_is_one_line(version):
    engine = opened(version, network(1), Orders(no_run="Cask error"), profiles=())
    arrays = bound(engine, 1)
    with pytest.raises(EngineError, match="a.engine: TensorRT does not run: Cask error"):
        engine.enqueue(0)
    assert not arrays["boxes"].any()


@each_version
@pytest.mark.parametrize("ran, told", [(True, "Cask error"), (False, "Error 2: out of memory")])
def test_a_run_that_fails_for_no_fault_of_the_engine(version, ran, told):
    """It is the device's, and a service that began afresh could run again."""
    engine = opened(version, network(1), profiles=())
    arrays = bound(engine, 1)
    if ran:
        engine.enqueue(0)
    engine._context._world.orders = Orders(no_run=told)
    with pytest.raises(DeviceError, match="a.engine: TensorRT does not run: " + told) as failed:
        engine.enqueue(0)
    assert not isinstance(failed.value, EngineError)
    assert arrays["images"].any()  # and they live until here


@each_version
def test_half_precision_and_whole_numbers_are_read_as_such(version):
    engine = opened(version, network(1, "HALF"), profiles=())
    assert [binding.dtype for binding in engine.bindings] == ["float16", "float32"] * 2
    engine = opened(version, network(1, "INT32"), profiles=())
    assert engine.bindings[0].dtype == "int32"


def test_a_type_that_numpy_lacks_is_one_line():
    with pytest.raises(EngineError, match="images is of BF16, which nothing here can read"):
        opened("10.3.0", network(1, "BF16"), profiles=())


@each_version
def test_a_tensor_that_tells_a_shape_is_one_line(version):
    inputs = [Tensor("images", (1, 3)), Tensor("size", (2,), "INT32", "HOST")]
    content = fake_trt.model(inputs, [Tensor("boxes", (1, 3))])
    with pytest.raises(EngineError, match="size tells a shape and lies in CPU memory"):
        opened(version, content, profiles=())


@each_version
def test_a_closed_engine_lets_go(version):
    engine = opened(version)
    engine.close()
    engine.close()
    with pytest.raises(AttributeError):
        engine.enqueue(0)


@each_version
def test_a_plugin_that_is_not_there_is_one_line(version, tmp_path):
    api = open_api(fake_trt.module(version))
    load_plugins(api, [])
    broken = tmp_path / "plugin.so"
    broken.write_bytes(b"no library")
    for path in ("/nowhere/plugin.so", str(broken)):
        with pytest.raises(EngineError, match="the plugin {} does not load: .+".format(path)):
            load_plugins(api, [path])


@each_version
def test_a_plugin_of_this_machine_loads_twice(version):
    """Each engine that needs it asks for it."""
    library = ctypes.util.find_library("m")
    if library is None:
        pytest.skip("no libm to load")
    api = open_api(fake_trt.module(version))
    load_plugins(api, [library])
    load_plugins(api, [library])
