"""test_attempt_refused: what ends an attempt ends it in one line, and leaves no engine."""

import os

import pytest

from app.attempt import TooSlow
from app.device.build import OutOfMemory
from app.errors import DeviceError, EngineError, OutputError
from tests import fake_cuda, stand_in
from tests.fake_trt import Orders, Trouble
from tests.trial import MIB, VERSIONS, Trial, refused

each_version = pytest.mark.parametrize("version", VERSIONS)
CALIBRATED = VERSIONS[:-1]
each_calibrated = pytest.mark.parametrize("version", CALIBRATED)


def test_without_calibrators_int8_is_written_into_the_model(tmp_path):
    """Which this one is too small for."""
    trial = Trial(tmp_path / "here", VERSIONS[-1])
    pictures = stand_in.folder(tmp_path / "see", 3)
    refused(
        trial, "holds nothing to quantize", "Build it for FP16", precision="int8",
        calibrate=pictures,
    )  # fmt: skip


@each_calibrated
def test_a_nano_is_not_given_int8(tmp_path, version):
    trial = Trial(tmp_path, version, Orders(fast_int8=False), fake_cuda.NANO)
    told = "NVIDIA Tegra X1 (SM 5.3) has no fast INT8: it would run slower than FP16 there"
    refused(trial, told, kind=TooSlow, precision="int8")


def test_a_nano_is_not_given_int8_where_tensorrt_says_nothing(tmp_path):
    refused(Trial(tmp_path, VERSIONS[-1], gpu=fake_cuda.NANO), kind=TooSlow, precision="int8")


@each_version
@pytest.mark.parametrize("cores, told", [(0, "has none"), (1, "has 1")])
def test_a_dla_that_is_not_there_is_one_line(tmp_path, version, cores, told):
    trial = Trial(tmp_path, version, Orders(dla_cores=cores))
    told = f"there is no DLA core 1: this device {told} that TensorRT {version} reports"
    refused(trial, told, "Build without --dla", recipe={"dla": 1})


@each_version
def test_a_file_that_tensorrt_cannot_read_is_one_line(tmp_path, version):
    trial = Trial(tmp_path, version)
    whole = trial.onnx.read_bytes()
    for content in (whole[: len(whole) // 9], b"\x08\x07\x12\x04else:"):
        trial.onnx.write_bytes(content)
        refused(trial, str(trial.onnx), "cannot take it (unknown opset)")
    assert not os.path.exists(trial.part)


@each_version
def test_a_model_that_tensorrt_does_not_take_names_the_node(tmp_path, version):
    words = "In node 7 (importGridSample): UNSUPPORTED_NODE: no importer"
    trial = Trial(tmp_path, version, Orders(troubles=(Trouble(7, "warp", "GridSample", words),)))
    refused(trial, f"{trial.onnx}: TensorRT {version} cannot take it (opset 13)", "GridSample")


@each_version
def test_a_driver_that_is_too_old_is_one_line(tmp_path, version):
    trial = Trial(tmp_path, version, Orders(no_device=True))
    refused(trial, "finds no usable CUDA device", "older than this", kind=DeviceError)


@each_version
def test_too_little_workspace_may_be_tried_again_with_less(tmp_path, version):
    trial = Trial(tmp_path, version, Orders(least_workspace=65 * MIB))
    refused(trial, "builds no engine with 64 MiB", kind=OutOfMemory)
    assert not os.path.exists(trial.part)


def test_a_fault_of_tensorrt_is_not_tried_again_with_less(tmp_path):
    words = (
        "2: [graphOptimizer.cpp::mergeScales::998] Internal Error (Assertion equalOrZero failed)"
    )
    trial = Trial(tmp_path, "8.6.1", Orders(no_plan=words))
    with pytest.raises(EngineError, match="fails on this model: .*equalOrZero") as told:
        trial.run()
    assert not isinstance(told.value, OutOfMemory)


def test_a_batch_that_the_model_does_not_take_is_one_line(tmp_path):
    trial = Trial(tmp_path)
    stand_in.onnx(trial.onnx, batch=1)
    refused(trial, "takes batches of 1 and no others; asked for is 4", "free_dims: [0]")


def test_another_size_than_the_manifest_s_is_one_line(tmp_path):
    spec = stand_in.SPEC._replace(size_wh=(64, 48))
    refused(Trial(tmp_path), "takes 10x8 pictures", "asked for is 64x48", model={"input": spec})


def test_a_plugin_that_does_not_load_is_one_line(tmp_path):
    trial = Trial(tmp_path)
    refused(
        trial, "the plugin /nowhere/own.so does not load", model={"plugins": ("/nowhere/own.so",)}
    )


def test_a_full_disk_is_one_line(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    trial = Trial(tmp_path)
    os.symlink("/dev/full", trial.part)
    refused(trial, "the engine cannot be written: No space left on device", kind=OutputError)


def test_no_memory_on_the_device_is_one_line(tmp_path):
    trial = Trial(tmp_path, gpu=fake_cuda.Orders(memory=500))
    refused(trial, "bytes of GPU memory cannot be had", kind=DeviceError)
