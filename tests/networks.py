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
    attributes); ``more`` may hold opset, dtype, answers (the outputs' dtype), inputs (name to
    (dtype, shape)) and weights (name to array).
    """
    onnx = pytest.importorskip("onnx")
    numpy_helper = pytest.importorskip("onnx.numpy_helper")
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
    weights = [
        numpy_helper.from_array(array, name) for name, array in more.get("weights", {}).items()
    ]
    graph = helper.make_graph(made, "echo", inputs, results, weights)
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


def layers(path: Path, opset: int = 13) -> str:
    """
    A small network as detectors have them: a convolution, a depthwise one, a residual sum, and a
    head of one channel, on pictures (batch, 3, 8, 8) of about -1 to 1.
    """
    random = np.random.RandomState(0)

    def weight(*shape: int) -> np.ndarray:
        size = np.sqrt(3 / np.prod(shape[1:]))
        return random.uniform(-size, size, shape).astype(np.float32)

    pads = {"pads": [1, 1, 1, 1]}
    nodes = [
        ("Conv", ["images", "w1", "b1"], "first", pads),
        ("Relu", ["first"], "relu", {}),
        ("Conv", ["relu", "w2"], "depthwise", {"group": 8, **pads}),
        ("Conv", ["depthwise", "w3", "b3"], "pointwise", {}),
        ("Add", ["relu", "pointwise"], "sum", {}),
        ("Conv", ["sum", "w4"], "head", {}),
        ("Sigmoid", ["head"], "out", {}),
    ]
    weights = {
        "w1": weight(8, 3, 3, 3),
        "b1": weight(8, 1)[:, 0],
        "w2": weight(8, 1, 3, 3),
        "w3": weight(8, 8, 1, 1),
        "b3": weight(8, 1)[:, 0],
        "w4": weight(1, 8, 1, 1),
    }
    shape = ("batch", 3, 8, 8)
    outputs = {"out": ("batch", 1, 8, 8), "sum": ("batch", 8, 8, 8)}
    return model(path, shape, nodes, outputs, opset=opset, weights=weights)


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


def convolutions(path: Path, batch: Union[int, str] = "batch", classes: int = 8) -> str:
    """
    A detector of two convolutions in YOLOv8's form: 64x48 pictures 0..1 to (B, 4 + classes, 48),
    boxes in pixels about each cell of stride 8. Weights are random but fixed.
    """
    numpy_helper = pytest.importorskip("onnx.numpy_helper")
    onnx = pytest.importorskip("onnx")
    random = np.random.RandomState(7)
    first = random.randn(16, 3, 3, 3).astype(np.float32) / 5
    second = random.randn(4 + classes, 16, 3, 3).astype(np.float32) / 12
    rows, columns = np.mgrid[:6, :8] * 8 + 4
    cells = np.stack([columns, rows, 0 * rows + 14, 0 * rows + 18]).reshape(1, 4, 48)
    nodes = [
        ("Conv", ["images", "w1"], "c1", {"strides": [4, 4], "pads": [1, 1, 1, 1]}),
        ("Relu", ["c1"], "r1", {}),
        ("Conv", ["r1", "w2"], "c2", {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ("Reshape", ["c2", "shape"], "flat", {}),
        ("Slice", ["flat", "zero", "four", "axis"], "sides", {}),
        ("Slice", ["flat", "four", "end", "axis"], "logits", {}),
        ("Add", ["sides", "cells"], "boxes", {}),
        ("Sigmoid", ["logits"], "scores", {}),
        ("Concat", ["boxes", "scores"], "out", {"axis": 1}),
    ]
    shape = (batch, 4 + classes, 48)
    model(path, (batch, 3, 48, 64), nodes, {"out": shape})
    made = onnx.load(str(path))
    constants = {
        "w1": first, "w2": second, "cells": cells.astype(np.float32),
        "shape": np.array([0, 4 + classes, 48]), "zero": np.array([0]), "four": np.array([4]),
        "end": np.array([4 + classes]), "axis": np.array([1]),
    }  # fmt: skip
    made.graph.initializer.extend(
        [numpy_helper.from_array(array, name) for name, array in constants.items()]
    )
    onnx.save(made, str(path))
    return str(path)
