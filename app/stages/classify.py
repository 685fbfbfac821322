"""classify: a prepared tensor becomes the names of what the picture shows."""

from __future__ import generator_stop

from typing import Iterable, NamedTuple, Tuple

from app.core.frame import Frame, Top
from app.core.stage import Frames, Stage
from app.device.backend import Backend, Network
from app.errors import EngineError
from app.vision import classes


class ClassifySettings(NamedTuple):
    top: int = 5  # how many classes at most
    score: float = 0.0  # the least share of one
    class_ids: Tuple[int, ...] = ()  # those to choose among; none: all


class Classify(Stage):
    name = "classify"

    def __init__(self, backend: Backend, network: Network, settings: ClassifySettings) -> None:
        """Raises EngineError where the network gives anything but one score per class."""
        _check_outputs(network)
        self._backend = backend
        self._network = network
        self._settings = settings

    def run(self, frames: Iterable[Frame]) -> Frames:
        network, asked = self._network, self._settings
        with self._backend.attached():
            for frame in frames:
                (output,) = self._backend.infer(network, frame.tensor).values()
                (scores,) = classes.probabilities(output)
                ids = classes.best(scores, asked.top, asked.score, asked.class_ids)
                tops = tuple(Top(number, float(scores[number])) for number in ids.tolist())
                yield frame._replace(tensor=None, tops=tops, labels=network.model.labels)


def _check_outputs(network: Network) -> None:
    wide = [[side for side in spec.shape[1:] if side != 1] for spec in network.outputs]
    if len(wide) > 1 or any(len(sides) != 1 for sides in wide):
        shown = ", ".join(f"{spec.name} {list(spec.shape)}" for spec in network.outputs)
        raise EngineError(
            f"{network.model.name}: has no decoder, so it must be a classifier and give one score "
            f"per class, but it gives {shown}. Name its decoder in the manifest"
        )
