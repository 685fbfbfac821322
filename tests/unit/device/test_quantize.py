"""quantize: pairs as TensorRT takes them, answers near the float ones, nothing half written."""

import os
import resource

import numpy as np
import pytest

from app.device import quantize
from app.device.quantize import Quantization
from app.errors import EngineError, OutputError
from tests import networks

onnx = pytest.importorskip("onnx", reason="the onnx package is not installed")
runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
numpy_helper = pytest.importorskip("onnx.numpy_helper")

PICTURES = np.random.RandomState(1).uniform(-1, 1, (6, 1, 3, 8, 8)).astype(np.float32)


def feeds():
    return [{"images": picture} for picture in PICTURES]


def answers(path, given):
    """
    As the graph says, pairs in float: ONNX Runtime's INT8 MatMul saturates on a CPU without VNNI.
    """
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, given)


def arrays(path):
    graph = onnx.load(str(path)).graph
    return graph, {one.name: numpy_helper.to_array(one) for one in graph.initializer}


@pytest.fixture
def path(tmp_path):
    return networks.layers(tmp_path / "layers.onnx")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "layers.int8.onnx"


def test_kernel_shapes_are_said_where_the_model_does_not(path, out):
    """TensorRT 8.6 wants them once the weight comes out of a node."""
    bare = onnx.load(str(path))
    for node in bare.graph.node:
        kept = [one for one in node.attribute if one.name != "kernel_shape"]
        del node.attribute[:]
        node.attribute.extend(kept)
    onnx.save(bare, str(path))
    chosen = quantize.quantize(str(path), str(out), feeds).nodes
    graph, _ = arrays(out)
    (first,) = [node for node in graph.node if node.name == "first"]
    assert "first" in chosen
    assert {"kernel_shape": [3, 3]}.items() <= {
        a.name: list(a.ints) for a in first.attribute
    }.items()


@pytest.mark.parametrize("opset", [9, 11, 13])
@pytest.mark.parametrize("method", quantize.METHODS)
def test_pairs_as_tensorrt_takes_them(tmp_path, out, opset, method):
    path = networks.layers(tmp_path / "layers.onnx", opset)
    made = quantize.quantize(path, str(out), feeds, Quantization(method))
    assert made == (("first", "pointwise"), ("depthwise", "head"), method)
    graph, weights = arrays(out)
    pairs = [node for node in graph.node if node.op_type == "QuantizeLinear"]
    assert [node.input[0] for node in pairs] == ["images", "w1", "depthwise", "w3"]
    for node in pairs:
        scale, zero = weights[node.input[1]], weights[node.input[2]]
        assert zero.dtype == np.int8 and not zero.any() and zero.shape == scale.shape
        assert scale.dtype == np.float32 and (scale > 0).all()
        axes = [attribute.i for attribute in node.attribute]
        assert (scale.shape, axes) == (((8,), [0]) if node.input[0] in weights else ((), []))
    by_output = {node.output[0]: node for node in graph.node}
    for name, bias in (("first", "b1"), ("pointwise", "b3")):
        sources = [by_output[given].op_type for given in by_output[name].input[:2]]
        assert sources == ["DequantizeLinear"] * 2
        assert by_output[name].input[2] == bias and weights[bias].dtype == np.float32
    assert list(by_output["sum"].input) == ["relu", "pointwise"], "others see unchanged values"
    for picture in PICTURES:
        for before, after in zip(*(answers(p, {"images": picture}) for p in (path, out))):
            assert 0 < np.abs(before - after).max() < 0.05 * np.abs(before).max()


def test_all_of_it_where_asked_for(path, out):
    made = quantize.quantize(path, str(out), feeds, Quantization(whole=True))
    assert made.nodes == ("first", "depthwise", "pointwise", "head") and made.kept == ()


def test_kept_nodes(path, out):
    made = quantize.quantize(path, str(out), feeds, Quantization(keep=("f?rst", "head")))
    assert made.nodes == ("pointwise",) and made.kept == ("first", "depthwise", "head")


LAYERS = {  # operator -> attributes, shape of the input, shape of the weight, axis of its outputs
    "Conv": ({}, (1, 3, 8, 8), (10, 3, 1, 1), 0),
    "ConvTranspose": ({}, (1, 3, 8, 8), (3, 10, 2, 2), 1),
    "Gemm": ({}, (4, 20), (20, 10), 1),
    "Gemm, turned": ({"transB": 1}, (4, 20), (10, 20), 0),
    "MatMul": ({}, (2, 4, 20), (20, 10), 1),
}


