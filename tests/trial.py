"""trial: one attempt at the stand-in's engine, in this process, on a GPU that is not there."""

import os

import pytest

from app import atomic
from app.attempt import Task, attempt
from app.device import planfile
from app.device.build import Recipe
from app.device.jetson import GpuBackend
from app.device.trt import open_api
from app.errors import EngineError
from tests import fake_cuda, fake_trt, stand_in

MIB = 1 << 20
VERSIONS = ("8.2.1", "8.4.1", "8.5.2", "8.6.1", "10.3.0", "10.13.3.9", "11.4.0.106")


class Trial:
    """In a folder of its own; ``told`` and ``heard`` keep what was said on the way."""

    def __init__(self, folder, version="8.6.1", orders=None, gpu=None):
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.orders = orders
        self.version = version
        self.gpu = gpu or fake_cuda.Orders()
        self.onnx = folder / "tiny.onnx"
        self.path = str(folder / "tiny.engine")
        self.part = atomic.temporary(self.path)
        self.room = folder.with_name(folder.name + "-room")
        self.room.mkdir(exist_ok=True)
        stand_in.onnx(self.onnx)
        self.model = stand_in.model(self.onnx)
        self.told = []
        self.heard = []
        fake_cuda.keep_kernels(folder, self.gpu.sm)

    def run(self, precision="fp32", recipe=(), model=(), **task):
        """The attempt's outcome; its GPU has nothing on it any more then."""
        cuda = fake_cuda.gpu(self.gpu)
        chosen = dict({"workspace": 64 * MIB, "batch": 4}, **dict(recipe))
        model = self.model._replace(**dict(model))
        made = Task(model, Recipe(precision, **chosen), self.part, str(self.room), **task)
        try:
            return attempt(
                made,
                lambda *what: self.told.append(what),
                lambda *what: self.heard.append(what),
                cuda,
                fake_trt.module(self.version, self.orders),
            )
        finally:
            cuda._driver.space.check()
            assert not cuda._driver.space.live and not cuda._library.ready

    def plan(self):
        with open(self.part, "rb") as file:
            return fake_trt.read(file.read())

    def built(self):
        """What was asked of the build."""
        return self.plan()["built"]

    def settle(self, outcome):
        return planfile.settle(self.part, self.path, outcome.sidecar)

    def backend(self):
        """Another process's, as it were."""
        api = open_api(fake_trt.module(self.version, self.orders))
        return GpuBackend(cuda=fake_cuda.gpu(self.gpu), api=api)

    def leftovers(self):
        """What is in the folder that neither a model nor an engine left there for good."""
        kept = (".onnx", ".cubin", ".ranges", ".cache", ".engine", ".json", ".log")
        return [name for name in os.listdir(str(self.folder)) if not name.endswith(kept)]


def refused(trial, *words, kind=EngineError, **rest):
    """The one line in which an attempt ends."""
    with pytest.raises(kind) as raised:
        trial.run(**rest)
    message = str(raised.value)
    assert "\n" not in message and all(word in message for word in words), message
