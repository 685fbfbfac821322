"""typed: float16 inside, float32 outside, the same answers."""

import numpy as np
import pytest

from app.device import quantize, typed
from app.errors import EngineError, OutputError
from tests import networks
from tests.data import data

onnx = pytest.importorskip("onnx", reason="the onnx package is not installed")
runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
numpy_helper = pytest.importorskip("onnx.numpy_helper")

FLOAT, HALF = 1, 10  # in onnx.TensorProto
SHAPE = (1, 2, 4, 4)
PICTURE = np.random.RandomState(1).uniform(-1, 1, (1, 3, 8, 8)).astype(np.float32)


def answers(path, given):
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, given)


def casts(graph):
    return [(node.input[0], node.output[0]) for node in graph.node if node.op_type == "Cast"]


@pytest.fixture
def path(tmp_path):
    return networks.layers(tmp_path / "layers.onnx")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "layers.fp16.onnx"


@pytest.mark.parametrize("opset", [9, 11, 13])
def test_float16_inside_and_float32_outside(tmp_path, out, opset):
    path = networks.layers(tmp_path / "layers.onnx", opset)
    assert typed.half(path, str(out)) == 7
    graph = onnx.load(str(out)).graph
    assert {weight.data_type for weight in graph.initializer} == {HALF}
    edges = list(graph.input) + list(graph.output)
    assert {edge.type.tensor_type.elem_type for edge in edges} == {FLOAT}
    wanted = [("images", "images.half"), ("sum.half", "sum"), ("out.half", "out")]
    assert sorted(casts(graph)) == sorted(wanted)
    for before, after in zip(*(answers(p, {"images": PICTURE}) for p in (path, out))):
        assert 0 < np.abs(before - after).max() < 5e-3 * np.abs(before).max()


def test_kept_nodes_stay_in_float32(path, out):
    assert typed.half(path, str(out), keep=("head", "out")) == 5
    graph = onnx.load(str(out)).graph
    weights = {weight.name: weight.data_type for weight in graph.initializer}
    assert weights["w4"] == FLOAT and weights["w1.half"] == HALF and "w1" not in weights
    assert sorted(casts(graph)) == [("images", "images.half"), ("sum.half", "sum")]
    with pytest.raises(EngineError, match="no node is called 'heads'"):
        typed.half(path, str(out), keep=("heads",))


NODES = {
    "a resize, whose scales must be float32": [
        ("Resize", ["images", "", "scales"], "out", {"mode": "linear"})
    ],
    "a cast to float": [
        ("Shape", ["images"], "shape", {}),
        ("Cast", ["shape"], "sizes", {"to": FLOAT}),
        ("Mul", ["images", "sizes"], "out", {}),
    ],
    "a fill": [
        ("Shape", ["images"], "shape", {}),
        ("ConstantOfShape", ["shape"], "twos", {"value": "two"}),
        ("Mul", ["images", "twos"], "out", {}),
    ],
    "what says its own type": [
        ("EyeLike", ["side"], "eye", {"dtype": FLOAT}),
        ("MatMul", ["images", "eye"], "out", {}),
    ],
    "a sum over an input that is handed out": [
        ("Identity", ["images"], "same", {}),
        ("Add", ["same", "images"], "out", {}),
    ],
    "larger and smaller than float16 knows": [
        ("Min", ["images", "large"], "least", {}),
        ("Add", ["least", "tiny"], "sum", {}),
        ("Mul", ["sum", "one"], "out", {}),
    ],
}
WEIGHTS = {
    "scales": np.array([1, 1, 2, 2], np.float32),
    "side": np.zeros((4, 4), np.float32),
    "large": np.array([1e9], np.float32),
    "tiny": np.array([1e-12], np.float32),
    "one": np.array([1], np.float32),
}


