"""onnxfile: what an ONNX file holds, and which of it TensorRT 8.2 cannot take."""

import os
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from app.device import modelfile
from app.device.backend import TensorSpec
from app.errors import DeviceError, EngineError

OLDEST_OPSET = 13  # the newest that TensorRT 8.2 documents

_ARRIVED = (  # TensorRT's release -> operators that its parser takes from there on
    ("8.4", "HardSwish Shrink Xor"),
    (
        "8.5",
        "GridSample Mod NonZero OneHot RoiAlign Trilu MeanVarianceNormalization RandomNormal "
        "RandomNormalLike",
    ),
    ("8.6", "LayerNormalization GroupNormalization IsInf"),
    ("10.1", "Gelu Mish CastLike DeformConv Hardmax"),
    (
        "",
        "BitShift Compress ConvInteger MatMulInteger DynamicQuantizeLinear QLinearConv "
        "QLinearMatMul Det MaxRoiPool MaxUnpool Multinomial Unique SequenceAt SequenceConstruct "
        "SequenceEmpty SequenceErase SequenceInsert SequenceLength SplitToSequence "
        "ConcatFromSequence TfIdfVectorizer StringNormalizer",
    ),
)
_NEEDS = {name: release for release, names in _ARRIVED for name in names.split()}


_WRITTEN_OUT = "export at opset 13 or lower, which writes it out in simple operators"
_REMEDIES = {  # operator -> what to do in the module it comes from
    "HardSwish": _WRITTEN_OUT,
    "LayerNormalization": _WRITTEN_OUT,
    "GroupNormalization": _WRITTEN_OUT,
    "Gelu": _WRITTEN_OUT,
    "Mish": _WRITTEN_OUT,
    "Mod": "write it as a - floor(a / b) * b",
    "Xor": "write it as a != b",
    "IsInf": "compare its absolute value with a large number",
    "Trilu": "multiply by a constant mask",
    "OneHot": "compare with a constant row of class numbers",
    "NonZero": "keep all, with a mask, or take the best K",
    "Multinomial": "leave out what draws at random",
    "RandomNormal": "leave out what draws at random",
    "RandomNormalLike": "leave out what draws at random",
    "MaxPool": "leave out return_indices",
    "Resize": "interpolate in mode bilinear or nearest",
    "Einsum": "write it as transpose and matmul",
}


class Refused(NamedTuple):
    operator: str
    reason: str
    remedy: str = ""  # where one is known


class Description(NamedTuple):
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]
    opset: int
    producer: str
    operators: Dict[str, int]  # name -> how many, most first
    metadata: Dict[str, str]
    refused: Tuple[Refused, ...]  # by TensorRT 8.2; empty is no proof that it takes the rest


def describe(path: str) -> Description:
    """Raises EngineError for a bad file, and DeviceError where the onnx package is missing."""
    model = _read(path)
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    opsets = [item.version for item in model.opset_import if item.domain in ("", "ai.onnx")]
    opset = max(opsets) if opsets else 0
    nodes = nodes_of(graph)
    return Description(
        tuple(_spec(value) for value in graph.input if value.name not in weights),
        tuple(_spec(value) for value in graph.output),
        opset,
        " ".join(filter(None, (model.producer_name, model.producer_version))),
        _counted([node.op_type for node in nodes]),
        {item.key: item.value for item in model.metadata_props},
        _refused(nodes, opset, weights | _constants(nodes)),
    )


def freed(path: str, axes: Sequence[int]) -> bytes:
    """
    The model with these axes of every input and output set free, as a file's bytes. Weights that
    lie in a file beside it are taken in: bytes have no folder.
    """
    model = whole(path)
    weights = {tensor.name for tensor in model.graph.initializer}
    for value in list(model.graph.input) + list(model.graph.output):
        dims = value.type.tensor_type.shape.dim
        for axis in axes:
            if axis < len(dims) and value.name not in weights:
                # outputs get names of their own: their sizes differ from the inputs'
                dims[axis].dim_param = "batch" if axis == 0 else f"{value.name}_{axis}"
    del model.graph.value_info[:]  # sizes that follow from the old ones
    try:
        made: bytes = model.SerializeToString()
    except Exception as error:  # protobuf's own; its limit is 2 GB
        raise EngineError(
            f"{path}: too large to have its sizes set free ({modelfile.first_line(error)}). "
            "Export it again with free sizes, and leave out free_dims"
        ) from error
    return made


