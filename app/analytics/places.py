"""places: the zones and lines of one camera; from its tracks to events and counts."""

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from app.analytics.alive import MOST, Alive, Moment
from app.analytics.lines import Line, Lines
from app.analytics.speeds import Scale, Speeds
from app.analytics.zones import Zone, Zones
from app.core.detections import Detections
from app.core.event import Attribute, Event, Place


class Places:
    """
    One camera's zones and lines over time. Names are unique among the zones, and among the lines;
    shapes are such that shapes.problems() finds none.

    Every begin has one end, after it and of the same id, if pictures come until then. A track that
    is not in a picture but has not ended stays where it was.
    """

    def __init__(
        self,
        camera: str,
        zones: Sequence[Zone],
        lines: Sequence[Line],
        new_id: Callable[[], str],
        ground: Optional[Scale] = None,
    ) -> None:
        classes = [zone.classes for zone in zones] + [line.classes for line in lines]
        self._alive = Alive(camera, classes)
        wanted = self._alive.wanted
        self._zones = Zones(zones, self._alive, wanted[: len(zones)], new_id)
        self._lines = Lines(lines, self._alive, wanted[len(zones) :], new_id)
        self._speeds = None if ground is None else Speeds(ground, self._alive.speed)
        self._size_wh: Optional[Tuple[int, int]] = None
        self._view: Optional[Tuple[Tuple[int, int], Tuple[Place, ...]]] = None

    def update(
        self,
        frame_tracks: Detections,
        ended: Sequence[int],
        labels: Sequence[str],
        size_wh: Tuple[int, int],
        when: float,
        time: float,
        attributes: Mapping[int, Tuple[Attribute, ...]] = {},
    ) -> Tuple[Event, ...]:
        """
        What happened with this picture, in order. Rows of track -1 are left out, as are those of
        boxes that are not finite, a second row of one track, and all beyond MOST.

        ``when`` is what seconds are counted by: the frame's ``captured``, or for a file, which
        may be read faster than it was filmed, the place in it.
        """
        moment = Moment(when, time, labels, attributes)
        if size_wh != self._size_wh:
            self._fit(size_wh)
        tracks = _tracked(frame_tracks)
        events: List[Event] = []
        for column in self._alive.in_excess(tracks):
            events += self._end(column, moment)
        seen = self._alive.see(tracks, labels)
        if self._speeds is not None:
            self._speeds.update(seen, moment)
        events += self._zones.update(seen, moment)
        events += self._lines.update(seen, moment)
        for track_id in ended:
            gone = self._alive.column(track_id)
            if gone is not None:
                events += self._end(gone, moment)
        events += self._zones.alarms(moment)
        if events:
            self._view = None
        return tuple(events)

    def view(self, size_wh: Tuple[int, int]) -> Tuple[Place, ...]:
        """The zones, then the lines, as they stand, in pixels of a picture of that size."""
        if self._view is None or self._view[0] != size_wh:
            places = (*self._zones.view(size_wh), *self._lines.view(size_wh))
            self._view = size_wh, places
        return self._view[1]

    def state(self) -> Dict[str, Any]:
        """What has been counted, per place and label, as JSON can hold it."""
        return {"zones": self._zones.counts.state(), "lines": self._lines.counts.state()}

    def restore(self, state: Any) -> None:
        """Take up the counts of state(); what does not fit is ignored, place by place."""
        if isinstance(state, dict):
            self._zones.counts.restore(state.get("zones"))
            self._lines.counts.restore(state.get("lines"))
            self._view = None

    def _fit(self, size_wh: Tuple[int, int]) -> None:
        """Take up pictures of this size; from where a track was in the last one nothing follows."""
        self._size_wh = size_wh
        self._zones.fit(size_wh)
        self._lines.fit(size_wh)
        if self._speeds is not None:
            self._speeds.fit(size_wh)
        self._alive.restart()

    def _end(self, column: int, moment: Moment) -> List[Event]:
        """A track is lost: what it has begun ends."""
        events = self._zones.forget(column, moment)
        events += self._lines.forget(column, moment)
        self._alive.leave(column)
        return events


def _tracked(tracks: Detections) -> Detections:
    """Those that have a track and a finite box, each track once, MOST at most."""
    good = (tracks.track_id >= 0) & np.isfinite(tracks.xyxy).all(axis=1)
    if not good.all():
        tracks = tracks[good]
    if len(set(tracks.track_id.tolist())) < len(tracks):
        tracks = tracks[np.sort(np.unique(tracks.track_id, return_index=True)[1])]
    return tracks if len(tracks) <= MOST else tracks[:MOST]
