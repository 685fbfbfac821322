"""networks: ONNX files of a few bytes, made where a test wants one."""

from pathlib import Path
from typing import Any, Dict, List, Sequence, Union

import numpy as np
import pytest

from app.errors import DeviceError, EngineError

Shape = Sequence[Union[int, str]]


def model(path: Path, shape: Shape, nodes: Sequence[Any], outputs: Dict[str, Shape], **more: Any):
    """
    Write a model with an input "images" and the given nodes, each (operator, inputs, output,
    attributes); ``more`` may hold opset, dtype, answers (the outputs' dtype) and inputs (name to
    (dtype, shape)).
    """
    onnx = pytest.importorskip("onnx")
    helper, types = onnx.helper, onnx.TensorProto
    dtype = getattr(types, more.get("dtype", "FLOAT"))
    inputs = [helper.make_tensor_value_info("images", dtype, shape)]
    for name, (kind, extra) in more.get("inputs", {}).items():
        inputs.append(helper.make_tensor_value_info(name, getattr(types, kind), extra))
    made: List[Any] = [
        helper.make_node(kind, list(given), [output], **attributes)
        for kind, given, output, attributes in nodes
    ]
    answers = getattr(types, more.get("answers", "FLOAT"))
    results = [helper.make_tensor_value_info(n, answers, s) for n, s in outputs.items()]
    graph = helper.make_graph(made, "echo", inputs, results)
    opset = helper.make_opsetid("", more.get("opset", 11))
    whole = helper.make_model(graph, opset_imports=[opset], producer_name="echo")
    whole.ir_version = 6  # what ONNX Runtime 1.10 reads as well
    onnx.save(whole, str(path))
    return str(path)


def echo(path: Path, shape: Shape = ("batch", 3, 4, 6), **more: Any) -> str:
    """A model that hands its input back, as float."""
    cast = [("Cast", ["images"], "out", {"to": 1})]
    return model(path, shape, cast, {"out": shape}, **more)


def constant(path: Path, shape: Shape, answers: Dict[str, Any], **more: Any) -> str:
    """A model that answers any picture with these arrays, as float."""
    numpy_helper = pytest.importorskip("onnx.numpy_helper")
    arrays = {name: np.asarray(answer, np.float32) for name, answer in answers.items()}
    nodes = [
        ("Constant", [], name, {"value": numpy_helper.from_array(array)})
        for name, array in arrays.items()
    ]
    return model(path, shape, nodes, {n: array.shape for n, array in arrays.items()}, **more)


def outside(path: Path) -> str:
    """A model of one weight, which lies in ``path`` with ".data" after it, that adds 1."""
    onnx = pytest.importorskip("onnx")
    from onnx import external_data_helper

    shape = (1, 3, 4, 6)
    model(path, shape, [("Add", ["images", "one"], "out", {})], {"out": shape})
    made = onnx.load(str(path))
    one = pytest.importorskip("onnx.numpy_helper").from_array(np.ones(shape, np.float32), "one")
    made.graph.initializer.extend([one])
    external_data_helper.set_external_data(made.graph.initializer[0], path.name + ".data")
    onnx.save(made, str(path))
    return str(path)


def refused(backend: Any, model: Any, told: str) -> str:
    """The one line in which a backend refuses to load a model."""
    with pytest.raises(DeviceError) as raised:
        backend.load(model)
    message = str(raised.value)
    assert isinstance(raised.value, EngineError) and told in message
    assert "\n" not in message and len(message) < 900
    return message
