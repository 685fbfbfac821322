"""test_fake_build: the tests' stand-in for TensorRT parses, calibrates and builds as asked."""

import numpy as np
import pytest

from app.device import build, calibrate, parse
from app.device.trt import open_api
from app.errors import EngineError
from tests import fake_trt
from tests.contract.names import VERSIONS
from tests.fake_trt import Orders, Tensor, Trouble

each_version = pytest.mark.parametrize("version", VERSIONS)
MIB = 1 << 20


def network(rows=-1):
    return fake_trt.model(
        [Tensor("images", (rows, 3))], [Tensor("boxes", (rows, 3))], layers=("conv", "head")
    )


class Building:
    """One build on a stand-in, with what it told on the way."""

    def __init__(self, version, orders=None, model=None):
        self.told = []
        self.listener = build.Listener(lambda *what: self.told.append(what))
        self.opset = parse.Opset()
        self.api = open_api(fake_trt.module(version, orders), self.hear)
        self.parsed = parse.parse(self.api, model or network(), "a.onnx", self.opset)

    def hear(self, level, text):
        self.opset.hear(level, text)
        self.listener.hear(level, text)

    def run(self, calibration=None, **recipe):
        recipe = build.Recipe(**dict({"precision": "fp32", "workspace": 64 * MIB}, **recipe))
        made = build.build(self.api, self.parsed, recipe, self.listener, calibration)
        return fake_trt.read(made.plan), made


@each_version
def test_a_build_does_what_it_is_told(version):
    building = Building(version)
    plan, made = building.run(precision="fp16", batch=4, effort=2)
    has = building.api.has
    assert building.opset.number == "13"
    assert plan["version"] == version
    assert plan["built"]["workspace"] == 64 * MIB
    assert plan["built"]["flags"] == (["FP16"] if has.weak_types else [])
    assert plan["built"]["level"] == (2 if has.level else None)
    assert plan["profiles"] == [{"images": [[1, 3], [4, 3], [4, 3]]}]
    assert made.layers == 2
    steps = ("building engine", 2, 2) if has.progress else ("timing kernels", 2, 0)
    assert building.told[-1] == steps


@each_version
def test_a_timing_cache_of_this_release_spares_the_timing(version, tmp_path):
    cache = tmp_path / "timing.cache"
    times = [Building(version).run(timing_cache=str(cache))[0]["built"]["timed"] for _ in "12"]
    assert times == [["conv", "head"], []]
    other = "8.2.1" if version != "8.2.1" else "8.4.1"
    plan, _ = Building(other).run(timing_cache=str(cache))
    assert plan["built"]["timed"] == ["conv", "head"]


@each_version
def test_calibration_reads_the_pictures(version, tmp_path):
    building = Building(version)
    pictures = [np.full((1, 3), value, np.float32) for value in (1, -9, 4)]

    def batches():
        return ({"images": picture.ctypes.data} for picture in pictures)

    cache = tmp_path / "ranges"
    calibration = calibrate.Calibration(batches, 1, 3, str(cache))
    if not building.api.has.calibrators:
        pytest.skip("no calibrators there")
    plan, _ = building.run(calibration, precision="int8")
    assert plan["built"]["flags"] == ["FP16", "INT8"]
    assert plan["built"]["ranges"] == {"images": 9.0}
    assert calibration.served == 3
    kept = calibrate.Calibration(batches, 1, 3, str(cache))
    plan, _ = Building(version).run(kept, precision="int8")
    assert plan["built"]["ranges"] == {"images": 9.0}
    assert kept.served == 0


@each_version
def test_a_calibration_that_breaks_is_raised_after_the_build(version):
    building = Building(version)
    if not building.api.has.calibrators:
        pytest.skip("no calibrators there")

    def batches():
        yield {"images": np.ones((1, 3), np.float32).ctypes.data}
        raise ValueError("the camera is gone")

    calibration = calibrate.Calibration(batches, 1, 3, "/nowhere/ranges")
    with pytest.raises(ValueError, match="the camera is gone"):
        building.run(calibration, precision="int8")


@each_version
def test_builds_fail_as_ordered(version):
    with pytest.raises(build.OutOfMemory, match="builds no engine with 64 MiB.*OutOfMemory"):
        Building(version, Orders(least_workspace=65 * MIB)).run()
    Building(version, Orders(least_workspace=64 * MIB)).run()
    with pytest.raises(EngineError, match="finds no kernel for a layer"):
        Building(version, Orders(no_plan="Could not find any implementation for node x")).run()


@each_version
def test_the_parser_s_errors_name_node_and_operator(version):
    words = "In node 7 (importGridSample): UNSUPPORTED_NODE: no importer"
    with pytest.raises(EngineError, match=r"opset 13\): node 7.*GridSample.*UNSUPPORTED_NODE"):
        Building(version, Orders(troubles=(Trouble(7, "warp", "GridSample", words),)))
    with pytest.raises(EngineError, match="a.onnx: TensorRT .* cannot take it"):
        Building(version, model=b"\x08\x01 no JSON")


@each_version
def test_the_device_is_as_ordered(version):
    slow = open_api(fake_trt.module(version, Orders(fast_int8=False, dla_cores=2)))
    assert build.supports(slow, (5, 3), "int8") is False
    assert build.supports(slow, (5, 3), "fp16") is True
    assert build.dla_cores(slow) == 2


@each_version
def test_layers_can_be_kept(version):
    building = Building(version)
    plan, made = building.run(precision="int8", keep=("head*",))
    assert plan["built"]["kept"] == (["head"] if building.api.has.layer_types else [])
    assert made.flags or made.notes