@pytest.mark.parametrize("kind", sorted(NODES))
def test_nodes_of_all_sorts(tmp_path, out, kind):
    two = numpy_helper.from_array(np.array([2], np.float32))
    nodes = [
        (name, given, made, {k: two if v == "two" else v for k, v in attributes.items()})
        for name, given, made, attributes in NODES[kind]
    ]
    used = {name for _, given, _, _ in nodes for name in given}
    weights = {name: array for name, array in WEIGHTS.items() if name in used}
    path = networks.model(
        tmp_path / "m.onnx", SHAPE, nodes, {"out": (None,) * 4}, opset=13, weights=weights
    )
    given = {"images": np.random.RandomState(0).uniform(0.1, 1, SHAPE).astype(np.float32)}
    assert typed.half(path, str(out)) >= 1
    ((before,), (after,)) = answers(path, given), answers(out, given)
    assert after.dtype == np.float32 and np.isfinite(after).all()
    np.testing.assert_allclose(after, before, rtol=2e-3)


def test_what_would_vanish_stays_above_zero(tmp_path, out):
    """An epsilon of 0 would make 0 / 0 of a black picture."""
    nodes = [("Add", ["images", "tiny"], "sum", {}), ("Div", ["images", "sum"], "out", {})]
    path = networks.model(
        tmp_path / "m.onnx", SHAPE, nodes, {"out": SHAPE}, opset=13,
        weights={"tiny": WEIGHTS["tiny"]},
    )  # fmt: skip
    typed.half(path, str(out))
    (answer,) = answers(out, {"images": np.zeros(SHAPE, np.float32)})
    assert not answer.any()


def test_pairs_become_float16_where_onnx_knows_such(path, tmp_path, out):
    """From opset 19 on: a cast between a pair and its layer would keep TensorRT from INT8."""
    pairs = str(tmp_path / "int8.onnx")
    quantize.quantize(path, pairs, lambda: [{"images": PICTURE}])
    if onnx.defs.onnx_opset_version() < 19:
        with pytest.raises(EngineError, match="cannot be raised to 19"):
            typed.half(pairs, str(out))
        return
    typed.half(pairs, str(out))
    graph = onnx.load(str(out)).graph
    assert {one.data_type for one in graph.initializer if one.name.endswith("scale.half")} == {HALF}
    assert len(casts(graph)) == 3, "at the edges alone"
    for before, after in zip(*(answers(p, {"images": PICTURE}) for p in (pairs, out))):
        assert np.abs(before - after).max() < 0.02 * np.abs(before).max()


def test_a_branch_is_refused(tmp_path, out):
    helper = onnx.helper
    value = helper.make_tensor_value_info("inner", FLOAT, SHAPE)
    body = helper.make_graph([helper.make_node("Relu", ["images"], ["inner"])], "b", [], [value])
    nodes = [("If", ["yes"], "out", {"then_branch": body, "else_branch": body})]
    path = networks.model(
        tmp_path / "m.onnx", SHAPE, nodes, {"out": SHAPE}, opset=13,
        weights={"yes": np.array(True)},
    )  # fmt: skip
    with pytest.raises(EngineError, match="'out' is a loop or branch"):
        typed.half(path, str(out))
    assert not out.exists()


def test_nowhere_to_write(path, tmp_path):
    with pytest.raises(OutputError, match="No such file"):
        typed.half(path, str(tmp_path / "no" / "m.onnx"))


REAL = {  # file -> the range of its input, and how far the mean answer may be off
    "yolox_nano_416_dyn": (255, 0.01),
    "picodet_s_416_v8head_dyn": (1, 0.01),
    "human_nanodet_g_416": (1, 0.01),
    "mobilenet_v2_1.0_224_deq_fp32": (1, 0.05),  # an exponential of all that came before
}


@pytest.mark.parametrize("file", sorted(REAL))
def test_real_models(tmp_path, out, file):
    path = str(data(f"models/{file}.onnx"))
    most, tolerance = REAL[file]
    nodes = len(onnx.load(path).graph.node)
    assert typed.half(path, str(out)) > 0.9 * nodes
    (given,) = onnx.load(path).graph.input
    shape = [dim.dim_value or 1 for dim in given.type.tensor_type.shape.dim]
    random = np.random.RandomState(0).uniform(0, most, shape).astype(np.float32)
    for before, after in zip(*(answers(p, {given.name: random}) for p in (path, out))):
        assert np.abs(before - after).mean() <= tolerance * np.abs(before).mean()