def whole(path: str) -> Any:
    """
    The file as onnx's ModelProto, the caller's to change, with weights that lie in a file beside
    it taken in. Raises EngineError for a bad file, and DeviceError where onnx is missing.
    """
    model = _read(path)
    _take_in_weights(model, path)
    return model


def _read(path: str) -> Any:
    modelfile.check(path)
    try:
        import onnx
    except ImportError as error:
        raise DeviceError(
            f"{path}: reading inside an ONNX file needs the onnx package ({error}). "
            "Run: python3 -m pip install onnx"
        ) from error
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's errors differ between its implementations
        raise modelfile.broken(path, error) from error
    if not model.graph.node:
        raise modelfile.broken(path, ValueError("it holds no operators"))
    if not all(isinstance(text, str) for text in _texts(model)):  # as protobuf gives bad UTF-8
        raise modelfile.broken(path, ValueError("a name in it is no text"))
    return model


def _texts(model: Any) -> Iterator[Any]:
    yield from (model.producer_name, model.producer_version)
    for item in model.metadata_props:
        yield from (item.key, item.value)
    for values in (model.graph.input, model.graph.output, model.graph.initializer):
        yield from (value.name for value in values)
    for node in nodes_of(model.graph):
        yield from (node.op_type, node.domain, *node.input, *node.output)


def _take_in_weights(model: Any, path: str) -> None:
    from onnx import external_data_helper

    try:
        external_data_helper.load_external_data_for_model(model, os.path.dirname(path) or ".")
    except Exception as error:  # OSError, or onnx's own, which older releases lack
        raise modelfile.without_weights(path, error) from error


def _spec(value: Any) -> TensorSpec:
    import onnx

    tensor = value.type.tensor_type
    shape = tuple(dim.dim_value if dim.dim_value > 0 else -1 for dim in tensor.shape.dim)
    known = onnx.TensorProto.DataType.items()
    names = {number: name.lower() for name, number in known}
    kind = names.get(tensor.elem_type, f"type {tensor.elem_type}")  # newer than the package, or bad
    return TensorSpec(value.name, shape, {"float": "float32", "double": "float64"}.get(kind, kind))


def nodes_of(graph: Any) -> List[Any]:
    """Every node, those of loop and branch bodies included."""
    nodes: List[Any] = []
    for node in graph.node:
        nodes.append(node)
        for attribute in node.attribute:
            for body in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                nodes.extend(nodes_of(body))
    return nodes


def _counted(names: List[str]) -> Dict[str, int]:
    counts = {name: names.count(name) for name in set(names)}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _constants(nodes: List[Any]) -> Any:
    return {name for node in nodes if node.op_type == "Constant" for name in node.output}


def _refused(nodes: List[Any], opset: int, constants: Any) -> Tuple[Refused, ...]:
    found: Dict[Refused, None] = {}
    if opset > OLDEST_OPSET:
        reason = f"opset {opset}: TensorRT 8.2 documents {OLDEST_OPSET}; export again at that one"
        found[Refused("(opset)", reason)] = None
    for node in nodes:
        reason = _reason(node, constants)
        if reason:
            found[Refused(node.op_type, reason, _REMEDIES.get(node.op_type, ""))] = None
    return tuple(found)


def _reason(node: Any, constants: Any) -> str:
    kind = node.op_type
    if node.domain not in ("", "ai.onnx"):
        return f"of the domain {node.domain}: needs a plugin"
    if kind in _NEEDS:
        release = _NEEDS[kind]
        return f"arrives with TensorRT {release}" if release else "not taken by TensorRT"
    if kind in ("Conv", "ConvTranspose") and any(n not in constants for n in node.input[1:]):
        return "weights and bias must be constants"
    if kind in _CONSTANT and any(n and n not in constants for n in node.input[_CONSTANT[kind]]):
        return "the axes, K or thresholds must be constants"
    if kind == "MaxPool" and len(node.output) > 1:
        return "MaxPool's Indices output is not taken"
    text = {a.name: a.s.decode("utf-8", "replace") for a in node.attribute if a.s}
    if kind == "Resize" and text.get("mode") == "cubic":
        return "cubic Resize is not taken; linear and nearest are"
    if kind == "Einsum" and "..." in text.get("equation", ""):
        return "Einsum with an ellipsis is not taken"
    return ""


_CONSTANT = {  # operator -> those of its inputs that have to be constants
    "Slice": slice(3, 4),
    "Squeeze": slice(1, 2),
    "Unsqueeze": slice(1, 2),
    "TopK": slice(1, 2),
    "CumSum": slice(1, 2),
    "NonMaxSuppression": slice(2, 5),
}
