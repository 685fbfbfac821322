"""faces: find what is private on every picture, whatever the detector looks for."""

from __future__ import generator_stop

import logging
from typing import Iterable, List, Optional, Sequence

import numpy as np

from app.core.frame import Frame
from app.core.stage import Batch, Batches, BatchStage
from app.device import answers
from app.device.backend import Backend, Network
from app.vision import letterbox

logger = logging.getLogger(__name__)


class Faces(BatchStage):
    """
    ``frame.private``: the boxes of all that the model finds, on each frame. Where the model fails
    it stays None, "not known", and Privacy hides the whole picture; that is told once.
    """

    name = "faces"

    def __init__(self, backend: Backend, network: Network) -> None:
        self._backend = backend
        self._network = network
        self._told = False

    def run(self, batches: Iterable[Batch]) -> Batches:
        with self._backend.attached():
            for batch in batches:
                boxes = self._boxes(batch)
                yield [frame._replace(private=one) for frame, one in zip(batch, boxes)]

    def _boxes(self, batch: Batch) -> Sequence[Optional[np.ndarray]]:
        try:
            return self._found(batch)
        except Exception as error:  # whatever it was, nobody must be shown
            if not self._told:
                logger.warning(
                    "%s failed, so whole pictures are hidden: %s", self._network.model.name, error
                )
                self._told = True
            return [None] * len(batch)

    def _found(self, batch: Batch) -> List[np.ndarray]:
        network = self._network
        images = [frame.image for frame in batch]
        whole = np.array([(0, 0) + frame.size_wh for frame in batch], np.float32)
        answer = self._backend.infer(network, self._backend.prepare(network, images, whole))
        found = answers.found(network, answer)
        return [_in_pixels(one.xyxy, network, frame) for one, frame in zip(found, batch)]


def _in_pixels(xyxy: np.ndarray, network: Network, frame: Frame) -> np.ndarray:
    return letterbox.undo(xyxy, network.input.fit(frame.size_wh), frame.size_wh)
