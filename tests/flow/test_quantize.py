"""Real models in Q/DQ find what they found before, and naive INT8 is what the gate stops."""

import contextlib

import pytest

from app import catalogue, gate
from app.device import activations, quantize, relabel, rewrite
from app.device.host import HostBackend
from app.device.quantize import Quantization
from app.media import samples
from tests.data import data

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
pytest.importorskip("onnx", reason="the onnx package is not installed")

MODELS = {
    "nanodet_g": "human_nanodet_g_416",
    "picodet_s": "picodet_s_416_v8head_dyn",
    "yolox_nano": "yolox_nano_416_dyn",
    "yolov8n": "yolov8n_640_deq_fp32_dyn",  # opset 20
}
PICTURES = 32  # to calibrate with


def pictures(folder):
    return sorted(str(path) for path in data("images", folder, "images").iterdir())


def quantized(model, out, how):
    with contextlib.closing(HostBackend()) as backend:
        network = backend.load(model)
        chosen = pictures("coco_train2017_128")[:PICTURES]
        return quantize.quantize(
            model.path,
            out,
            lambda: activations.feeds(backend, network, samples.read(chosen)),
            how,
        )


def compared(model, path):
    """The gate's report on a rewritten model."""
    chosen = pictures("coco_val2017_64")
    with contextlib.closing(HostBackend()) as backend:
        low = gate.wanted(model, chosen)
        sides = [
            gate.Side(name, backend, backend.load(low._replace(path=where)))
            for name, where in (("int8", path), ("fp32", model.path))
        ]
        return gate.measure(*sides, chosen, model.score, 0.95, lambda *told: None).accuracy


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MODELS))
def test_average_precision_stays(name, tmp_path):
    content = relabel.relabelled(str(data("models", MODELS[name] + ".onnx")))
    model = catalogue.find(name).model._replace(path=str(tmp_path / "model.onnx"))
    rewrite.save(content, model.path)
    out = str(tmp_path / "int8.onnx")
    made = quantized(model, out, quantize.DEFAULT)
    report = compared(model, out)
    print(f"{name}: {len(made.nodes)} quantized, {len(made.kept)} kept, {report}")
    assert report.ap > report.ap_reference - 0.02 and "kept" in report.verdict


@pytest.mark.slow
def test_naive_int8_ruins_some(tmp_path):
    """What the gate is for."""
    path = str(data("models", MODELS["picodet_s"] + ".onnx"))
    model = catalogue.find("picodet_s").model._replace(path=path)
    out = str(tmp_path / "int8.onnx")
    made = quantized(model, out, Quantization("minmax", whole=True))
    report = compared(model, out)
    assert not made.kept and report.ap < 0.05 and "refused" in report.verdict, report
