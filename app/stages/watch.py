"""watch: tracks become events and counts at the places of each camera."""

from __future__ import generator_stop

import contextlib
import uuid
from typing import Any, Callable, Dict, Iterable, Mapping, NamedTuple, Optional, Sequence, Tuple

from app.analytics.lines import Line
from app.analytics.places import Places
from app.analytics.speeds import Scale
from app.analytics.zones import Zone
from app.core.detections import Detections
from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.media.keep import Kept


class Scene(NamedTuple):
    """What is watched in one camera's picture."""

    zones: Tuple[Zone, ...] = ()
    lines: Tuple[Line, ...] = ()
    ground: Optional[Scale] = None  # what tells speeds


class Watch(Stage):
    """
    ``frame.events`` and ``frame.places``. Counters are read from the file ``keep`` at the start
    and kept there, if one is named. Ends of what is going on when the frames end are for
    stages.events to tell.
    """

    name = "watch"

    def __init__(
        self,
        scenes: Mapping[str, Scene],
        keep: Optional[str] = None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._keep = keep
        self._places = {
            camera: Places(camera, scene.zones, scene.lines, new_id, scene.ground)
            for camera, scene in scenes.items()
        }

    def run(self, frames: Iterable[Frame]) -> Frames:
        with contextlib.ExitStack() as stack:
            kept = None
            if self._keep is not None:
                kept = stack.enter_context(contextlib.closing(Kept(self._keep)))
                before = kept.read()
                for camera, places in self._places.items():
                    places.restore(before.get(camera))
            for frame in frames:
                yield self._watched(frame)
                if kept is not None:
                    kept.keep(self._state, frame.captured)

    def _watched(self, frame: Frame) -> Frame:
        places = self._places.get(frame.source)
        if places is None:
            return frame
        tracks = frame.detections if frame.detections is not None else Detections.empty()
        events = places.update(
            tracks, frame.ended, frame.labels, frame.size_wh, frame.moment, frame.time,
            frame.attributes,
        )  # fmt: skip
        told = tuple(event._replace(when=frame.captured) for event in events)
        return frame._replace(events=frame.events + told, places=places.view(frame.size_wh))

    def _state(self) -> Dict[str, Any]:
        return {camera: places.state() for camera, places in self._places.items()}


def names(scene: Scene) -> Sequence[str]:
    """Of all its places."""
    return [place.name for place in scene.zones] + [place.name for place in scene.lines]
