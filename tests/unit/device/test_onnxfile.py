"""onnxfile: what a file holds, what TensorRT 8.2 cannot take, which files are refused."""

from typing import Any, List, Tuple

import pytest

from app import console
from app.device import onnxfile
from app.device.backend import Model
from app.device.complete import Tensors, complete
from app.errors import EngineError
from tests import networks
from tests.data import data

pytest.importorskip("onnx", reason="the onnx package is not installed")
SHAPE = ("batch", 3, 4, 6)


def test_describe(tmp_path) -> None:
    path = networks.model(
        tmp_path / "m.onnx",
        SHAPE,
        [("Relu", ["images"], "a", {}), ("Relu", ["a"], "b", {}), ("Exp", ["b"], "out", {})],
        {"out": SHAPE},
    )
    found = onnxfile.describe(path)
    assert found.inputs == (("images", (-1, 3, 4, 6), "float32"),)
    assert found.outputs == (("out", (-1, 3, 4, 6), "float32"),)
    assert (found.opset, found.producer, found.refused) == (11, "echo", ())
    assert list(found.operators.items()) == [("Relu", 2), ("Exp", 1)]


@pytest.mark.parametrize(
    "node, more, told",
    [
        (("HardSwish", ["images"], "out", {}), {"opset": 14}, ["(opset)", "HardSwish"]),
        (("Det", ["images"], "out", {}), {}, ["Det"]),
        (("Mod", ["images", "images"], "out", {"fmod": 1}), {}, ["Mod"]),
        (("Conv", ["images", "images"], "out", {}), {}, ["Conv"]),
        (("Resize", ["images"], "out", {"mode": "cubic"}), {}, ["Resize"]),
        (("Resize", ["images"], "out", {"mode": "linear"}), {}, []),
        (("Einsum", ["images"], "out", {"equation": "...i->i"}), {"opset": 12}, ["Einsum"]),
        (("TopK", ["images", "images"], "out", {}), {}, ["TopK"]),
        (("Mine", ["images"], "out", {"domain": "my.own"}), {}, ["Mine"]),
    ],
)
def test_refused(tmp_path, node: Any, more: Any, told: List[str]) -> None:
    path = networks.model(tmp_path / "m.onnx", SHAPE, [node], {"out": SHAPE}, **more)
    found = onnxfile.describe(path).refused
    assert [refused.operator for refused in found] == told
    assert all(refused.reason for refused in found)


def test_a_remedy_comes_with_what_is_refused(tmp_path) -> None:
    node = ("Mod", ["images", "images"], "out", {"fmod": 1})
    path = networks.model(tmp_path / "m.onnx", SHAPE, [node], {"out": SHAPE})
    *_, last = console.network(onnxfile.describe(path))
    assert last.startswith("TensorRT") and "8.5" in last and last.endswith("a - floor(a / b) * b")


def test_constants_may_come_from_nodes(tmp_path) -> None:
    constant = ("Constant", [], "k", {"value_ints": [1]})
    top = ("TopK", ["images", "k"], "out", {})
    path = networks.model(tmp_path / "m.onnx", SHAPE, [constant, top], {"out": SHAPE}, opset=12)
    assert onnxfile.describe(path).refused == ()


@pytest.mark.parametrize(
    "content, told",
    [
        (None, "No such file"),
        (b"", "empty"),
        (b"<html>", "a web page"),
        (b"nonsense", "no whole ONNX file"),
        (b"\x08\x07", "no whole ONNX file"),
    ],
)
def test_bad_files(tmp_path, content, told: str) -> None:
    path = tmp_path / "bad.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EngineError, match=told) as raised:
        onnxfile.describe(str(path))
    assert "\n" not in str(raised.value)


def test_a_truncated_file(tmp_path) -> None:
    path = tmp_path / "echo.onnx"
    networks.echo(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(EngineError, match="no whole ONNX file"):
        onnxfile.describe(str(path))


def test_freed_keeps_the_rest(tmp_path) -> None:
    onnx = pytest.importorskip("onnx")
    path = networks.echo(tmp_path / "echo.onnx", (10, 3, 2, 2))
    graph = onnx.load_model_from_string(onnxfile.freed(path, (0, 2))).graph
    for value, name in ((graph.input[0], "images"), (graph.output[0], "out")):
        dims = value.type.tensor_type.shape.dim
        assert [dim.dim_param or dim.dim_value for dim in dims] == ["batch", 3, f"{name}_2", 2]


REAL: List[Tuple[str, List[str]]] = [
    ("yolox_nano_416_dyn", []),
    ("deimv2_hgnetv2_femto_coco", ["(opset)", "GridSample"]),
    ("picodet_s_416_v8head_dyn", []),
    ("human_nanodet_g_416", []),
    ("yolov8n_640_deq_fp32_dyn", ["(opset)"]),
    ("centerface_dyn", []),
    ("ultraface_rfb_320", []),
    ("mobilenet_v2_1.0_224_deq_fp32", []),
    ("squeezenet1.1_caffe_227", []),
]


@pytest.mark.parametrize("file, told", REAL)
def test_real_models(file: str, told: List[str]) -> None:
    found = onnxfile.describe(str(data(f"models/{file}.onnx")))
    operators = [refused.operator for refused in found.refused]
    assert [operator for operator in told if operator not in operators] == []
    assert told or operators == []


@pytest.mark.parametrize("file, told", REAL)
def test_real_models_are_guessed_from_the_file_alone(file: str, told: List[str]) -> None:
    """As jetwatch inspect does it: no runtime has to take the file."""
    path = str(data(f"models/{file}.onnx"))
    found = onnxfile.describe(path)
    tensors = Tensors(found.inputs, found.outputs, found.metadata, frozenset(found.operators))
    made = complete(Model(file, path), tensors)
    assert made.guessed and made.model.input is not None
    assert (made.model.decoder is None) == ("a classifier" in made.guessed)
