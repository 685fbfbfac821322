"""test_fake: the tests' own stand-in for TensorRT offers nothing that the real one lacks."""

import ctypes

import pytest

from app.device.trt import PROBES, probed
from tests import fake_trt
from tests.contract.capture import SPECIAL
from tests.contract.names import VERSIONS, names_of

each_version = pytest.mark.parametrize("version", VERSIONS)


def public(thing):
    return {name for name in dir(thing) if name[0] != "_" or name in SPECIAL}


@each_version
def test_it_offers_nothing_that_the_real_one_lacks(version):
    trt, names = fake_trt.module(version), names_of(version)
    assert public(trt) <= names.module
    for name in public(trt) & set(names.classes):
        offered = public(getattr(trt, name))
        if name == "IHostMemory":  # which must be a buffer, and so is a bytearray
            offered -= set(dir(bytearray))
        assert offered <= names.classes[name], name


@each_version
def test_it_is_probed_as_the_real_one(version):
    names = names_of(version)
    answers = {feature: names.has(*where) for feature, where in PROBES.items()}
    assert probed(fake_trt.module(version))._asdict() == answers


@each_version
def test_it_takes_no_attribute_that_the_real_one_lacks(version):
    trt = fake_trt.module(version)
    config = trt.Builder(trt.Logger()).create_builder_config()
    names = names_of(version).classes["IBuilderConfig"]
    for name in ("max_workspace_size", "int8_calibrator", "progress_monitor", "DLA_core"):
        if name in names:
            setattr(config, name, 1)
            assert getattr(config, name) == 1
        else:
            with pytest.raises(AttributeError, match=name):
                setattr(config, name, 1)
    with pytest.raises(AttributeError, match="workspace"):
        config.workspace = 1


def log_of(trt):
    """A logger that keeps what it is told."""

    class Log(trt.ILogger):
        def __init__(self):
            trt.ILogger.__init__(self)
            self.told = []

        def log(self, severity, text):
            self.told.append((severity.name, text))

    return Log()


def context_of(version, *profiles, shape=(2, 3)):
    trt = fake_trt.module(version)
    log = log_of(trt)
    network = fake_trt.model([fake_trt.Tensor("in", shape)], [fake_trt.Tensor("out", shape)])
    plan = fake_trt.plan(version, network, *profiles)
    engine = trt.Runtime(log).deserialize_cuda_engine(plan)
    return engine, engine.create_execution_context(), log


@pytest.mark.parametrize("version, capsule", [("8.2.1", True), ("8.4.1", True), ("8.5.2", False)])
def test_scratch_memory_is_a_capsule_on_8_2_and_8_4(version, capsule):
    _, context, _ = context_of(version)
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = (
        ctypes.py_object,
        (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p),
    )
    right, wrong = (make(4096, None, None), 4096) if capsule else (4096, make(4096, None, None))
    context.device_memory = right
    assert context.device_memory == 4096
    with pytest.raises(TypeError):
        context.device_memory = wrong


def test_bindings_are_numbered_per_profile():
    ranges = {"in": ((1, 3), (2, 3), (4, 3))}
    engine, context, log = context_of("8.2.1", ranges, {"in": ((1, 3),) * 3}, shape=(-1, 3))
    names = [engine.get_binding_name(number) for number in range(engine.num_bindings)]
    assert names == ["in", "out", "in [profile 1]", "out [profile 1]"]
    assert [tuple(shape) for shape in engine.get_profile_shape(0, 0)] == list(ranges["in"])
    assert tuple(context.get_binding_shape(1)) == (-1, 3)
    assert not context.set_binding_shape(0, (5, 3))
    assert "out of the profile's range" in log.told[-1][1]
    assert context.set_binding_shape(0, (3, 3))
    assert tuple(context.get_binding_shape(1)) == (3, 3)
    with pytest.raises(fake_trt.Aborted):
        context.execute_async_v2([1, 2], 0)  # of four


def test_a_logger_whose_parent_was_not_made_is_refused():
    trt = fake_trt.module("10.3.0")

    class Log(trt.ILogger):
        def __init__(self):
            pass

    with pytest.raises(TypeError, match="must be called when overriding"):
        trt.Runtime(Log())
    with pytest.raises(TypeError, match="no ILogger"):
        trt.Runtime(print)


def test_8_2_does_not_survive_an_exception_in_a_callback():
    for version in ("8.2.1", "8.4.1"):
        trt = fake_trt.module(version)

        class Log(trt.ILogger):
            def log(self, severity, text):
                raise ValueError("from the logger")

        runtime = trt.Runtime(Log())
        if version == "8.2.1":
            with pytest.raises(fake_trt.Aborted):
                runtime.deserialize_cuda_engine(b"")
        else:
            assert runtime.deserialize_cuda_engine(b"") is None
