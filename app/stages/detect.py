"""detect: a prepared tensor becomes boxes in the picture's pixels."""

from __future__ import generator_stop

import difflib
from typing import Iterable, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.core.detections import Detections
from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.device import answers
from app.device.backend import Backend, Model, Network
from app.errors import ConfigError
from app.vision import letterbox


class DetectSettings(NamedTuple):
    model: str  # a name in the catalogue, or an ONNX file
    score: Optional[float] = None  # None: the model's own
    iou: Optional[float] = None
    classes: Tuple[str, ...] = ()  # labels to keep; none: all
    top: int = 5  # classifiers: how many classes a picture is named by


class Detect(Stage):
    name = "detect"

    def __init__(self, backend: Backend, network: Network, classes: Sequence[str] = ()) -> None:
        """Keeps only ``classes``, if any are named. Raises ConfigError for an unknown one."""
        self._backend = backend
        self._network = network
        self._wanted = class_ids(classes, network.model)

    def run(self, frames: Iterable[Frame]) -> Frames:
        network = self._network
        with self._backend.attached():
            for frame in frames:
                answer = self._backend.infer(network, frame.tensor)
                (found,) = answers.found(network, answer)
                fit = network.input.fit(frame.size_wh)
                detections = Detections(
                    xyxy=letterbox.undo(found.xyxy, fit, frame.size_wh),
                    score=found.score,
                    class_id=found.class_id,
                )
                if self._wanted:
                    detections = detections[np.isin(detections.class_id, self._wanted)]
                yield frame._replace(
                    tensor=None, detections=detections, labels=network.model.labels
                )


def class_ids(classes: Sequence[str], model: Model) -> Tuple[int, ...]:
    """The numbers of these labels. Raises ConfigError for one that the model does not know."""
    for name in classes:
        if name not in model.labels:
            near = difflib.get_close_matches(name, model.labels, 1)
            hint = f"Did you mean {near[0]!r}?" if near else "It knows: " + ", ".join(model.labels)
            raise ConfigError(f"detect.classes: {model.name} has no label {name!r}. {hint}")
    return tuple(model.labels.index(name) for name in classes)
