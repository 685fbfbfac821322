"""`jetwatch build`, `engines` and `run` on the device, through the real command line."""

import json
import os
import pathlib
import shutil
import signal
import threading
import time

import numpy as np
import pytest

from app.device import kernels, trt
from tests import networks, tiny
from tests.command import jetwatch, start
from tests.data import data
from tests.device import engines

FAST = ("--effort", "0", "--lean")


@pytest.fixture
def folder(api, cuda, kernel_folder, tmp_path):
    """A catalogue of one tiny detector; the kernels are compiled already."""
    for name in ("letterbox", "pick"):
        kernels.compiled(name, cuda.gpu.sm, kernel_folder)
    for kept in pathlib.Path(kernel_folder).glob("*.cubin"):
        shutil.copy(str(kept), str(tmp_path))
    networks.convolutions(tmp_path / "tiny.onnx")
    _manifest(tmp_path)
    return tmp_path


def _manifest(folder, *lines):
    text = [
        "kind: detector",
        "summary: two convolutions",
        "licence: Apache-2.0",
        f"sources: [{{file: tiny.onnx, bytes: 1, sha256: {'a' * 64}}}]",
        "input: {size: [64, 48], placement: stretch}",
        "decoder: yolov8",
        "labels: names.txt",
        "score: 0.5",
        "iou: 0.9",
    ]
    (folder / "names.txt").write_text("\n".join("abcdefgh") + "\n")
    (folder / "tiny.yaml").write_text("\n".join(text + list(lines)) + "\n")


def command(folder, *arguments, **rest):
    env = dict(rest.pop("env", {}), JETWATCH_ENGINES=str(folder), CUDA_MODULE_LOADING="LAZY")
    return jetwatch(*arguments, env=env, **dict({"seconds": 200}, **rest))


def sidecar(folder, name="tiny"):
    return json.loads((folder / f"{name}.engine.json").read_text())


def photos(folder, count=30):
    import cv2

    place = folder / "photos"
    place.mkdir()
    for number, image in enumerate(engines.pictures(count, seed=3)):
        cv2.imwrite(str(place / f"{number:03d}.png"), image)
    return place


def leftovers(folder):
    return [path.name for path in folder.iterdir() if path.name.endswith((".part", ".tmp"))]


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_build_list_and_run(folder, precision):
    place = photos(folder)
    made = command(
        folder, "build", "tiny", "--precision", precision, "--batch", "4", "--check", place, *FAST
    )
    assert made.code == 0, made.err
    known = sidecar(folder)
    assert known["fingerprint"]["precision"] == precision
    assert known["batch"] == 4 and known["layers"] > 0
    if precision == "fp16":
        assert known["accuracy"]["agreement"] > 0.95, known["accuracy"]
        assert "agreement" in made.err
    listed = command(folder, "engines", folder)
    assert listed.code == 0 and "fits this device" in listed.out, listed.out + listed.err
    ran = command(
        folder, "run", "--source", place, "--model", "tiny", "--backend", "gpu", "--detections", "-"
    )
    assert ran.code == 0, ran.err
    lines = [json.loads(line) for line in ran.out.splitlines()]
    host = command(
        folder, "run", "--source", place, "--model", "tiny", "--backend", "host",
        "--detections", "-",
    )  # fmt: skip
    wanted = [json.loads(line) for line in host.out.splitlines()]
    assert [line["file"] for line in lines] == [line["file"] for line in wanted]
    counts = [np.array([len(line["detections"]) for line in side]) for side in (lines, wanted)]
    assert counts[1].sum() > 100 and np.abs(counts[0] - counts[1]).mean() < 2
    assert not leftovers(folder)


@pytest.mark.parametrize("calibrator", ["entropy", "minmax"])
def test_int8_calibrated_by_a_real_clip(folder, calibrator):
    clip = data("videos", "bikes.mp4")
    arguments = (
        "build", "tiny", "--precision", "int8", "--calibrate", clip, "--frames", "40",
        "--calibrator", calibrator, "--agreement", "0.5", "--force", *FAST,
    )  # fmt: skip
    made = command(folder, *arguments)
    assert made.code == 0, made.err
    known = sidecar(folder)
    assert known["fingerprint"]["precision"] == "int8", made.err
    assert "INT8" in known["fingerprint"]["flags"] and known["fingerprint"]["calibration"]
    assert known["accuracy"]["pictures"] == 8
    assert list(folder.glob("tiny.*.ranges")), "the ranges are kept"
    again = command(folder, *arguments)
    assert again.code == 0 and "calibrating" not in again.err, again.err


def test_int8_as_quantize_and_dequantize_nodes(folder):
    """Written here by ONNX Runtime, built by TensorRT as they stand, and run."""
    place = photos(folder)
    made = command(
        folder, "build", "tiny", "--precision", "int8", "--calibrate", data("videos", "bikes.mp4"),
        "--frames", "40", "--calibrator", "qdq", "--check", place, "--agreement", "0.5", *FAST,
    )  # fmt: skip
    assert made.code == 0, made.err
    known = sidecar(folder)
    assert known["fingerprint"]["precision"] == "int8", made.err
    assert known["accuracy"]["pictures"] == 30
    ran = command(
        folder, "run", "--source", place, "--model", "tiny", "--backend", "gpu", "--detections", "-"
    )
    assert ran.code == 0 and len(ran.out.splitlines()) == 30, ran.err


