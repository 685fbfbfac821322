"""
typed: an ONNX model in FP16, for a TensorRT that takes each tensor's precision from the model.

What goes in and what comes out stays float32, behind casts. Which inputs and outputs of an operator
bear float16 is read off onnx's own schemas at the model's opset.
"""

from typing import Any, Collection, List, Sequence, Set

import numpy as np

from app.device import rewrite
from app.errors import EngineError

_LARGEST, _SMALLEST = 65504.0, 2.0**-24  # of float16, but for 0
_SCALES = 19  # the opset from which the scales of Q and DQ nodes may be float16


def half(model_path: str, out_path: str, keep: Sequence[str] = ()) -> int:
    """
    Write the FP16 model to ``out_path``, whole or not at all, and return how many of its nodes
    work in float16. ``keep``: names, or patterns as of a shell, of nodes to leave in float32.
    Raises EngineError for a model that cannot be typed, DeviceError without onnx or onnxruntime,
    OutputError for no room.
    """
    model = rewrite.opened(model_path)
    if any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        model = rewrite.opened(model_path, _SCALES)
    kept = rewrite.matching(model.graph.node, keep, model_path)
    bodies = [n.name for n in model.graph.node if any(a.g.node or a.graphs for a in n.attribute)]
    if bodies:
        raise EngineError(
            f"{model_path}: {bodies[0]!r} is a loop or branch, which cannot be typed. Export the "
            "model without it, or build it for FP32"
        )
    halved = _Halving(model, kept).run()
    del model.graph.value_info[:]
    rewrite.save(rewrite.checked(model, model_path), out_path)
    return halved


class _Halving:
    """
    Each float32 tensor has two names: its own, and with ".half" the same in float16. A node makes
    one of them, and a cast the other where some node wants it.
    """

    def __init__(self, model: Any, kept: Collection[str]) -> None:
        self._graph = model.graph
        self._opset = rewrite.opset_of(model)
        self._kept = set(kept)
        self._floats = _floats(model)
        self._weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self._made: Set[str] = set(self._weights) | {value.name for value in model.graph.input}
        self._nodes: List[Any] = []

    def run(self) -> int:
        """Rewrite the graph: how many nodes work in float16."""
        halved = sum(self._rewrite(node) for node in self._graph.node)
        for value in self._graph.output:
            self._named(value.name, False)
        del self._graph.node[:]
        self._graph.node.extend(self._nodes)
        used = {name for node in self._nodes for name in node.input}
        used.update(value.name for value in self._graph.output)
        weights = [tensor for name, tensor in self._weights.items() if name in used]
        del self._graph.initializer[:]
        self._graph.initializer.extend(weights)
        return halved

    def _rewrite(self, node: Any) -> bool:
        from onnx import TensorProto

        schema = None
        told = any(one.name == "dtype" for one in node.attribute)  # the type of its output
        if node.name not in self._kept and not told:
            schema = rewrite.schema(node, self._opset)
        touched = False
        for place, name in enumerate(node.input):
            if name in self._floats:
                bears = schema is not None and _bears_half(schema.inputs, place)
                node.input[place] = self._named(name, bears)
                touched |= bears
        outputs = list(node.output)
        for place, name in enumerate(outputs):
            if name in self._floats:
                bears = schema is not None and _bears_half(schema.outputs, place)
                node.output[place] = f"{name}.half" if bears else name
                touched |= bears
        self._made.update(node.output)
        if touched:
            for one in node.attribute:
                if node.op_type == "Cast" and one.name == "to" and one.i == TensorProto.FLOAT:
                    one.i = TensorProto.FLOAT16
                if node.op_type == "ConstantOfShape" and one.name == "value":
                    one.t.CopyFrom(_halved(one.t, one.t.name))
        self._nodes.append(node)
        return touched

    def _named(self, name: str, as_half: bool) -> str:
        """The tensor in this type, by a cast or a weight of its own where nothing makes it yet."""
        from onnx import TensorProto, helper

        wanted, other = (f"{name}.half", name) if as_half else (name, f"{name}.half")
        if wanted in self._made:
            return wanted
        if other in self._weights:
            self._weights[wanted] = _halved(self._weights[other], wanted)
        else:
            to = TensorProto.FLOAT16 if as_half else TensorProto.FLOAT
            self._nodes.append(helper.make_node("Cast", [other], [wanted], f"{wanted}.cast", to=to))
        self._made.add(wanted)
        return wanted


def _floats(model: Any) -> Set[str]:
    """Names of all float32 tensors of the graph."""
    from onnx import TensorProto, shape_inference

    graph = shape_inference.infer_shapes(model).graph
    values = list(graph.value_info) + list(graph.input) + list(graph.output)
    found = {one.name for one in values if one.type.tensor_type.elem_type == TensorProto.FLOAT}
    return found | {one.name for one in graph.initializer if one.data_type == TensorProto.FLOAT}


def _bears_half(formals: Sequence[Any], place: int) -> bool:
    formal = formals[min(place, len(formals) - 1)]  # the last may stand for many
    return "tensor(float16)" in formal.types


def _halved(tensor: Any, name: str) -> Any:
    """Float32 to float16; what is too large is cut, and what would vanish stays above 0."""
    from onnx import numpy_helper

    array = numpy_helper.to_array(tensor)
    sizes = np.clip(np.abs(array), _SMALLEST, _LARGEST)
    return numpy_helper.from_array((np.sign(array) * sizes).astype(np.float16), name)
