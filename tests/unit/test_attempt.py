"""test_attempt: one engine built, tried and compared, for each generation of TensorRT."""

import os

import numpy as np
import pytest

from app.attempt import LEAST_WORKSPACE
from app.device.trt import open_api
from app.errors import SourceError
from tests import fake_cuda, fake_trt, stand_in
from tests.fake_trt import Orders
from tests.trial import MIB, VERSIONS, Trial, refused

CALIBRATED = VERSIONS[:-1]
each_version = pytest.mark.parametrize("version", VERSIONS)
each_calibrated = pytest.mark.parametrize("version", CALIBRATED)


@each_version
def test_an_engine_is_built_compared_kept_loaded_and_run(tmp_path, version):
    trial = Trial(tmp_path / "here", version)
    outcome = trial.run("fp16", check=stand_in.folder(tmp_path / "check", 5))
    assert outcome.passed is True and outcome.workspace == 64 * MIB
    accuracy = outcome.sidecar.accuracy
    assert (accuracy.agreement, accuracy.pictures) == (1.0, 5)
    assert accuracy.reference == "FP32 on the CPU" and accuracy.mean_score_difference < 1e-6
    sidecar = trial.settle(outcome)
    assert sidecar.fingerprint.tensorrt == version and sidecar.fingerprint.sm == "8.6"
    assert (sidecar.batch, sidecar.layers, sidecar.device_memory) == (4, 2, 1024)
    assert not trial.leftovers()
    backend = trial.backend()
    with backend.attached():
        network = backend.load(trial.model)
        for count in (1, 2, 3, 4, 5):
            images = stand_in.pictures(count, count)
            stand_in.same(stand_in.found(backend, network, images), stand_in.expected(images))
    backend.close()


@each_version
def test_the_parts_of_an_attempt_are_told(tmp_path, version):
    trial = Trial(tmp_path / "here", version)
    trial.run("fp16", check=stand_in.folder(tmp_path / "check", 3))
    phases = [what[0] for what in trial.told]
    wanted = [
        "opening the GPU", "compiling the kernels", "reading the model", "workspace",
        "trying the engine", "comparing with FP32 on the CPU",
    ]  # fmt: skip
    assert [phase for phase in phases if phase in wanted] == wanted + wanted[-1:] * 2
    timing = "timing kernels" if version[0] == "8" else "building engine"
    assert timing in phases
    assert any("Opset version" in text for _, text in trial.heard)


@each_version
def test_workspace_is_no_more_than_half_of_what_is_free(tmp_path, version):
    trial = Trial(tmp_path, version, gpu=fake_cuda.Orders(memory=200 * MIB))
    assert trial.run(recipe={"workspace": 1 << 40}).workspace == 100 * MIB
    assert trial.built()["workspace"] == 100 * MIB
    assert ("workspace", 0, 100 * MIB) in trial.told
    trial = Trial(tmp_path, version, gpu=fake_cuda.Orders(memory=20 * MIB))
    assert trial.run(recipe={"workspace": 1 << 40}).workspace == LEAST_WORKSPACE


@each_version
def test_times_of_kernels_are_kept_per_device_and_release(tmp_path, version):
    trial = Trial(tmp_path, version)
    trial.run()
    assert trial.built()["timed"] == ["conv", "head"]
    trial.run()
    assert trial.built()["timed"] == []
    trial.gpu = trial.gpu._replace(name="another")
    trial.run()
    assert trial.built()["timed"] == ["conv", "head"]


@each_version
def test_what_may_be_chosen_reaches_the_builder(tmp_path, version):
    trial = Trial(tmp_path, version, Orders(dla_cores=2))
    has = open_api(fake_trt.module(version)).has
    outcome = trial.run("fp16", {"effort": 1, "lean": True, "dla": 1, "batch": 3})
    built = trial.built()
    assert built["level"] == (1 if has.level else None)
    assert built["dla"] == 1 and "GPU_FALLBACK" in built["flags"] and built["sources"] is not None
    assert trial.plan()["profiles"] == [{"images": [[1, 3, 8, 10]] + [[3, 3, 8, 10]] * 2}]
    flags = outcome.sidecar.fingerprint.flags
    assert {"lean", "DLA core 1 with GPU fallback"} <= set(flags)
    assert ("effort" in outcome.sidecar.note) != has.level


@each_calibrated
def test_int8_is_calibrated_with_what_the_network_will_see(tmp_path, version):
    trial = Trial(tmp_path / "here", version)
    pictures = stand_in.folder(tmp_path / "see", 6)
    ranges = str(tmp_path / "here" / "tiny.ranges")
    asked = {"calibrate": pictures, "check": stand_in.folder(tmp_path / "check", 4, seed=2)}
    outcome = trial.run(
        "int8", model={"keep_fp16": ("head*",)}, ranges=ranges, ranges_key="ab" * 32, **asked
    )
    built = trial.built()
    assert {"FP16", "INT8"} <= set(built["flags"]) and built["kept"] == ["head"]
    highest = max(int(image.max()) for image in stand_in.pictures(6)) / 255
    assert built["ranges"] == {"images": pytest.approx(highest)}
    assert [what for what in trial.told if what[0] == "calibrating"][-1] == ("calibrating", 6, 6)
    assert outcome.passed and outcome.sidecar.fingerprint.calibration == "ab" * 32
    assert "1 layers kept in FP16" in outcome.sidecar.fingerprint.flags
    trial.told.clear()
    trial.run("int8", ranges=ranges, ranges_key="ab" * 32, **asked)
    assert "calibrating" not in [what[0] for what in trial.told], "the ranges were kept"
    assert trial.built()["ranges"] == built["ranges"]


