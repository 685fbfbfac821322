"""privacy: hide what must not leave the process, on the picture itself, before anyone sees it."""

from __future__ import generator_stop

import logging
from collections import deque
from types import MappingProxyType
from typing import Deque, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np

from app.core.detections import Detections, name_of
from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.media.hide import grown, hide, hide_all, mask
from app.vision import polygons

logger = logging.getLogger(__name__)

Polygon = Tuple[Tuple[float, float], ...]
_KEPT_S = 0.5  # what was hidden so long ago is hidden still
_KEPT = 64  # frames' boxes at most


class PrivacySettings(NamedTuple):
    """A polygon whose coordinates are all within 0..1 is in fractions of the picture's sides."""

    masks: Mapping[str, Tuple[Polygon, ...]] = MappingProxyType({})  # camera -> what is never seen
    classes: Tuple[str, ...] = ()  # labels whose boxes are hidden
    faces: str = ""  # the model that fills frame.private; another stage runs it
    how: str = "blur"  # one of hide.WAYS
    margin: float = 0.15  # of a box's size, on each side
    score: float = 0.25  # least of a box of a hidden class that is not tracked, or not yet


class _Boxes(NamedTuple):
    """What one frame hid."""

    when: float
    size_wh: Tuple[int, int]
    xyxy: np.ndarray  # (N, 4)
    track_id: np.ndarray  # (N,); -1: of no track


class Privacy(Stage):
    """
    Masks, boxes of the hidden classes and ``frame.private`` are hidden. What was hidden in the
    latest half second, and in the frame before, is hidden where it was, unless its track is seen
    elsewhere: one frame in which a detector misses a face does not show it.

    It fails closed. The whole picture is hidden where ``frame.private`` is expected and not known,
    where classes are to be hidden and nothing was detected with, or by a model that has no such
    label, and where a mask lies outside the picture or hiding itself fails. Each is told once.
    """

    name = "privacy"

    def __init__(
        self, settings: PrivacySettings, expects_private: bool, cameras: Sequence[str]
    ) -> None:
        self._settings = settings
        self._expects_private = expects_private
        self._cameras = {
            name: _Camera(settings.masks.get(name, ()), settings.margin) for name in cameras
        }

    def run(self, frames: Iterable[Frame]) -> Frames:
        for frame in frames:
            camera = self._cameras[frame.source]
            try:
                failure = self._hide(frame, camera)
            except Exception as error:  # whatever it was, the picture must not be shown
                failure = f"{type(error).__name__}: {error}"
            if failure:
                hide_all(frame.image)
                camera.warn(frame.source, failure)
            yield frame

    def _hide(self, frame: Frame, camera: "_Camera") -> str:
        """Hide all of it; what keeps it from that, or an empty text."""
        settings = self._settings
        boxes, track_ids = [np.empty((0, 4), np.float32)], [np.empty(0, np.int32)]
        if settings.classes:
            found = frame.detections
            if found is None:
                return "nothing was detected with"
            lacking = [name for name in settings.classes if name not in frame.labels]
            if lacking:
                return f"the model has no label {lacking[0]!r}"
            for some in filter(None, (found, self._unsure(frame))):
                labels = (name_of(number, frame.labels) for number in some.class_id.tolist())
                rows = np.array([label in settings.classes for label in labels], bool)
                boxes.append(some.xyxy[rows])
                track_ids.append(some.track_id[rows])
        if self._expects_private and frame.private is None:
            return "what is private is not known"
        if frame.private is not None:
            boxes.append(frame.private.reshape(-1, 4))
            track_ids.append(np.full(len(boxes[-1]), -1, np.int32))
        masks = camera.polygons(frame.size_wh)
        now = _Boxes(
            frame.captured, frame.size_wh, np.concatenate(boxes), np.concatenate(track_ids)
        )
        hidden = camera.kept(now)
        hide(frame.image, hidden, settings.how, settings.margin)
        mask(frame.image, masks)  # last: what is under a mask is one grey
        return ""

    def _unsure(self, frame: Frame) -> Optional[Detections]:
        """What was found but is no track: a face that nobody is sure of is one to hide."""
        if frame.found is None:
            return None
        return frame.found[frame.found.score >= self._settings.score]


