"""
quantize: an ONNX model with QuantizeLinear and DequantizeLinear pairs, as every TensorRT takes.

Symmetric INT8: zero-points 0, weights per output channel, activations per tensor, a pair of its
own on each input of a quantized node, and biases, outputs and all else left in float, so that
nodes which are not quantized see unchanged values.
"""

from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.device import activations, rewrite
from app.device.activations import Feed
from app.errors import EngineError
from app.vision import histogram
from app.vision.histogram import Histogram

OPSET = 13  # the oldest with scales per channel
METHODS = ("percentile", "entropy", "minmax")
PERCENT = 99.99
_KINDS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_FEW = 8  # output channels
_SMALLEST = 1e-8  # a scale for what is always 0; TensorRT wants it above 0
_MOST = 127  # symmetric: -128 is not used


class Quantization(NamedTuple):
    """How to quantize."""

    method: str = METHODS[0]  # how a tensor's range is cut
    keep: Sequence[str] = ()  # names, or patterns as of a shell, of nodes to leave in float
    whole: bool = False  # also the nodes that ``_delicate`` finds


DEFAULT = Quantization()


class Quantized(NamedTuple):
    nodes: Tuple[str, ...]  # now in INT8
    kept: Tuple[str, ...]  # of the same kinds, but left in float
    method: str


class _Weight(NamedTuple):
    array: np.ndarray
    axis: Optional[int]  # that of the output channels; None where they lie in no single one


def quantize(
    model_path: str,
    out_path: str,
    batches: Callable[[], Iterable[Feed]],
    how: Quantization = DEFAULT,
    seen: Callable[[int], None] = lambda done: None,
) -> Quantized:
    """
    Write the quantized model to ``out_path``, whole or not at all.

    ``batches`` yields feeds as the network gets them at run time, one picture each where memory
    is short, with an array for every input; ``seen`` is told after each how many are done, and
    what it raises ends the work. Raises EngineError for a model that cannot be quantized, feeds
    that do not fit or none, DeviceError without onnx or onnxruntime, OutputError for no room.
    """
    if how.method not in METHODS:
        raise EngineError(f"{how.method!r} is no way to calibrate; take {', '.join(METHODS)}")
    model = rewrite.opened(model_path, OPSET)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    able = [node for node in model.graph.node if _able(node, weights)]
    kept = set(rewrite.matching(model.graph.node, how.keep, model_path))
    if not how.whole:
        kept.update(node.name for node in able if _delicate(node, weights[node.input[1]].dims))
    chosen = [node for node in able if node.name not in kept]
    if not chosen:
        raise EngineError(
            f"{model_path}: holds nothing to quantize: {len(able)} nodes of {', '.join(_KINDS)} "
            "with constant float32 weights, all of them kept in float. Build it for FP16"
        )
    names = sorted({node.input[0] for node in chosen})
    ranges = activations.watched(model, model_path, names, batches(), seen)
    scales = {name: np.float32(_cut(ranges[name], how.method) / _MOST) for name in names}
    _insert(model.graph, {node.name for node in chosen}, scales)
    del model.graph.value_info[:]
    rewrite.save(rewrite.checked(model, model_path), out_path)
    return Quantized(
        tuple(node.name for node in chosen),
        tuple(node.name for node in able if node.name in kept),
        how.method,
    )


def _able(node: Any, weights: Dict[str, Any]) -> bool:
    from onnx import TensorProto

    return (
        node.op_type in _KINDS
        and node.domain in rewrite.DOMAINS
        and node.input[0] not in weights
        and node.input[1] in weights
        and weights[node.input[1]].data_type == TensorProto.FLOAT
    )


def _delicate(node: Any, shape: Sequence[int]) -> bool:
    """
    Whether the node is a small part of the work and loses by INT8, as scripts/bench_quantize.py
    measures: a depthwise convolution (with them AP is .10 for .36 of YOLOX-nano, .00 for .36 of
    PicoDet-S), or one of few outputs, such as a box (.351 for .358 of YOLOX-nano).
    """
    groups = _attribute(node, "group", 1)
    if node.op_type == "ConvTranspose":
        return shape[1] * groups < _FEW or 1 < groups == shape[0]
    if node.op_type == "Conv":
        return shape[0] < _FEW or 1 < groups == shape[1] * groups
    columns = shape[0] if _attribute(node, "transB", 0) else shape[-1]
    return columns < _FEW


def _attribute(node: Any, name: str, default: int) -> int:
    return next((int(one.i) for one in node.attribute if one.name == name), default)


def _has(node: Any, name: str) -> bool:
    return any(one.name == name for one in node.attribute)


def _cut(seen: Histogram, method: str) -> float:
    if method == "entropy":
        return histogram.entropy(seen)
    return seen.peak if method == "minmax" else histogram.percentile(seen, PERCENT)


def _weight(node: Any, tensor: Any) -> _Weight:
    from onnx import numpy_helper

    array = numpy_helper.to_array(tensor)
    axis: Optional[int] = 0
    if node.op_type == "MatMul":
        axis = 1 if array.ndim == 2 else None
    elif node.op_type == "Gemm":
        axis = 0 if _attribute(node, "transB", 0) else 1
    elif node.op_type == "ConvTranspose":
        axis = 1 if _attribute(node, "group", 1) == 1 else None
    return _Weight(array, axis)


def _weight_scale(weight: _Weight) -> np.ndarray:
    """Float32, one of each channel, or of all: (C,) or ()."""
    sizes = np.abs(weight.array)
    if weight.axis is None:
        return np.asarray(sizes.max() / _MOST, np.float32)
    rest = tuple(axis for axis in range(sizes.ndim) if axis != weight.axis)
    return np.asarray(sizes.max(axis=rest) / _MOST, np.float32)


def _insert(graph: Any, chosen: Iterable[str], scales: Dict[str, np.float32]) -> None:
    """Put a pair before the picture and one before the weight of each chosen node."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes: List[Any] = []
    for node in graph.node:
        if node.name in chosen:
            weight = _weight(node, weights[node.input[1]])
            given = np.asarray(scales[node.input[0]])
            nodes += _pair(graph, node, 0, given, None)
            nodes += _pair(graph, node, 1, _weight_scale(weight), weight.axis)
            _say_kernel_shape(node, weight.array.shape)
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)


def _say_kernel_shape(node: Any, shape: Sequence[int]) -> None:
    """ONNX lets it be left out, but TensorRT 8.6 reads it where the weight is no constant."""
    from onnx import helper

    if node.op_type in ("Conv", "ConvTranspose") and not _has(node, "kernel_shape"):
        node.attribute.append(helper.make_attribute("kernel_shape", shape[2:]))


def _pair(
    graph: Any, node: Any, place: int, scale: np.ndarray, axis: Optional[int]
) -> Tuple[Any, Any]:
    """The two nodes for one input of ``node``, which is led through them."""
    from onnx import helper, numpy_helper

    scale = np.maximum(scale, np.float32(_SMALLEST))
    name = f"{node.name}.{place}"
    constants = {f"{name}.scale": scale, f"{name}.zero": np.zeros(scale.shape, np.int8)}
    for key, value in constants.items():
        graph.initializer.extend([numpy_helper.from_array(value, key)])
    more = {} if axis is None else {"axis": axis}
    whole, part = f"{name}.quantized", f"{name}.dequantized"
    pair = (
        helper.make_node("QuantizeLinear", [node.input[place], *constants], [whole], whole, **more),
        helper.make_node("DequantizeLinear", [whole, *constants], [part], part, **more),
    )
    node.input[place] = part
    return pair
