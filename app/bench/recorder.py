"""recorder: the marks of every frame of a run, which are the whole measurement."""

import math
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from app.bench import steady
from app.bench.honest import spread_of
from app.bench.results import CAPTURE, TO_DOOR, Run, Step
from app.core.frame import Frame
from app.core.meter import Meter

_SILENT_S = 1.0  # at the end, which no frame's wait explains
_BIN_S = 0.5  # of the timeline
_EDGES_MS = np.geomspace(1, 60000, 401)  # each 3 % above the one before

Point = Tuple[float, float, Optional[float]]  # seconds, frames a second, ms


class Row(NamedTuple):
    """One finished frame; monotonic seconds."""

    captured: float
    marks: Tuple[Tuple[str, float], ...]
    camera: str = ""
    number: int = 0

    @property
    def finished(self) -> float:
        return self.marks[-1][1]


class Recorder(Meter):
    """A meter that also keeps the marks while it is ``recording``. It grows with the run."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: List[Row] = []
        self.recording = False

    def add(self, frame: Frame) -> None:
        super().add(frame)
        if self.recording:
            self.rows.append(Row(frame.captured, frame.marks, frame.source, frame.number))


def run_of(rows: List[Row], began: float, ended: float = math.inf) -> Tuple[Run, float, float]:
    """
    What the rows say, and from when till when the steady part was; ``began`` is when recording
    did, and ``ended`` when it was over. Monotonic seconds.
    """
    finished = np.array([row.finished for row in rows])
    latency = 1000 * (finished - np.array([row.captured for row in rows]))
    apart = np.append(0.0, np.diff(finished))
    first, is_steady = steady.cut(latency, apart)
    since, until = float(finished[first]), float(finished[-1])
    silent = ended - until
    if _SILENT_S < silent < math.inf and silent > 5 * float(np.median(apart)):
        until, is_steady = ended, False  # what came no more counts as well
    kept = latency[first:]
    seconds = until - since
    run = Run(
        warm_up_s=since - began,
        seconds=seconds,
        steady=is_steady,
        frames=len(kept),
        fps=(len(kept) - 1) / seconds if len(kept) > 1 and seconds > 0 else None,
        latency=spread_of(kept),
        steps=_steps(rows[first:]),
        timeline=_timeline(finished - began, latency),
        histogram=_histogram(kept),
    )
    return run, since, until


def _steps(rows: List[Row]) -> Tuple[Step, ...]:
    """Those behind CAPTURE are each frame's latency, whole."""
    spent: Dict[str, List[float]] = {}
    for row in rows:
        asked, earlier = row.marks[0][1], row.captured
        spent.setdefault(CAPTURE, []).append(1000 * max(0.0, earlier - asked))
        for name, when in row.marks[1:]:
            name = TO_DOOR if name == CAPTURE else name
            spent.setdefault(name, []).append(1000 * (when - earlier))
            earlier = when
    return tuple(Step(name, spread_of(np.array(values))) for name, values in spent.items())


def _timeline(when: np.ndarray, latency: np.ndarray) -> Tuple[Point, ...]:
    places = (when / _BIN_S).astype(int)
    made: List[Point] = []
    for place in range(int(places[-1])):  # the last is not full
        inside = latency[places == place]
        middle = float(np.median(inside)) if len(inside) else None
        made.append((place * _BIN_S, len(inside) / _BIN_S, middle))
    return tuple(made)


def _histogram(latency: np.ndarray) -> Tuple[Tuple[float, int], ...]:
    places = np.searchsorted(_EDGES_MS, np.minimum(latency, _EDGES_MS[-1]))
    counts = np.bincount(places, minlength=len(_EDGES_MS))
    pairs = zip(_EDGES_MS.tolist(), counts.tolist())
    return tuple((round(edge, 2), count) for edge, count in pairs if count)
