"""preprocess: a picture becomes the tensor the detector wants."""

from __future__ import generator_stop

from typing import Iterable

import numpy as np

from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.device.backend import Backend, Network


class Preprocess(Stage):
    name = "preprocess"

    def __init__(self, backend: Backend, network: Network) -> None:
        self._backend = backend
        self._network = network

    def run(self, frames: Iterable[Frame]) -> Frames:
        with self._backend.attached():
            for frame in frames:
                whole = np.array([(0, 0) + frame.size_wh], np.float32)
                tensor = self._backend.prepare(self._network, [frame.image], whole)
                yield frame._replace(tensor=tensor)
