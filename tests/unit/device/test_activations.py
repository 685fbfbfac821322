"""activations: feeds are what the network gets at run time, and values are those inside of it."""

import contextlib
import subprocess
import sys

import numpy as np
import pytest

from app.device import activations, rewrite
from app.device.backend import InputSpec, Model
from app.device.host import HostBackend
from tests import networks
from tests.command import ROOT

pytest.importorskip("onnx", reason="the onnx package is not installed")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

PICTURE = np.random.RandomState(0).randint(0, 256, (9, 7, 3)).astype(np.uint8)
SPEC = InputSpec((8, 6))


@pytest.mark.parametrize("batch", ["batch", 1, 3])
def test_feeds_are_those_of_run_time(tmp_path, batch):
    nodes = [
        ("Cast", ["orig_target_sizes"], "sizes", {"to": 1}),
        ("ReduceMean", ["sizes"], "size", {"keepdims": 0}),
        ("Mul", ["images", "size"], "out", {}),
    ]
    shape = (batch, 3, 6, 8)
    path = networks.model(
        tmp_path / "m.onnx", shape, nodes, {"out": shape},
        inputs={"orig_target_sizes": ("INT64", (batch, 2))},
    )  # fmt: skip
    rows = 3 if batch == 3 else 1
    with contextlib.closing(HostBackend(1)) as backend:
        network = backend.load(Model("m", path, SPEC))
        (feed,) = activations.feeds(backend, network, [PICTURE])
        whole = np.array([[0, 0, 7, 9]], np.float32)
        (answer,) = backend.infer(network, backend.prepare(network, [PICTURE], whole)).values()
    assert feed["images"].shape == (rows, 3, 6, 8) and feed["images"].dtype == np.float32
    np.testing.assert_array_equal(feed["orig_target_sizes"], [[8, 6]] * rows)
    np.testing.assert_allclose(feed["images"][:1] * 7, answer, rtol=1e-6)


def test_values_inside(tmp_path):
    """Also of a tensor that is an output, and of the input."""
    nodes = [("Relu", ["images"], "relu", {}), ("Mul", ["relu", "relu"], "out", {})]
    path = networks.model(tmp_path / "m.onnx", ("batch", 2), nodes, {"out": ("batch", 2)})
    feeds = [{"images": np.array([[-5, 2]], np.float32)}, {"images": np.float32([[3, -1]])}]
    told = []
    found = activations.watched(
        rewrite.opened(path), path, ["images", "relu", "out"], feeds, told.append
    )
    assert {name: one.peak for name, one in found.items()} == {"images": 5, "relu": 3, "out": 9}
    assert all(one.counts.sum() == 4 for one in found.values()) and told == [1, 2]


WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None
from app.device import quantize
from app.errors import DeviceError
try:
    quantize.quantize(sys.argv[2], sys.argv[2] + ".int8", lambda: [{}])
except DeviceError as error:
    print(error)
"""


@pytest.mark.parametrize("library", ["onnx", "onnxruntime"])
def test_without_a_library(tmp_path, library):
    path = networks.layers(tmp_path / "layers.onnx")
    told = subprocess.check_output(
        [sys.executable, "-c", WITHOUT, library, path], cwd=str(ROOT), universal_newlines=True
    )
    assert len(told.splitlines()) == 1 and f"pip install {library}" in told, told
