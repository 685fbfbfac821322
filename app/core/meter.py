"""meter: what the marks on finished frames say about speed, and what was seen."""

import threading
from typing import Dict, List, NamedTuple, Tuple

import numpy as np

from app.core.detections import name_of
from app.core.frame import Frame

_KEPT = 4096  # latest durations of each stage that the percentiles are taken from

# Seconds, the upper ends of a histogram's buckets, each inclusive; one more takes what is longer.
BUCKETS_S = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
)  # fmt: skip


class Spread(NamedTuple):
    """Durations in milliseconds. The mean is over all, the percentiles over the latest 4096."""

    name: str
    samples: int
    mean: float
    p50: float
    p95: float


class Histogram(NamedTuple):
    """All durations of one name. ``counts`` has one number per bucket, then that of the longer."""

    name: str
    counts: Tuple[int, ...]
    seconds: float  # summed


class Newest(NamedTuple):
    """A camera's latest finished frame; monotonic seconds."""

    camera: str
    captured: float
    finished: float


class Sighting(NamedTuple):
    """
    One label: objects summed over frames, frames with at least one, the highest score. What a
    classifier names a picture by first counts as one object.
    """

    label: str
    objects: int
    frames: int
    score: float


class Reading(NamedTuple):
    """What a Meter knew at one moment."""

    frames: int
    objects: int
    objects_now: int  # in the latest frame of each camera, summed
    named_now: Tuple[Sighting, ...]  # the latest frame of each camera, by a classifier
    seconds: float  # from the first finished frame to the latest
    latency: Spread  # capture to the end of the last lane
    stages: Tuple[Spread, ...]  # time from one mark to the next, in order
    sightings: Tuple[Sighting, ...]  # most objects first
    cameras: Tuple[Tuple[str, int], ...]  # name and finished frames
    newest: Tuple[Newest, ...] = ()  # of each camera that has had one
    histograms: Tuple[Histogram, ...] = ()  # of the stages, in order
    latencies: Histogram = Histogram("latency", (0,) * (len(BUCKETS_S) + 1), 0.0)


class Durations:
    """A fixed ring of durations in seconds."""

    def __init__(self) -> None:
        self._ring = np.zeros(_KEPT)
        self._count = 0
        self._sum = 0.0
        self._counts = np.zeros(len(BUCKETS_S) + 1, np.int64)
        self._counted = 0  # durations that are in the buckets; the later ones are in the ring

    def add(self, seconds: float) -> None:
        place = self._count % _KEPT
        if not place:
            self._fill_buckets()  # many at once, at a fraction of the price
        self._ring[place] = seconds
        self._count += 1
        self._sum += seconds

    def spread(self, name: str) -> Spread:
        if not self._count:
            return Spread(name, 0, 0.0, 0.0, 0.0)
        p50, p95 = np.percentile(self._ring[: min(self._count, _KEPT)], (50, 95)) * 1000
        return Spread(name, self._count, self._sum / self._count * 1000, float(p50), float(p95))

    def histogram(self, name: str) -> Histogram:
        self._fill_buckets()
        return Histogram(name, tuple(self._counts.tolist()), self._sum)

    def _fill_buckets(self) -> None:
        start = self._counted % _KEPT
        waiting = self._ring[start : start + self._count - self._counted]
        places = np.searchsorted(BUCKETS_S, waiting)
        self._counts += np.bincount(places, minlength=len(self._counts))
        self._counted = self._count


class Meter:
    """Fed by the pipeline's last thread, read by any other. Its memory does not grow."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: Dict[str, Durations] = {}
        self._latency = Durations()
        self._seen: Dict[str, List[float]] = {}  # label -> objects, frames, best score
        self._cameras: Dict[str, int] = {}
        self._newest: Dict[str, Tuple[float, float]] = {}  # captured, finished
        self._latest: Dict[str, int] = {}  # camera -> objects in its latest frame
        self._named: Dict[str, Sighting] = {}  # camera -> what its latest frame is named by
        self._first = self._last = 0.0

    def add(self, frame: Frame) -> None:
        """Count one finished frame. Its first mark is when the source was asked for it."""
        with self._lock:
            earlier = frame.marks[0][1]
            for name, when in frame.marks[1:]:
                stage = self._stages.get(name)
                if stage is None:
                    stage = self._stages[name] = Durations()
                stage.add(when - earlier)
                earlier = when
            self._latency.add(earlier - frame.captured)
            self._last = earlier
            if not self._cameras:
                self._first = earlier
            self._cameras[frame.source] = self._cameras.get(frame.source, 0) + 1
            self._newest[frame.source] = (frame.captured, earlier)
            self._latest[frame.source] = 0 if frame.detections is None else len(frame.detections)
            if frame.detections is not None and len(frame.detections):
                found = frame.detections
                self._see(found.class_id.tolist(), found.score.tolist(), frame.labels)
            if not frame.tops:
                self._named.pop(frame.source, None)
            else:
                first = frame.tops[0]
                self._see([first.class_id], [first.score], frame.labels)
                label = name_of(first.class_id, frame.labels)
                self._named[frame.source] = Sighting(label, 1, 1, first.score)

    def read(self) -> Reading:
        with self._lock:
            seen = [
                Sighting(label, int(objects), int(frames), score)
                for label, (objects, frames, score) in self._seen.items()
            ]
            return Reading(
                frames=sum(self._cameras.values()),
                objects=sum(sighting.objects for sighting in seen),
                objects_now=sum(self._latest.values()),
                named_now=tuple(self._named.values()),
                seconds=self._last - self._first,
                latency=self._latency.spread("latency"),
                stages=tuple(stage.spread(name) for name, stage in self._stages.items()),
                sightings=tuple(sorted(seen, key=lambda one: (-one.objects, one.label))),
                cameras=tuple(self._cameras.items()),
                newest=tuple(Newest(camera, *when) for camera, when in self._newest.items()),
                histograms=tuple(one.histogram(name) for name, one in self._stages.items()),
                latencies=self._latency.histogram("latency"),
            )

    def _see(self, class_ids: List[int], scores: List[float], labels: Tuple[str, ...]) -> None:
        here = set()
        for number, certainty in zip(class_ids, scores):
            label = name_of(number, labels)
            row = self._seen.setdefault(label, [0, 0, 0.0])
            row[0] += 1
            row[1] += label not in here
            row[2] = max(row[2], certainty)
            here.add(label)
