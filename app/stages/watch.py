"""watch: tracks become events and counts at the places of each camera."""

from __future__ import generator_stop

import contextlib
import logging
import uuid
from typing import Any, Callable, Dict, Iterable, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from app.analytics import shapes
from app.analytics.lines import Line
from app.analytics.places import Places
from app.analytics.speeds import Scale
from app.analytics.zones import Zone
from app.core.detections import Detections
from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.media.keep import Kept
from app.vision import heat

logger = logging.getLogger(__name__)

_LONGEST_S = 1.0  # that one picture stands for


class Scene(NamedTuple):
    """What is watched in one camera's picture."""

    zones: Tuple[Zone, ...] = ()
    lines: Tuple[Line, ...] = ()
    ground: Optional[Scale] = None  # what tells speeds


class Watch(Stage):
    """
    ``frame.events``, ``frame.places`` and ``frame.heat``. Counters and heat are read from the file
    ``keep`` at the start and kept there, if one is named. Ends of what is going on when the frames
    end are for stages.events to tell.
    """

    name = "watch"

    def __init__(
        self,
        scenes: Mapping[str, Scene],
        keep: Optional[str] = None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._keep = keep
        self._scenes = scenes
        self._before: Dict[str, Any] = {}  # what was kept
        self._size_of: Dict[str, Tuple[int, int]] = {}
        self._heat = {camera: _Heat() for camera in scenes}
        self._places = {
            camera: Places(camera, scene.zones, scene.lines, new_id, scene.ground)
            for camera, scene in scenes.items()
        }

    def run(self, frames: Iterable[Frame]) -> Frames:
        with contextlib.ExitStack() as stack:
            kept = None
            if self._keep is not None:
                kept = stack.enter_context(contextlib.closing(Kept(self._keep)))
                before = self._before = kept.read()
                for camera, places in self._places.items():
                    places.restore(before.get(camera))
                    self._heat[camera].saved = before.get(camera)
            for frame in frames:
                yield self._watched(frame)
                if kept is not None:
                    kept.keep(self._state, frame.captured)

    def _watched(self, frame: Frame) -> Frame:
        places = self._places.get(frame.source)
        if places is None:
            return frame
        if self._size_of.get(frame.source) != frame.size_wh:
            self._size_of[frame.source] = frame.size_wh
            self._warn_of_the_unseen(frame)
        tracks = frame.detections if frame.detections is not None else Detections.empty()
        events = places.update(
            tracks, frame.ended, frame.labels, frame.size_wh, frame.moment, frame.time,
            frame.attributes,
        )  # fmt: skip
        told = tuple(event._replace(when=frame.captured) for event in events)
        return frame._replace(
            events=frame.events + told,
            places=places.view(frame.size_wh),
            heat=self._heat[frame.source].cells(frame, tracks),
        )

    def _warn_of_the_unseen(self, frame: Frame) -> None:
        scene = self._scenes[frame.source]
        named = [("zone", one.name, one.points) for one in scene.zones]
        named += [("line", one.name, one.points) for one in scene.lines]
        for kind, name, points in named:
            beyond = shapes.outside(points, kind, frame.size_wh)
            if beyond is not None:
                logger.warning("%s: %s counts nothing. %s", frame.source, name, beyond)

    def _state(self) -> Dict[str, Any]:
        now = {
            camera: dict(places.state(), **self._heat[camera].state())
            for camera, places in self._places.items()
        }
        return dict(self._before, **now)  # a camera that is left out for a while keeps its counts


class _Heat:
    """Where the tracks of one camera were, and for how long."""

    saved: Any = None  # what an earlier run kept

    def __init__(self) -> None:
        self._cells: Optional[np.ndarray] = None
        self._others: Dict[Tuple[int, ...], np.ndarray] = {}  # of pictures of other shapes
        self._last: Optional[float] = None

    def cells(self, frame: Frame, tracks: Detections) -> np.ndarray:
        shape = heat.grid(frame.size_wh).shape
        if self._cells is None or self._cells.shape != shape:
            if self._cells is not None:
                self._others[self._cells.shape] = self._cells
            self._cells = self._others.pop(shape, None)
            if self._cells is None:
                self._cells = heat_of(self.saved, frame.size_wh)
        passed = 0.0 if self._last is None else frame.moment - self._last
        self._last = frame.moment
        if len(tracks) and passed > 0:
            x1, _, x2, y2 = tracks.xyxy[tracks.track_id >= 0].T
            feet = np.stack([(x1 + x2) / 2, y2], axis=1)
            heat.add(self._cells, feet, frame.size_wh, min(passed, _LONGEST_S))
        return self._cells.copy()  # another thread draws it

    def state(self) -> Dict[str, Any]:
        return {} if self._cells is None else {"heat": np.round(self._cells, 2).tolist()}


def heat_of(state: Any, size_wh: Tuple[int, int]) -> np.ndarray:
    """The seconds that a camera's kept state holds, for a picture of that size; else none."""
    saved = state.get("heat") if isinstance(state, dict) else None
    return heat.restored(saved, size_wh)
