"""alive: the tracks that have begun and not ended, a column for each in arrays of fixed size."""

from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.core.detections import Detections, name_of
from app.core.event import Attribute, Event
from app.vision.polygons import on_boxes

MOST = 512  # tracks at once; more are forgotten, those first that were not seen for longest
BAND = 0.1  # of a box's height: so far from a border or line a point may be by jitter alone
_LEAST_BAND = 2.0  # pixels: boxes of small things are no more exact


class Moment(NamedTuple):
    """When, and what is known of tracks besides their boxes."""

    when: float  # monotonic seconds
    time: float  # UNIX time, seconds
    labels: Sequence[str] = ()
    attributes: Mapping[int, Tuple[Attribute, ...]] = {}


class Seen(NamedTuple):
    """The N tracks in one picture."""

    columns: np.ndarray  # (N,) intp: where each is kept
    points: np.ndarray  # (3, N, 2) float64: polygons.ON_BOX, pixels
    band: np.ndarray  # (N,) float64: pixels
    fresh: np.ndarray  # (N,) bool: not seen before, or not in pictures of this size


class Alive:
    """Columns of tracks. ``wanted`` (P, MOST) bool says whose label counts at which of P places."""

    def __init__(self, camera: str, classes: Sequence[Tuple[str, ...]]) -> None:
        self._camera = camera
        self._classes = classes
        self._labels: Sequence[str] = ()
        self._column_of: Dict[int, int] = {}
        self._free = list(range(MOST))
        self._track_id = np.full(MOST, -1, np.int64)
        self._xyxy = np.zeros((MOST, 4), np.float32)
        self._score = np.zeros(MOST, np.float32)
        self._class_id = np.full(MOST, -1, np.int64)
        self._last = np.zeros(MOST, np.int64)  # number of the picture that it was last seen in
        self._number = 0
        self._fresh = np.ones(MOST, bool)
        self.wanted = np.ones((len(classes), MOST), bool)
        self.speed = np.zeros(MOST)  # metres a second; 0: not known

    def column(self, track_id: int) -> Optional[int]:
        return self._column_of.get(int(track_id))

    def columns(self) -> List[int]:
        """All that are in use, those first that came first."""
        return list(self._column_of.values())

    def restart(self) -> None:
        """Forget where all of them were: the picture is another."""
        self._fresh[:] = True

    def in_excess(self, tracks: Detections) -> List[int]:
        """The columns to be left so that all of these tracks, MOST at most, find one."""
        here = set(tracks.track_id.tolist())
        surplus = len(here.union(self._column_of)) - MOST
        if surplus <= 0:
            return []
        rest = [column for track, column in self._column_of.items() if track not in here]
        rest.sort(key=lambda column: int(self._last[column]))
        return rest[:surplus]

    def see(self, tracks: Detections, labels: Sequence[str]) -> Seen:
        """Take note of the tracks in a picture, each once and all with finite boxes."""
        self._number += 1
        column_of = self._column_of
        for track_id in tracks.track_id.tolist():
            if track_id not in column_of:
                column_of[track_id] = column = self._free.pop()
                self._track_id[column] = track_id
                self._class_id[column] = -1
                self.wanted[:, column] = self._wants(name_of(-1, labels))
        places = [column_of[track_id] for track_id in tracks.track_id.tolist()]
        columns = np.array(places, np.intp)
        self._name(columns, tracks.class_id, labels)
        self._xyxy[columns] = tracks.xyxy
        self._score[columns] = tracks.score
        self._last[columns] = self._number
        fresh = self._fresh[columns]
        self._fresh[columns] = False
        high = (tracks.xyxy[:, 3] - tracks.xyxy[:, 1]).astype(np.float64)
        band = np.maximum(high * BAND, _LEAST_BAND)
        return Seen(columns, on_boxes(tracks.xyxy), band, fresh)

    def leave(self, column: int) -> None:
        """Forget a track."""
        del self._column_of[int(self._track_id[column])]
        self._free.append(column)
        self._fresh[column] = True
        self.speed[column] = 0

    def told(self, column: int, moment: Moment) -> Event:
        """An event of this track, as last seen; kind, phase, id and place are yet to be said."""
        track_id, class_id = int(self._track_id[column]), int(self._class_id[column])
        return Event(
            kind="",
            phase="",
            id="",
            camera=self._camera,
            place="",
            time=moment.time,
            when=moment.when,
            track_id=track_id,
            class_id=class_id,
            label=name_of(class_id, moment.labels or self._labels),
            score=float(self._score[column]),
            xyxy=tuple(self._xyxy[column].tolist()),
            attributes=tuple(moment.attributes.get(track_id, ())),
            speed=float(self.speed[column]),
        )

    def told_of_none(self, moment: Moment) -> Event:
        """The same of no one track."""
        return Event("", "", "", self._camera, "", moment.time, moment.when)

    def _name(self, columns: np.ndarray, class_id: np.ndarray, labels: Sequence[str]) -> None:
        """Note each track's class, and where it counts if it is another than before."""
        changed = columns[self._class_id[columns] != class_id]
        self._class_id[columns] = class_id
        if labels is not self._labels and tuple(labels) != tuple(self._labels):
            self._labels = tuple(labels)
            changed = np.array(self.columns(), np.intp)
        for column in changed.tolist():
            self.wanted[:, column] = self._wants(name_of(int(self._class_id[column]), labels))

    def _wants(self, label: str) -> List[bool]:
        return [not classes or label in classes for classes in self._classes]