class _Camera:
    """What one camera's masks are in its pixels, and what its latest frames hid."""

    def __init__(self, masks: Sequence[Polygon], margin: float) -> None:
        self._masks = masks
        self._margin = margin
        self._first_wh: Optional[Tuple[int, int]] = None
        self._polygons: Dict[Tuple[int, int], List[np.ndarray]] = {}
        self._earlier: Deque[_Boxes] = deque(maxlen=_KEPT)
        self._warned: Set[str] = set()

    def polygons(self, size_wh: Tuple[int, int]) -> List[np.ndarray]:
        """
        The masks in pixels of a picture of this size. Those that were given in pixels are so of
        the first picture's. Raises ValueError for one that is nowhere in the picture.
        """
        if self._first_wh is None:
            self._first_wh = size_wh
        if size_wh not in self._polygons:
            ratio = np.divide(size_wh, self._first_wh)
            made = []
            for points in (np.array(one, np.float64).reshape(-1, 2) for one in self._masks):
                points = points * (size_wh if polygons.in_fractions(points.tolist()) else ratio)
                low, high = points.min(axis=0), points.max(axis=0)
                if not ((high >= 0) & (low < size_wh)).all():
                    raise ValueError(f"a mask lies outside the picture of {size_wh}")
                made.append(points)
            self._polygons = {size_wh: made}
        return self._polygons[size_wh]

    def kept(self, now: _Boxes) -> np.ndarray:
        """(N, 4) what to hide: this frame's boxes, then those earlier ones that they leave bare."""
        earlier = self._earlier
        while len(earlier) > 1 and not now.when - earlier[0].when <= _KEPT_S:
            earlier.popleft()
        if earlier and earlier[-1].size_wh != now.size_wh:
            ratio = np.tile(np.divide(now.size_wh, earlier[-1].size_wh), 2)
            scaled = [one._replace(size_wh=now.size_wh, xyxy=one.xyxy * ratio) for one in earlier]
            earlier.clear()
            earlier.extend(scaled)
        known = np.isfinite(now.xyxy).all(axis=1)
        inside = _inside(now.xyxy[known], now.size_wh)
        past = list(earlier)[::-1]  # the newest first
        earlier.append(now._replace(xyxy=inside, track_id=now.track_id[known]))
        if not past:
            return now.xyxy
        bare = np.concatenate([one.xyxy for one in past])
        track_id = np.concatenate([one.track_id for one in past])
        bare = bare[(track_id < 0) | ~np.isin(track_id, now.track_id)]
        bare = bare[~_within(bare, self._covered(inside, now.size_wh))]
        boxes = [now.xyxy]
        while len(bare):  # one at a time, as it may cover those before it
            boxes.append(bare[:1])
            bare = bare[1:][~_within(bare[1:], self._covered(bare[:1], now.size_wh))]
        return np.concatenate(boxes)

    def warn(self, name: str, failure: str) -> None:
        kind = failure.partition(":")[0]  # the rest may be another in each frame
        if kind not in self._warned:
            self._warned.add(kind)
            logger.warning("%s: the whole picture is hidden: %s", name, failure)

    def _covered(self, boxes: np.ndarray, size_wh: Tuple[int, int]) -> np.ndarray:
        """(N, 4) the pixels that boxes hide."""
        return grown(boxes, size_wh[0], size_wh[1], self._margin)


def _inside(boxes: np.ndarray, size_wh: Tuple[int, int]) -> np.ndarray:
    """(N, 4) float64 of finite boxes, their corners in order and in the picture."""
    corners = np.clip(boxes.astype(np.float64).reshape(-1, 2, 2), 0, size_wh)
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def _within(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(N,) whether each of (N, 4) boxes is all inside one of (M, 4)."""
    low, high = boxes[:, None, :2] >= others[:, :2], boxes[:, None, 2:] <= others[:, 2:]
    inside: np.ndarray = (low & high).all(axis=2).any(axis=1)
    return inside
