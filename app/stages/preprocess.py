"""preprocess: a picture becomes the tensor the detector wants."""

from __future__ import generator_stop

from typing import Iterable

import numpy as np

from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.device.backend import Backend, Model


class Preprocess(Stage):
    name = "preprocess"

    def __init__(self, backend: Backend, model: Model) -> None:
        self._backend = backend
        self._model = model

    def run(self, frames: Iterable[Frame]) -> Frames:
        with self._backend.attached():
            network = self._backend.load(self._model)
            for frame in frames:
                whole = np.array([(0, 0) + frame.size_wh], np.float32)
                tensor = self._backend.prepare(network, [frame.image], whole)
                yield frame._replace(tensor=tensor)
