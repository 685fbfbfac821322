"""detect: a prepared tensor becomes boxes in the picture's pixels."""

from __future__ import generator_stop

import difflib
import logging
from typing import Iterable, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.core.detections import Detections
from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.device.backend import Backend, Model
from app.errors import ConfigError
from app.vision import decode, letterbox

logger = logging.getLogger(__name__)


class DetectSettings(NamedTuple):
    model: str  # a name in the catalogue, or an ONNX file
    score: Optional[float] = None  # None: the model's own
    iou: Optional[float] = None
    classes: Tuple[str, ...] = ()  # labels to keep; none: all


class Detect(Stage):
    name = "detect"

    def __init__(self, backend: Backend, model: Model, settings: DetectSettings) -> None:
        self._backend = backend
        self._model = model
        self._settings = settings

    def run(self, frames: Iterable[Frame]) -> Frames:
        with self._backend.attached():
            network = self._backend.load(self._model)
            model = network.model
            head = _head(model, self._settings)
            wanted = class_ids(self._settings.classes, model)
            if network.guessed:
                logger.info("%s: no manifest; %s", model.name, network.guessed)
            for frame in frames:
                outputs = self._backend.infer(network, frame.tensor)
                (found,) = decode.find(outputs, head)
                fit = network.input.fit(frame.size_wh)
                detections = Detections(
                    xyxy=letterbox.undo(found.xyxy, fit, frame.size_wh),
                    score=found.score,
                    class_id=found.class_id,
                )
                if wanted:
                    detections = detections[np.isin(detections.class_id, wanted)]
                yield frame._replace(tensor=None, detections=detections, labels=model.labels)


def _head(model: Model, settings: DetectSettings) -> decode.Head:
    if model.decoder is None or model.input is None:
        raise ConfigError(
            f"{model.name} names what a picture shows but does not find where. "
            "Detection needs a detector: jetwatch fetch --list"
        )
    return decode.Head(
        model.decoder,
        model.outputs,
        model.input.size_wh,
        model.score if settings.score is None else settings.score,
        model.iou if settings.iou is None else settings.iou,
    )


def class_ids(classes: Sequence[str], model: Model) -> Tuple[int, ...]:
    """The numbers of these labels. Raises ConfigError for one that the model does not know."""
    for name in classes:
        if name not in model.labels:
            near = difflib.get_close_matches(name, model.labels, 1)
            hint = f"Did you mean {near[0]!r}?" if near else "It knows: " + ", ".join(model.labels)
            raise ConfigError(f"detect.classes: {model.name} has no label {name!r}. {hint}")
    return tuple(model.labels.index(name) for name in classes)