@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_each_channel_has_its_own_scale(tmp_path, out, kind):
    """One scale for all would lose the small channels whole."""
    attributes, shape, of_weight, axis = LAYERS[kind]
    random = np.random.RandomState(0)
    weight = random.uniform(-1, 1, of_weight).astype(np.float32)
    sizes = np.logspace(-6, 0, 10).astype(np.float32)
    weight *= sizes.reshape([10 if one == axis else 1 for one in range(weight.ndim)])
    node = (kind.split(",")[0], ["images", "w"], "out", attributes)
    rank = (None,) * len(shape)
    path = networks.model(
        tmp_path / "m.onnx", shape, [node], {"out": rank}, opset=13, weights={"w": weight}
    )
    given = {"images": random.uniform(-1, 1, shape).astype(np.float32)}
    quantize.quantize(path, str(out), lambda: [given], Quantization("minmax"))
    ((before,), (after,)) = answers(path, given), answers(out, given)
    channels = 1 if kind.startswith("Conv") else -1
    error = np.abs(np.moveaxis(before - after, channels, 0)).reshape(10, -1).max(axis=1)
    assert (error < 0.03 * sizes * np.sqrt(20)).all(), error / sizes


def test_a_dead_channel_and_a_black_picture_still_have_scales(tmp_path, out):
    weight = np.ones((8, 3, 1, 1), np.float32)
    weight[3] = 0
    node = ("Conv", ["images", "w"], "out", {})
    shape = (1, 3, 8, 8)
    path = networks.model(
        tmp_path / "m.onnx", shape, [node], {"out": (1, 8, 8, 8)}, opset=13, weights={"w": weight}
    )
    quantize.quantize(path, str(out), lambda: [{"images": np.zeros(shape, np.float32)}])
    _, weights = arrays(out)
    scales = [array for name, array in weights.items() if name.endswith(".scale")]
    assert len(scales) == 2 and all((s >= np.float32(1e-8)).all() for s in scales)


def test_a_second_input_is_fed(tmp_path, out):
    nodes = [
        ("Conv", ["images", "w"], "seen", {}),
        ("Cast", ["sizes"], "floats", {"to": 1}),
        ("Mul", ["seen", "floats"], "out", {}),
    ]
    path = networks.model(
        tmp_path / "m.onnx",
        (1, 3, 8, 8),
        nodes,
        {"out": (1, 8, 8, 8)},
        opset=13,
        inputs={"sizes": ("INT64", (1, 1))},
        weights={"w": np.ones((8, 3, 1, 1), np.float32)},
    )
    feed = {"images": PICTURES[0], "sizes": np.array([[8]], np.int64)}
    made = quantize.quantize(path, str(out), lambda: [feed])
    assert made.nodes == ("seen",)
    refused(lambda: quantize.quantize(path, str(out), feeds), EngineError, "cannot run on images")


def test_constants_of_nodes_are_weights_too(tmp_path, out):
    weight = numpy_helper.from_array(np.ones((8, 3, 1, 1), np.float32))
    nodes = [
        ("Constant", [], "w", {"value": weight}),
        ("Conv", ["images", "w"], "out", {}),
    ]
    path = networks.model(tmp_path / "m.onnx", (1, 3, 8, 8), nodes, {"out": (1, 8, 8, 8)})
    assert quantize.quantize(path, str(out), feeds).nodes == ("out",)


def refused(call, kind, *words):
    with pytest.raises(kind) as raised:
        call()
    message = str(raised.value)
    assert "\n" not in message and all(word in message for word in words), message


def test_what_cannot_be_quantized(tmp_path, path, out):
    def attempt(model, how=quantize.DEFAULT, given=feeds):
        return lambda: quantize.quantize(str(model), str(out), given, how)

    cut = tmp_path / "cut.onnx"
    with open(path, "rb") as file:
        cut.write_bytes(file.read()[:-40])
    echo = networks.echo(tmp_path / "echo.onnx")
    large = [{"images": np.zeros((1, 4, 8, 8), np.float32)}]
    refused(attempt(path, given=list), EngineError, "no pictures", "folder or clip")
    refused(attempt(path, given=lambda: large), EngineError, "[1, 4, 8, 8]")
    refused(attempt(path, Quantization("median")), EngineError, "'median'", "entropy")
    refused(attempt(path, Quantization(keep=("backbone.*",))), EngineError, "'backbone.*'", "keep")
    refused(attempt(path, Quantization(keep=("*",))), EngineError, "nothing to quantize", "FP16")
    refused(attempt(echo), EngineError, "nothing to quantize")
    refused(attempt(cut), EngineError, "no whole ONNX file")
    refused(attempt(tmp_path / "none.onnx"), EngineError, "No such file")
    assert not out.exists()


def test_what_exists_stays_until_the_new_one_is_whole(path, out, tmp_path):
    out.write_bytes(b"before")
    before = sorted(os.listdir(str(tmp_path)))

    def cancel(done):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quantize.quantize(path, str(out), feeds, seen=cancel)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # as a disk that fills up
    try:
        refused(lambda: quantize.quantize(path, str(out), feeds), OutputError, "cannot be written")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert out.read_bytes() == b"before" and sorted(os.listdir(str(tmp_path))) == before
    nowhere = str(tmp_path / "no" / "folder.onnx")
    refused(lambda: quantize.quantize(path, nowhere, feeds), OutputError, "No such file")


def test_it_says_how_far_it_is_and_nothing_else(path, out, capfd):
    told = []
    quantize.quantize(path, str(out), feeds, seen=told.append)
    assert told == [1, 2, 3, 4, 5, 6]
    assert capfd.readouterr() == ("", "")
