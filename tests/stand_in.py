"""
stand_in: a detector of 10x8 pictures that ONNX Runtime and the stand-in for TensorRT both run.

It is in YOLOv8's form, and hands the picture's own numbers out as 40 cells of four sides and two
scores: so what comes back tells of every pixel that was placed.
"""

import numpy as np

from app.device import answers
from app.device.backend import InputSpec, Model, Placement
from app.vision import decode
from tests import fake_trt, networks
from tests.by_kernel import placed_by_host
from tests.fake_trt import MARK, Tensor

SPEC = InputSpec((10, 8), placement=Placement.STRETCH)
LABELS = ("dark", "bright")


def model(path, **rest):
    made = Model("tiny", str(path), SPEC, "yolov8", labels=LABELS, score=0.5, iou=0.9)
    return made._replace(**rest)


def content(batch=-1):
    """The network as the stand-in for TensorRT reads it."""
    return fake_trt.model([Tensor("images", (batch, 3, 8, 10))], [Tensor("output", (batch, 6, 40))])


def onnx(path, batch=-1, parsed=None):
    """The network as a file for both, of which TensorRT's parser may see another batch."""
    rows = "batch" if batch == -1 else batch
    numpy_helper = networks.pytest.importorskip("onnx.numpy_helper")
    nodes = [
        ("Constant", [], "shape", {"value": numpy_helper.from_array(np.array([-1, 6, 40]))}),
        ("Reshape", ["images", "shape"], "output", {}),
    ]
    networks.model(path, (rows, 3, 8, 10), nodes, {"output": (rows, 6, 40)})
    read = networks.pytest.importorskip("onnx").load(str(path))
    read.doc_string = (MARK + content(batch if parsed is None else parsed)).decode()
    path.write_bytes(read.SerializeToString())
    return str(path)


def folder(place, count, seed=1):
    """Write a folder of such pictures; returns their paths."""
    import cv2

    place.mkdir()
    paths = [str(place / "{:03d}.png".format(number)) for number in range(count)]
    for path, image in zip(paths, pictures(count, seed)):
        cv2.imwrite(path, image)
    return tuple(paths)


def pictures(count, seed=1, size_wh=(10, 8)):
    random = np.random.RandomState(seed)
    shape = (size_wh[1], size_wh[0], 3)
    return [random.randint(0, 256, shape).astype(np.uint8) for _ in range(count)]


def windows(images):
    return np.array([(0, 0, one.shape[1], one.shape[0]) for one in images], np.float32)


def whole(images):
    """The network's output, by the host's preparation."""
    placed = placed_by_host(SPEC, images, windows(images))
    return placed.reshape(len(images), 6, 40)


def expected(images, score=0.5):
    head = decode.Head("yolov8", {}, SPEC.size_wh, score, 0.9)
    return decode.find({"output": whole(images)}, head)


def found(backend, network, images):
    tensor = backend.prepare(network, images, windows(images))
    return answers.found(network, backend.infer(network, tensor))


def same(made, wanted):
    """Assert that these are the same objects, of which there are some."""
    assert len(made) == len(wanted) and sum(len(one.score) for one in wanted) > 5 * len(wanted)
    for ours, theirs in zip(made, wanted):
        assert ours.class_id.tolist() == theirs.class_id.tolist()
        np.testing.assert_allclose(ours.score, theirs.score, rtol=1e-5)
        np.testing.assert_allclose(ours.xyxy, theirs.xyxy, atol=1e-5)
