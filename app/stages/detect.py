"""detect: a prepared tensor becomes boxes in the picture's pixels."""

from __future__ import generator_stop

import difflib
from typing import Iterable, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.core.detections import Detections
from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.device.backend import Backend, Model, Network
from app.errors import ConfigError
from app.vision import decode, letterbox


class DetectSettings(NamedTuple):
    model: str  # a name in the catalogue, or an ONNX file
    score: Optional[float] = None  # None: the model's own
    iou: Optional[float] = None
    classes: Tuple[str, ...] = ()  # labels to keep; none: all


class Detect(Stage):
    name = "detect"

    def __init__(self, backend: Backend, network: Network, settings: DetectSettings) -> None:
        """Raises ConfigError where the settings do not fit the network."""
        self._backend = backend
        self._network = network
        self._head = _head(network.model, settings)
        self._wanted = class_ids(settings.classes, network.model)

    def run(self, frames: Iterable[Frame]) -> Frames:
        network = self._network
        with self._backend.attached():
            self._warm_up()
            for frame in frames:
                outputs = self._backend.infer(network, frame.tensor)
                (found,) = decode.find(outputs, self._head)
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

    def _warm_up(self) -> None:
        """Run once on black, so that each thread takes its memory before the first frame."""
        black = np.zeros((16, 16, 3), np.uint8)
        window = np.array([[0, 0, 16, 16]], np.float32)
        tensor = self._backend.prepare(self._network, [black], window)
        self._backend.infer(self._network, tensor)


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