def test_an_operator_of_a_plugin(folder, api):
    """GELU of libnvinfer_plugin, loaded as a user's own library would be, in place of ReLU."""
    onnx = pytest.importorskip("onnx")
    trt.load_plugins(api, ())
    with open("/proc/self/maps") as maps:
        libraries = {line.split()[-1] for line in maps if "libnvinfer_plugin" in line}
    if not libraries:
        pytest.skip("TensorRT's own plugin library is not among those that are loaded")
    made = onnx.load(str(folder / "tiny.onnx"))
    for node in made.graph.node:
        if node.op_type == "Relu":
            node.op_type = "CustomGeluPluginDynamic"
            node.attribute.append(onnx.helper.make_attribute("type_id", 0))
            node.attribute.append(onnx.helper.make_attribute("plugin_version", "1"))
    onnx.save(made, str(folder / "tiny.onnx"))
    _manifest(folder, f"plugins: [{libraries.pop()}]")
    built = command(folder, "build", "tiny", "--precision", "fp32", *FAST)
    assert built.code == 0, built.err
    assert len(sidecar(folder)["fingerprint"]["plugins"]) == 1
    ran = command(
        folder, "run", "--source", photos(folder, 4), "--model", "tiny", "--backend", "gpu",
        "--detections", "-",
    )  # fmt: skip
    assert ran.code == 0 and len(ran.out.splitlines()) == 4, ran.err


def test_kept_layers(folder):
    _manifest(folder, 'keep_fp16: ["*Conv*", "*node_of_c2*"]')
    place = photos(folder)
    made = command(
        folder, "build", "tiny", "--precision", "int8", "--calibrate", place, "--force", *FAST
    )
    assert made.code == 0, made.err
    flags = sidecar(folder)["fingerprint"]["flags"]
    assert any("kept in FP16" in flag and not flag.startswith("0") for flag in flags), flags


def test_a_workspace_of_16_mib_will_do(folder):
    made = command(folder, "build", "tiny", "--workspace-mb", "16", *FAST)
    assert made.code == 0, made.err


def test_a_corrupt_plan_is_put_aside_and_said_in_one_line(folder):
    assert command(folder, "build", "tiny", "--precision", "fp32", *FAST).code == 0
    plan = folder / "tiny.engine"
    content = bytearray(plan.read_bytes())
    content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
    plan.write_bytes(bytes(content))
    place = photos(folder, 2)
    run = ("run", "--source", place, "--model", "tiny", "--backend", "gpu", "--detections", "-")
    command(folder, *run).failed(78, "put aside", "jetwatch build tiny")
    assert not plan.exists() and (folder / "tiny.engine.bad").exists()
    command(folder, *run).failed(78, "no engine yet", "jetwatch build tiny")


def test_a_plan_of_another_device_is_rebuilt_where_the_config_says_so(folder):
    assert command(folder, "build", "tiny", "--precision", "fp32", *FAST).code == 0
    described = folder / "tiny.engine.json"
    known = sidecar(folder)
    known["fingerprint"]["gpu"] = "NVIDIA Tegra X1"
    described.write_text(json.dumps(known))
    place = photos(folder, 2)
    config = folder / "watch.yaml"
    config.write_text(
        f"cameras: [{{name: a, source: {place}}}]\ndetect: {{model: tiny}}\n"
        "backend: {kind: gpu, build: auto}\nreport: {path: '-'}\n"
    )
    made = command(folder, "run", config)
    assert made.code == 0, made.err
    assert "Tegra X1 in the engine" in made.err and len(made.out.splitlines()) == 2
    assert sidecar(folder)["fingerprint"]["gpu"] != "NVIDIA Tegra X1"


def test_ctrl_c_leaves_the_old_engine_and_nothing_else(folder):
    assert command(folder, "build", "tiny", "--precision", "fp32", *FAST).code == 0
    before = (folder / "tiny.engine").read_bytes()
    process = start(
        "build", "tiny", "--precision", "fp16", "--effort", "3",
        env={"JETWATCH_ENGINES": str(folder)},
    )  # fmt: skip
    log = folder / "tiny.engine.log"
    size = log.stat().st_size
    deadline = time.monotonic() + 60
    while log.stat().st_size == size and time.monotonic() < deadline:
        threading.Event().wait(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in err, err
    assert (folder / "tiny.engine").read_bytes() == before
    assert not leftovers(folder), os.listdir(str(folder))


def test_a_classifier_alone(folder):
    tiny.classifier(folder / "shades.onnx")
    place = tiny.pictures(folder / "grey")
    made = command(folder, "build", folder / "shades.onnx", "--precision", "fp32", *FAST)
    assert made.code == 0, made.err
    results = [
        command(
            folder, "run", "--source", place, "--model", folder / "shades.onnx",
            "--backend", backend, "--detections", "-",
        )
        for backend in ("gpu", "host")
    ]  # fmt: skip
    lines = [[json.loads(line) for line in result.out.splitlines()] for result in results]
    assert len(lines[0]) == 3, results[0].err
    for one, other in zip(*lines):
        assert [c["class_id"] for c in one["classes"]] == [c["class_id"] for c in other["classes"]]
        scores = [[c["score"] for c in side["classes"]] for side in (one, other)]
        np.testing.assert_allclose(scores[0], scores[1], atol=0.01)
