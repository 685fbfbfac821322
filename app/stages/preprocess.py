"""preprocess: a picture becomes the tensor the network wants."""

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
            self._warm_up()
            for frame in frames:
                whole = np.array([(0, 0) + frame.size_wh], np.float32)
                tensor = self._backend.prepare(self._network, [frame.image], whole)
                yield frame._replace(tensor=tensor)

    def _warm_up(self) -> None:
        """Run once on black, so that each thread takes its memory before the first frame."""
        black = np.zeros((16, 16, 3), np.uint8)
        window = np.array([[0, 0, 16, 16]], np.float32)
        self._backend.infer(self._network, self._backend.prepare(self._network, [black], window))
