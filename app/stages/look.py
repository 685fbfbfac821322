"""look: a second, closer look at tracks: classifiers on their boxes, asked now and then."""

from __future__ import generator_stop

from typing import Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

from app.core.event import Attribute
from app.core.frame import Frame
from app.core.stage import Batch, Batches, BatchStage
from app.device.backend import Backend, Network
from app.vision import classes
from app.vision.boxes import with_margin

MOST = 32  # boxes that one look asks about at once; the others wait for the next batch
GREW = 1.5  # times the area at which it was asked: then it is asked again
KEPT = 0.6  # of what was known, when an answer comes in


class LookSettings(NamedTuple):
    name: str  # of the attribute
    model: str  # a classifier: a name in the catalogue or in models:, or an ONNX file
    of: Tuple[str, ...] = ()  # labels to look at; none: all
    min_size: int = 32  # pixels of a box's shorter side
    margin: float = 0.1  # of the box's sides, added on each
    refresh_s: float = 2.0  # how old an answer may be
    score: float = 0.0  # less sure answers are not told


class _Known(NamedTuple):
    """What a look knows of a track."""

    moment: float  # when it was last asked
    area: float
    shares: np.ndarray  # (C,) probability of each class, smoothed


class _Asked(NamedTuple):
    """A box to ask about."""

    frame: Frame
    track: int
    xyxy: np.ndarray
    known_at: float  # -inf: never asked


class Look(BatchStage):
    """
    All boxes of a batch that are due go through each classifier at once. An answer is the
    exponential mean of the track's answers, so that one bad picture does not change it. Frames
    must be tracked.
    """

    name = "look"

    def __init__(
        self,
        backend: Backend,
        looks: Sequence[Tuple[LookSettings, Network]],
    ) -> None:
        self._backend = backend
        self._looks = [_Look(settings, network) for settings, network in looks]

    def run(self, batches: Iterable[Batch]) -> Batches:
        with self._backend.attached():
            for batch in batches:
                for look in self._looks:
                    look.ask(self._backend, batch)
                yield [self._told(frame) for frame in batch]
                for look in self._looks:
                    look.forget(batch)

    def _told(self, frame: Frame) -> Frame:
        if frame.detections is None:
            return frame
        made: Dict[int, Tuple[Attribute, ...]] = {}
        for track in frame.detections.track_id.tolist():
            said = [one for look in self._looks for one in look.said(frame.source, track)]
            if said:
                made[track] = tuple(said)
        return frame._replace(attributes=made)


class _Look:
    """One classifier and what it knows."""

    def __init__(self, settings: LookSettings, network: Network) -> None:
        self._settings = settings
        self._network = network
        self._known: Dict[str, Dict[int, _Known]] = {}  # camera -> track

    def ask(self, backend: Backend, batch: Batch) -> None:
        due = [one for frame in batch for one in self._due(frame)]
        due = sorted(due, key=lambda one: one.known_at)[:MOST]
        if not due:
            return
        windows = np.stack([self._window(one) for one in due])
        tensor = backend.prepare(self._network, [one.frame.image for one in due], windows)
        (output,) = backend.infer(self._network, tensor).values()
        for one, shares in zip(due, classes.probabilities(output)):
            if not np.isfinite(shares).all():
                continue
            known = self._known.setdefault(one.frame.source, {})
            before = known.get(one.track)
            if before is not None:
                shares = KEPT * before.shares + (1 - KEPT) * shares
            known[one.track] = _Known(one.frame.moment, _area(one.xyxy), shares)

    def said(self, camera: str, track: int) -> List[Attribute]:
        known = self._known.get(camera, {}).get(track)
        if known is None:
            return []
        best = int(known.shares.argmax())
        score = float(known.shares[best])
        labels = self._network.model.labels
        label = labels[best] if best < len(labels) else f"class {best}"
        if score < self._settings.score:
            return []
        return [Attribute(self._settings.name, label, score)]

    def forget(self, batch: Batch) -> None:
        for frame in batch:
            known = self._known.get(frame.source, {})
            for track in frame.ended:
                known.pop(track, None)

    def _due(self, frame: Frame) -> List[_Asked]:
        found, asked = frame.detections, self._settings
        if found is None or not frame.look:
            return []
        known: Mapping[int, _Known] = self._known.get(frame.source, {})
        made = []
        for xyxy, track, number in zip(
            found.xyxy, found.track_id.tolist(), found.class_id.tolist()
        ):
            label = frame.labels[number] if number < len(frame.labels) else ""
            short = min(xyxy[2] - xyxy[0], xyxy[3] - xyxy[1])
            if track < 0 or asked.of and label not in asked.of or not short >= asked.min_size:
                continue
            before = known.get(track)
            if before is None:
                made.append(_Asked(frame, track, xyxy, -np.inf))
            elif (
                frame.moment - before.moment >= asked.refresh_s or _area(xyxy) > GREW * before.area
            ):
                made.append(_Asked(frame, track, xyxy, before.moment))
        return made

    def _window(self, one: _Asked) -> np.ndarray:
        return with_margin(one.xyxy[None], self._settings.margin, one.frame.size_wh)[0]


def _area(xyxy: np.ndarray) -> float:
    return float((xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1]))
