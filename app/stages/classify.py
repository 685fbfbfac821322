"""classify: a prepared tensor becomes the names of what the picture shows."""

from __future__ import generator_stop

from typing import Dict, Iterable, List, Mapping, NamedTuple, Tuple

import numpy as np

from app.core.frame import Frame, Top
from app.core.stage import Batch, Batches, BatchStage
from app.device.backend import Backend, Network
from app.errors import EngineError
from app.vision import classes


class ClassifySettings(NamedTuple):
    top: int = 5  # how many classes at most
    score: float = 0.0  # the least share of one
    class_ids: Tuple[int, ...] = ()  # those to choose among; none: all


class Classify(BatchStage):
    name = "classify"

    def __init__(self, backend: Backend, settings: Mapping[str, ClassifySettings]) -> None:
        """``settings``: of each camera. Frames need a tensor; others pass as they are."""
        self._backend = backend
        self._settings = settings

    def run(self, batches: Iterable[Batch]) -> Batches:
        with self._backend.attached():
            for batch in batches:
                yield self._named(batch)

    def _named(self, batch: Batch) -> List[Frame]:
        shares: Dict[int, np.ndarray] = {}
        made = []
        for frame in batch:
            if frame.tensor is None:
                made.append(frame)
                continue
            network, tensor, row = frame.tensor
            if id(tensor) not in shares:
                (output,) = self._backend.infer(network, tensor).values()
                shares[id(tensor)] = classes.probabilities(output)
            asked, scores = self._settings[frame.source], shares[id(tensor)][row]
            ids = classes.best(scores, asked.top, asked.score, asked.class_ids)
            tops = tuple(Top(number, float(scores[number])) for number in ids.tolist())
            made.append(frame._replace(tensor=None, tops=tops, labels=network.model.labels))
        return made


def check_outputs(network: Network) -> None:
    """Raise EngineError where the network gives anything but one score per class."""
    wide = [[side for side in spec.shape[1:] if side != 1] for spec in network.outputs]
    if len(wide) > 1 or any(len(sides) != 1 for sides in wide):
        shown = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in network.outputs)
        raise EngineError(
            f"{network.model.name}: has no decoder, so it must be a classifier and give one score "
            f"per class, but it gives {shown}. Name its decoder in the manifest"
        )
