"""preprocess: pictures become the tensors that their cameras' networks want."""

from __future__ import generator_stop

from typing import Dict, Iterable, List, Mapping, NamedTuple

import numpy as np

from app.core.frame import Frame
from app.core.stage import Batch, Batches, BatchStage
from app.device.backend import Backend, Network


class Prepared(NamedTuple):
    """A frame's part of a tensor that holds the pictures of several."""

    network: Network
    tensor: object  # the backend's own
    row: int


class Preprocess(BatchStage):
    name = "preprocess"

    def __init__(self, backend: Backend, networks: Mapping[str, Network]) -> None:
        """``networks``: of each camera."""
        self.networks = networks
        self._backend = backend

    def run(self, batches: Iterable[Batch]) -> Batches:
        with self._backend.attached():
            self._warm_up()
            for batch in batches:
                yield self._prepared(batch)

    def _prepared(self, batch: Batch) -> List[Frame]:
        """Frames that are looked at get a tensor, one for all of a network."""
        made = list(batch)
        places: Dict[int, List[int]] = {}
        for place, frame in enumerate(batch):
            if frame.look:
                places.setdefault(id(self.networks[frame.source]), []).append(place)
        for chosen in places.values():
            network = self.networks[batch[chosen[0]].source]
            images = [batch[place].image for place in chosen]
            whole = np.array([(0, 0) + batch[place].size_wh for place in chosen], np.float32)
            tensor = self._backend.prepare(network, images, whole)
            for row, place in enumerate(chosen):
                made[place] = batch[place]._replace(tensor=Prepared(network, tensor, row))
        return made

    def _warm_up(self) -> None:
        """Run each once on black, so that each thread takes its memory before the first frame."""
        black = np.zeros((16, 16, 3), np.uint8)
        window = np.array([[0, 0, 16, 16]], np.float32)
        for network in {id(one): one for one in self.networks.values()}.values():
            self._backend.infer(network, self._backend.prepare(network, [black], window))
