"""modelfile: what a file's bytes tell of a network's precision."""

import numpy as np
import pytest

from app.device import modelfile
from app.device.backend import InputSpec, Model
from tests import networks

pytest.importorskip("onnx")

SHAPE = ("batch", 3, 4, 6)
WEIGHTS = {"scale": np.float32(1), "zero": np.uint8(0), "step": np.full((), 3, np.uint8)}
QUANTIZED = [
    ("QuantizeLinear", ["images", "scale", "zero"], "whole", {}),
    ("DequantizeLinear", ["whole", "scale", "zero"], "out", {}),
]
STORED = [  # its weights alone are whole numbers, and a tensor is called as an operator is
    ("DequantizeLinear", ["step", "scale", "zero"], "QuantizeLinear", {}),
    ("Add", ["images", "QuantizeLinear"], "out", {}),
]
PLAIN = [("Relu", ["images"], "out", {})]


@pytest.mark.parametrize(
    "nodes, precision", [(QUANTIZED, "int8"), (STORED, "fp32"), (PLAIN, "fp32")]
)
def test_a_file_is_int8_where_it_turns_values_into_whole_numbers(tmp_path, nodes, precision):
    host = pytest.importorskip("app.device.host")
    pytest.importorskip("onnxruntime")
    path = networks.model(tmp_path / "a.onnx", SHAPE, nodes, {"out": SHAPE}, weights=WEIGHTS)
    assert modelfile.precision(path) == precision
    backend = host.HostBackend(threads=1)
    assert backend.load(Model("a", path, InputSpec((6, 4)))).precision == precision
    backend.close()


def test_int8_by_ranges_that_each_picture_tells(tmp_path):
    nodes = [("DynamicQuantizeLinear", ["images"], "out", {})]
    path = networks.model(tmp_path / "a.onnx", SHAPE, nodes, {"out": SHAPE})
    assert modelfile.precision(path) == "int8"
