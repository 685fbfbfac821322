"""complete: gaps filled from the outputs, and what does not fit refused at load."""

from typing import Any

import numpy as np
import pytest

from app.device.backend import InputSpec, Model, Placement, TensorSpec
from app.device.complete import Tensors, complete
from app.errors import EngineError
from tests import networks
from tests.networks import refused

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
host = pytest.importorskip("app.device.host", reason="OpenCV is not installed")

PLAIN = InputSpec((6, 4), std=(1.0, 1.0, 1.0))


@pytest.fixture
def backend() -> Any:
    made = host.HostBackend(threads=1)
    yield made
    made.close()


@pytest.mark.parametrize(
    "row, decoder, colour, std, placement",
    [
        ([3.9, -4, 4, 4, 0.5, 0.5], "yolox", "bgr", 1, Placement.LETTERBOX_TOP_LEFT),
        ([np.nan, -4, 4, 4, 0.5, 0.5], "yolox", "bgr", 1, Placement.LETTERBOX_TOP_LEFT),
        ([30, 20, 40, 30, 0.5, 0.5], "yolov5", "bgr", 1, Placement.LETTERBOX_TOP_LEFT),
        ([30, 20, 40, 30, 1, 0.5], "yolov5", "rgb", 255, Placement.LETTERBOX),  # YOLOv6
    ],
)
def test_a_run_tells_what_the_shape_cannot(
    backend, tmp_path, row, decoder, colour, std, placement
) -> None:
    """YOLOX decoded inside the network has the shape of YOLOX: its boxes were decoded twice."""
    rows = np.tile(row, (1, 42, 1))
    path = networks.constant(tmp_path / "x.onnx", (1, 3, 32, 64), {"output": rows})
    network = backend.load(Model("x", path))
    assert (network.model.decoder, network.input.colour) == (decoder, colour)
    assert network.input.std == (std,) * 3 and network.input.placement == placement
    assert network.model.input == network.input
    assert network.guessed and "unless" not in network.guessed
    pixels = networks.constant(tmp_path / "u.onnx", (1, 3, 32, 64), {"output": rows}, dtype="UINT8")
    assert backend.load(Model("u", pixels)).input == network.input._replace(std=(1.0,) * 3)


def test_a_manifest_is_not_put_to_the_test(backend, tmp_path) -> None:
    rows = np.full((1, 42, 6), 40)
    path = networks.constant(tmp_path / "x.onnx", (1, 3, 32, 64), {"output": rows})
    assert backend.load(Model("x", path, InputSpec((64, 32)), "yolox")).model.decoder == "yolox"


@pytest.mark.parametrize(
    "model, told",
    [
        (Model("x", "", InputSpec((9, 9))), "takes 6x4 pictures"),
        (Model("x", "", PLAIN, "yolox", {"output": "nope"}), "has no output 'nope'"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(backend, tmp_path, model, told) -> None:
    path = networks.echo(tmp_path / "x.onnx")
    refused(backend, model._replace(path=path), told)


@pytest.mark.parametrize("shape, decoder", [((1, 8, 43), "yolox"), ((1, 10), "yolov8")])
def test_a_decoder_that_does_not_fit_is_refused(backend, tmp_path, shape, decoder) -> None:
    """Found at load, and not as a crash with the first frame."""
    made = [("RandomUniform", [], "output", {"shape": shape})]
    path = networks.model(tmp_path / "x.onnx", ("batch", 3, 32, 64), made, {"output": shape})
    told = refused(backend, Model("x", path, InputSpec((64, 32)), decoder), "cannot read")
    assert "output" in told


@pytest.mark.parametrize("spec", [None, InputSpec((64, 32))])
def test_types_that_are_no_numbers_are_refused(backend, tmp_path, spec) -> None:
    """An output of text was a TypeError from within numpy."""
    random = ("RandomUniform", [], "r", {"shape": [1, 7, 42]})
    nodes = [random, ("Cast", ["r"], "output", {"to": 8})]
    outputs = {"output": (1, 7, 42)}
    path = networks.model(tmp_path / "x.onnx", (1, 3, 32, 64), nodes, outputs, answers="STRING")
    model = Model("x", path, spec, "yolov8" if spec else None)
    told = refused(backend, model, "output is of string")
    assert "float32" in told


@pytest.mark.parametrize("dtype", ["bfloat16", "string", "seq(map(int64,tensor(float)))"])
@pytest.mark.parametrize("place", [0, 1])
def test_types_from_a_file(dtype, place) -> None:
    """As jetwatch inspect has them, where no runtime takes the file."""
    ends = [TensorSpec("i", (1, 3, 32, 64), "float32"), TensorSpec("o", (1, 7, 42), "float32")]
    ends[place] = ends[place]._replace(dtype=dtype)
    with pytest.raises(EngineError, match="is of"):
        complete(Model("x", "x.onnx"), Tensors((ends[0],), (ends[1],)))


@pytest.mark.parametrize("spec", [None, InputSpec((64, 32))])
def test_too_few_labels_are_refused(backend, tmp_path, spec) -> None:
    shape = ("batch", 3, 32, 64)
    ones = [("RandomUniform", [], "output", {"shape": [1, 7, 42]})]
    path = networks.model(tmp_path / "x.onnx", shape, ones, {"output": ("batch", 7, 42)})
    decoder = "yolov8" if spec else None
    network = backend.load(Model("x", path, spec, decoder, labels=("a", "b", "c")))
    assert network.model.labels == ("a", "b", "c") and bool(network.guessed) != bool(spec)
    refused(backend, Model("x", path, spec, decoder, labels=("a",)), "1 labels for 3 classes")


@pytest.mark.parametrize(
    "side, classes, metadata, placement, resize",
    [
        (224, 1000, {}, Placement.CENTRE_CROP, 256),  # torchvision's own numbers
        (299, 1000, {}, Placement.CENTRE_CROP, 342),
        (224, 1001, {}, Placement.STRETCH, None),
        (224, 1000, {"task": "classify"}, Placement.CENTRE_CROP, 224),
    ],
)
def test_a_classifier_sees_what_its_family_sees(side, classes, metadata, placement, resize):
    picture = TensorSpec("input", (1, 3, side, side), "float32")
    scores = TensorSpec("output", (1, classes), "float32")
    made = complete(Model("x", "x.onnx"), Tensors((picture,), (scores,), metadata))
    assert made.model.decoder is None and made.model.input is not None
    assert (made.model.input.placement, made.model.input.resize) == (placement, resize)


@pytest.mark.parametrize("shape", [(1, 3), (-1, 3), (1, 3, 1, 1), (1, 1, 1, 3)])
def test_a_classifier_has_a_label_for_each_class(shape):
    picture = TensorSpec("input", (1, 3, 4, 6), "float32")
    seen = Tensors((picture,), (TensorSpec("output", shape, "float32"),))
    model = Model("x", "x.onnx", PLAIN, labels=("a", "b", "c"))
    assert complete(model, seen).model == model
    with pytest.raises(EngineError, match="2 labels for 3 classes"):
        complete(model._replace(labels=("a", "b")), seen)
