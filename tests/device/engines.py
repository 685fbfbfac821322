"""engines: tiny engines for the device tests, built in seconds at the lowest effort."""

import numpy as np

from app.device import build, engine, parse
from app.device.backend import BY_GPU, InputSpec, Model, Placement
from app.device.jetson import GpuBackend
from tests import networks

SPEC = InputSpec((64, 48), placement=Placement.STRETCH)
WORKSPACE = 16 << 20


def model(path, **rest):
    return Model("tiny", str(path), SPEC, "yolov8", score=0.5, iou=0.9)._replace(**rest)


def plan(api, path, precision="fp32", batch=4, calibration=None, **rest):
    """The plan of an ONNX file, as bytes."""
    listener = build.Listener(lambda phase, done, total: None)
    parsed = parse.parse(api, str(path), "tiny", parse.Opset())
    recipe = build.Recipe(precision, WORKSPACE, batch, SPEC.size_wh, effort=0, lean=True, **rest)
    return bytes(build.build(api, parsed, recipe, listener, calibration).plan)


def backend(cuda, api, content, folder, path, graphs=True, placing=BY_GPU, **rest):
    """A GPU backend and a network of the plan, adopted."""
    made = GpuBackend(cuda=cuda, api=api, graphs=graphs, placing=placing)
    network = made.adopt(engine.Engine(api, content, "tiny"), model(path, **rest), folder)
    return made, network


def pictures(count, size_wh=(160, 90), seed=8):
    random = np.random.RandomState(seed)
    small = random.randint(0, 256, (count, 9, 16, 3)).astype(np.uint8)
    return [np.ascontiguousarray(one.repeat(10, 0).repeat(10, 1)) for one in small]


def windows(images):
    return np.array([(0, 0, one.shape[1], one.shape[0]) for one in images], np.float32)


def tiny_onnx(folder, batch="batch"):
    return networks.convolutions(folder / "tiny.onnx", batch)
