"""detect: a prepared tensor becomes boxes in the picture's pixels."""

from __future__ import generator_stop

import difflib
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.core.detections import Detections
from app.core.frame import Frame
from app.core.stage import Batch, Batches, BatchStage
from app.device import answers
from app.device.backend import Backend, Model, Network
from app.errors import ConfigError
from app.vision import letterbox
from app.vision.found import Found


class DetectSettings(NamedTuple):
    model: str  # a name in the catalogue, or an ONNX file
    score: Optional[float] = None  # None: the model's own
    iou: Optional[float] = None
    classes: Tuple[str, ...] = ()  # labels to keep; none: all
    top: int = 5  # classifiers: how many classes a picture is named by
    interval: int = 1  # look at every so many frames, tracks are moved on between; 0: auto
    latency_ms: float = 100.0  # auto: how late a frame may be at the end


class Detect(BatchStage):
    """Frames with a detector's tensor get detections; others pass as they are."""

    name = "detect"

    def __init__(self, backend: Backend, classes: Mapping[str, Sequence[int]] = {}) -> None:
        """``classes``: of a camera, the numbers of those to keep; none: all."""
        self._backend = backend
        self._classes = classes

    def run(self, batches: Iterable[Batch]) -> Batches:
        with self._backend.attached():
            for batch in batches:
                yield self._looked_at(batch)

    def _looked_at(self, batch: Batch) -> List[Frame]:
        answers_of: Dict[int, List[Found]] = {}
        made = []
        for frame in batch:
            if frame.tensor is None or frame.tensor.network.model.decoder is None:
                made.append(frame)
                continue
            network, tensor, row = frame.tensor
            if id(tensor) not in answers_of:
                answers_of[id(tensor)] = answers.found(
                    network, self._backend.infer(network, tensor)
                )
            made.append(self._with(frame, network, answers_of[id(tensor)][row]))
        return made

    def _with(self, frame: Frame, network: Network, found: Found) -> Frame:
        fit = network.input.fit(frame.size_wh)
        detections = Detections(
            xyxy=letterbox.undo(found.xyxy, fit, frame.size_wh),
            score=found.score,
            class_id=found.class_id,
        )
        wanted = self._classes.get(frame.source, ())
        if len(wanted):
            detections = detections[np.isin(detections.class_id, wanted)]
        return frame._replace(tensor=None, detections=detections, labels=network.model.labels)


def class_ids(
    classes: Sequence[str], model: Model, place: str = "detect.classes"
) -> Tuple[int, ...]:
    """
    The numbers of these labels, which stand at ``place`` in the config. Raises ConfigError for
    one that the model does not know.
    """
    for problem in unknown_labels(classes, model):
        raise ConfigError(f"{place}: {problem}")
    return tuple(model.labels.index(name) for name in classes)


def unknown_labels(classes: Sequence[str], model: Model) -> Iterator[str]:
    """A sentence for each label that the model does not know."""
    for name in classes:
        if name not in model.labels:
            near = difflib.get_close_matches(name, model.labels, 1)
            hint = f"Did you mean {near[0]!r}?" if near else "It knows: " + ", ".join(model.labels)
            yield f"{model.name} has no label {name!r}. {hint}"
