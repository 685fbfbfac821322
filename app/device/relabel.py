"""
relabel: a model of a newer opset, said to be of opset 13, the newest that TensorRT 8.2 reads.

An operator is let through where opset 13 has it and its definition did not change up to opset 25,
or gained only types, inputs and attributes that the model does not use. The rest is refused.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from app.device import rewrite
from app.device.onnxfile import OLDEST_OPSET
from app.errors import EngineError

NEWEST_OPSET = 25  # that the lists below were held against
_FILE_FORMAT = 7  # ONNX's IR version of opset 13's time

_TYPES_ONLY = (
    "Acos Acosh Add Asin Asinh Atan Atanh Constant ConstantOfShape Conv ConvTranspose Cos Cosh "
    "CumSum Det Div Dropout Elu Equal Flatten GlobalAveragePool GlobalLpPool GlobalMaxPool "
    "GreaterOrEqual HardSigmoid Identity InstanceNormalization IsInf IsNaN LeakyRelu "
    "LessOrEqual LpNormalization MaxPool MaxRoiPool MaxUnpool Mul PRelu Pow QLinearMatMul Relu "
    "Round Selu Sin Sinh Size Softplus Softsign Squeeze Sub Tan ThresholdedRelu TopK Transpose "
    "Unsqueeze Where"
)
TYPES_ONLY = frozenset(_TYPES_ONLY.split())
GAINED: Dict[str, Dict[str, Any]] = {  # attribute -> the value that means what opset 13 did
    "AveragePool": {"dilations": 1, "ceil_mode": 0},  # whose partial windows were redefined
    "BatchNormalization": {"training_mode": 0},
    "Cast": {"saturate": 1, "round_mode": "up"},
    "DequantizeLinear": {"block_size": 0, "output_dtype": 0},
    "GRU": {"layout": 0},
    "LSTM": {"layout": 0},
    "Pad": {},
    "QuantizeLinear": {"block_size": 0, "output_dtype": 0, "precision": 0, "saturate": 1},
    "RNN": {"layout": 0},
    "Reshape": {"allowzero": 0},
    "Resize": {"antialias": 0, "axes": None, "keep_aspect_ratio_policy": "stretch"},
    "ScatterElements": {"reduction": "none"},
    "ScatterND": {"reduction": "none"},
    "Shape": {"start": 0, "end": None},
    "Split": {},  # num_outputs, which see below
}
_REDUCTIONS = (  # whose axes became an input at 18
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd "
    "ReduceSumSquare"
)
REDUCTIONS = frozenset(_REDUCTIONS.split())
_REFUSED = (  # changed in ways that were not looked into; pictures seldom need them
    "EyeLike If Loop LpPool Multinomial NegativeLogLikelihoodLoss RandomNormal RandomNormalLike "
    "RandomUniform RandomUniformLike RoiAlign Scan SplitToSequence"
)
REFUSED = frozenset(_REFUSED.split())
INPUTS = {"Pad": 3}  # how many opset 13 has, where there are more now
_VALUES = {  # attribute -> those that opset 13 knows
    ("Pad", "mode"): ("constant", "reflect", "edge"),
    ("Resize", "coordinate_transformation_mode"): (
        "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"
    ),
}  # fmt: skip


class _Split(NamedTuple):
    node: str
    tensor: str
    axis: int
    parts: int


def relabelled(path: str) -> bytes:
    """
    The model at opset 13, as a file's bytes; one of an older opset as it is. Raises EngineError
    with the first operator that is not the same there, and DeviceError where onnx is missing.
    """
    model = rewrite.opened(path)
    opset = rewrite.opset_of(model)
    if opset <= OLDEST_OPSET:
        return rewrite.checked(model, path)
    if opset > NEWEST_OPSET:
        raise _refusal(path, f"it is of opset {opset}, and {NEWEST_OPSET} is the newest known here")
    if len(getattr(model, "functions", ())):
        raise _refusal(path, "it defines functions of its own")
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    splits: List[_Split] = []
    for node in model.graph.node:
        if node.domain in rewrite.DOMAINS:
            problem = _rewritten(node, weights, splits)
            if problem:
                raise _refusal(path, f"{node.op_type} {node.name!r} {problem}")
    for item in model.opset_import:
        if item.domain in rewrite.DOMAINS:
            item.version = OLDEST_OPSET
    model.ir_version = min(model.ir_version, _FILE_FORMAT)
    _check_splits(model, splits, path)
    return rewrite.checked(model, path)


def _refusal(path: str, reason: str) -> EngineError:
    return EngineError(
        f"{path}: cannot be taken as opset {OLDEST_OPSET}: {reason}. "
        f"Export it again at opset {OLDEST_OPSET}"
    )


def _rewritten(node: Any, weights: Dict[str, Any], splits: List[_Split]) -> str:
    """Drop what the node has beyond opset 13 and does not use: why it cannot be, or empty."""
    kind, schema = node.op_type, rewrite.schema(node, OLDEST_OPSET)
    if schema is None:
        return f"is not of opset {OLDEST_OPSET}"
    if kind in REFUSED:
        return "is defined in another way there"
    if len(node.input) > INPUTS.get(kind, len(node.input)) and node.input[INPUTS[kind]]:
        return "takes an input that it did not have there"
    used = {attribute.name: _value(attribute) for attribute in node.attribute}
    if kind == "Split" and "num_outputs" in used:
        splits.append(_Split(node.name, node.input[0], used.get("axis", 0), len(node.output)))
        _drop(node, "num_outputs")
    if kind in REDUCTIONS:
        return _axes_as_attribute(node, weights, used)
    for name, neutral in GAINED.get(kind, {}).items():
        if name in used:
            values = used[name] if isinstance(used[name], list) else [used[name]]
            if any(value != neutral for value in values):
                return f"has {name}={used[name]}"
            if name not in schema.attributes:
                _drop(node, name)
    for (operator, name), known in _VALUES.items():
        if operator == kind and used.get(name, known[0]) not in known:
            return f"has {name}={used[name]}"
    return ""


def _axes_as_attribute(node: Any, weights: Dict[str, Any], used: Dict[str, Any]) -> str:
    from onnx import helper, numpy_helper

    axes: Optional[List[int]] = None
    if len(node.input) > 1 and node.input[1]:
        if node.input[1] not in weights:
            return "has axes that are no constant"
        axes = np.ravel(numpy_helper.to_array(weights[node.input[1]])).tolist()
    if not axes and used.get("noop_with_empty_axes"):
        return "has noop_with_empty_axes=1"
    _drop(node, "noop_with_empty_axes")
    del node.input[1:]
    if axes:
        node.attribute.extend([helper.make_attribute("axes", axes)])
    return ""


def _check_splits(model: Any, splits: List[_Split], path: str) -> None:
    """Opset 13 splits into equal parts alone; opset 18 lets the last be smaller."""
    from onnx import shape_inference

    if not splits:
        return
    graph = shape_inference.infer_shapes(model).graph
    values = list(graph.value_info) + list(graph.input)
    shapes: Dict[str, Tuple[int, ...]] = {
        value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        for value in values
    }
    for split in splits:
        shape = shapes.get(split.tensor, ())
        size = shape[split.axis] if -len(shape) <= split.axis < len(shape) else 0
        if size <= 0 or size % split.parts:
            raise _refusal(path, f"Split {split.node!r} may make parts of unlike size")


def _value(attribute: Any) -> Any:
    from onnx import helper

    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return list(value) if attribute.ints else value


def _drop(node: Any, name: str) -> None:
    rest = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend(rest)