@each_calibrated
def test_a_picture_that_cannot_be_read_ends_the_calibration(tmp_path, version):
    """Ranges of a part of the pictures are not kept; on 8.2 an exception would end the process."""
    trial = Trial(tmp_path / "here", version)
    pictures = stand_in.folder(tmp_path / "see", 6)
    with open(pictures[3], "wb") as file:
        file.write(b"no picture")
    told = f"{pictures[3]}: no picture that can be read"
    refused(
        trial, told, kind=SourceError, precision="int8", calibrate=pictures,
        ranges=str(tmp_path / "ranges"),
    )  # fmt: skip
    assert not (tmp_path / "ranges").exists() and not os.path.exists(trial.part)


@each_calibrated
def test_a_fixed_batch_is_calibrated_by_whole_batches(tmp_path, version):
    trial = Trial(tmp_path / "here", version)
    stand_in.onnx(trial.onnx, batch=4)
    pictures = stand_in.folder(tmp_path / "see", 11)
    trial.run("int8", calibrate=pictures, ranges=str(tmp_path / "ranges"))
    assert [what for what in trial.told if what[0] == "calibrating"][-1] == ("calibrating", 8, 8)
    refused(
        trial, "calibration needs 4 pictures at least", precision="int8",
        calibrate=pictures[:3], ranges=str(tmp_path / "other"),
    )  # fmt: skip


@pytest.mark.parametrize("gpu", [fake_cuda.NANO, fake_cuda.XAVIER, fake_cuda.ORIN])
def test_on_each_jetson(tmp_path, gpu):
    trial = Trial(tmp_path / "here", "8.5.2", gpu=gpu)
    outcome = trial.run("fp16", check=stand_in.folder(tmp_path / "check", 3))
    assert outcome.passed and outcome.sidecar.fingerprint.gpu == gpu.name


@pytest.mark.parametrize("version", ["8.2.1", "8.6.1", "10.3.0"])
def test_an_engine_that_answers_otherwise_does_not_pass(tmp_path, version):
    trial = Trial(tmp_path / "here", version, Orders(spoiled=("FP16",)))
    outcome = trial.run("fp16", check=stand_in.folder(tmp_path / "check", 4))
    assert outcome.passed is False and outcome.sidecar.accuracy.agreement < 0.5
    assert outcome.sidecar.accuracy.verdict.endswith("asked for 0.95: refused")


def test_too_few_objects_prove_nothing(tmp_path):
    """By the model's own least score, not by the lower one that both sides are loaded with."""
    trial = Trial(tmp_path / "here")
    check = stand_in.folder(tmp_path / "check", 5)
    outcome = trial.run("fp16", model={"score": 0.99}, check=check)
    assert outcome.passed is None and "nothing is proven" in outcome.sidecar.accuracy.verdict


@pytest.mark.parametrize("version", VERSIONS[:-1])  # 11 has FP16 written into a real model
def test_where_the_cpu_cannot_run_it_an_fp32_engine_is_compared_with(tmp_path, version):
    trial = Trial(tmp_path / "here", version)
    trial.onnx.write_bytes(stand_in.content())  # which is no ONNX to ONNX Runtime
    outcome = trial.run("fp16", check=stand_in.folder(tmp_path / "check", 4))
    assert outcome.passed and outcome.sidecar.accuracy.reference == "FP32 engine"
    assert any("building FP32 to compare with" in what[0] for what in trial.told)


def test_sizes_set_free_are_built_for(tmp_path):
    trial = Trial(tmp_path)
    stand_in.onnx(trial.onnx, batch=1, parsed=-1)
    outcome = trial.run(model={"free_dims": (0,)})
    assert outcome.sidecar.batch == 4 and trial.settle(outcome)


def test_pictures_of_any_size_calibrate(tmp_path):
    import cv2

    trial = Trial(tmp_path / "here")
    place = tmp_path / "see"
    place.mkdir()
    for number, size in enumerate(((4, 4), (300, 7), (64, 48))):
        cv2.imwrite(str(place / f"{number}.png"), np.full(size + (3,), 40 * number, np.uint8))
    paths = tuple(str(path) for path in sorted(place.iterdir()))
    trial.run("int8", calibrate=paths, ranges=str(tmp_path / "ranges"))
    assert trial.built()["ranges"] == {"images": pytest.approx(80 / 255)}
