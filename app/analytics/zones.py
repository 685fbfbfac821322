"""zones: polygons of the picture; which tracks are in them, for how long, and how many."""

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.analytics.alive import MOST, Alive, Moment, Seen
from app.analytics.counts import Counts
from app.core.event import Event, Place
from app.vision import polygons

CROWD_HOLD_S = 1.0  # more, or fewer, for less than this is no change
_ALARMS = ("dwell", "loiter")


class Zone(NamedTuple):
    """
    A polygon. A track is in it from where its point is further inside than jitter reaches, or from
    its beginning if that is inside, to where it is further outside than jitter reaches.

    ``dwell_s`` and ``loiter_s`` are alarms: an event begins once a track has been inside for so
    long, and ends when it leaves. Dwell counts one visit and starts anew with the next. Loiter adds
    up all visits of one track, without the time between them; once there is enough, each further
    visit is an event from its beginning.

    A crowd is at least ``crowd`` tracks inside, for CROWD_HOLD_S; it ends when there have been
    fewer for as long.
    """

    name: str
    points: Tuple[Tuple[float, float], ...]  # pixels, or fractions: see polygons.in_fractions
    classes: Tuple[str, ...] = ()  # labels that count when a track enters; none: all
    point: str = "bottom"  # of a box, one of polygons.ON_BOX
    dwell_s: Optional[float] = None
    loiter_s: Optional[float] = None
    crowd: Optional[int] = None


class Zones:
    """The zones of one camera. ``wanted`` (Z, MOST) bool: whose label counts where."""

    def __init__(
        self, zones: Sequence[Zone], alive: Alive, wanted: np.ndarray, new_id: Callable[[], str]
    ) -> None:
        self.counts = Counts([zone.name for zone in zones])
        self._zones = zones
        self._alive = alive
        self._wanted = wanted
        self._new_id = new_id
        self._on_box = polygons.place_on_box([zone.point for zone in zones])
        self._shapes = polygons.polygons([])
        self._least_depth = np.zeros((len(zones), 1))
        self._inside = np.zeros((len(zones), MOST), bool)
        self._since = np.zeros((len(zones), MOST))  # when a visit began
        self._spent = np.zeros((len(zones), MOST))  # seconds of the visits before
        self._due = np.full((2, len(zones), MOST), np.inf)  # when an alarm begins, as _ALARMS
        self._soonest = np.inf  # none is due before
        self._changing: Dict[int, float] = {}  # zone -> since when its crowd may begin or end
        self._begun: Dict[Tuple[str, int, int], Event] = {}  # by kind, zone and column

    def fit(self, size_wh: Tuple[int, int]) -> None:
        """Take the picture to be of another size."""
        shapes = [polygons.in_pixels(zone.points, size_wh) for zone in self._zones]
        self._shapes = polygons.polygons(shapes)
        # A zone's deepest point is at least its area over its perimeter from the border, so that
        # half as deep is reached in all of them, also in one that is narrower than jitter reaches.
        narrow = [
            polygons.area(points) / max(2 * polygons.perimeter(points), 1e-9) for points in shapes
        ]
        self._least_depth = np.array(narrow, np.float64).reshape(-1, 1)

    def update(self, seen: Seen, moment: Moment) -> List[Event]:
        """Who has entered and who has left."""
        if not self._zones or not len(seen.columns):
            return []
        was = self._inside[:, seen.columns]
        inside = polygons.inside(seen.points[self._on_box], self._shapes)
        changes = (inside != was) & (was | self._wanted[:, seen.columns])
        rows = np.flatnonzero(changes.any(axis=0))
        if not len(rows):
            return []
        distance = polygons.distance(seen.points[:, rows][self._on_box], self._shapes)
        was = was[:, rows]
        enough = np.where(was, seen.band[rows], np.minimum(seen.band[rows], self._least_depth))
        sure = (distance > enough) | (seen.fresh[rows] & ~was)
        events: List[Event] = []
        for zone, row in np.argwhere(changes[:, rows] & sure).tolist():
            column = int(seen.columns[rows[row]])
            if was[zone, row]:
                events += self._leave(zone, column, moment, "left")
            else:
                events.append(self._enter(zone, column, moment))
        return events

    def forget(self, column: int, moment: Moment) -> List[Event]:
        """End all that a track had begun when it was lost."""
        events: List[Event] = []
        for zone in np.flatnonzero(self._inside[:, column]).tolist():
            events += self._leave(zone, column, moment, "lost")
        self._spent[:, column] = 0
        return events

    def alarms(self, moment: Moment) -> List[Event]:
        """Who has been there for too long by now, and where there are too many."""
        events: List[Event] = []
        if moment.when >= self._soonest:
            for alarm, zone, column in np.argwhere(self._due <= moment.when).tolist():
                self._due[alarm, zone, column] = np.inf
                events.append(self._begin(_ALARMS[alarm], zone, column, moment))
            self._soonest = float(self._due.min())
        for number, zone in enumerate(self._zones):
            if zone.crowd is not None:
                events += self._crowd(number, zone.crowd, moment)
        return events

    def view(self, size_wh: Tuple[int, int]) -> List[Place]:
        alarmed = {zone for kind, zone, _ in self._begun if kind != "enter"}
        return [
            Place(
                kind="zone",
                name=zone.name,
                points=polygons.in_pixels(zone.points, size_wh),
                now=self._present(number),
                total=self.counts.totals(zone.name)[0],
                counts=self.counts.by_label(zone.name),
                alarm=number in alarmed,
            )
            for number, zone in enumerate(self._zones)
        ]

    def _enter(self, number: int, column: int, moment: Moment) -> Event:
        zone = self._zones[number]
        self._inside[number, column] = True
        self._since[number, column] = moment.when
        if zone.dwell_s is not None:
            self._due[0, number, column] = moment.when + zone.dwell_s
        if zone.loiter_s is not None:
            left = max(0.0, zone.loiter_s - self._spent[number, column])
            self._due[1, number, column] = moment.when + left
        self._soonest = min(self._soonest, float(self._due[:, number, column].min()))
        event = self._begin("enter", number, column, moment)
        self.counts.add(zone.name, event.label, 0)
        return event

    def _leave(self, zone: int, column: int, moment: Moment, reason: str) -> List[Event]:
        self._inside[zone, column] = False
        self._spent[zone, column] += max(0.0, moment.when - self._since[zone, column])
        self._due[:, zone, column] = np.inf
        told = self._alive.told(column, moment)
        keys = [(kind, zone, column) for kind in (*_ALARMS, "enter")]
        return [self._end(key, told, reason) for key in keys if key in self._begun]

    def _crowd(self, zone: int, crowd: int, moment: Moment) -> List[Event]:
        key = ("crowd", zone, -1)
        present = self._present(zone)
        if (present >= crowd) == (key in self._begun):
            self._changing.pop(zone, None)
            return []
        if moment.when - self._changing.setdefault(zone, moment.when) < CROWD_HOLD_S:
            return []
        del self._changing[zone]
        told = self._alive.told_of_none(moment)._replace(present=present)
        if key in self._begun:
            return [self._end(key, told, "fewer")]
        begun = told._replace(
            kind="crowd", phase="begin", id=self._new_id(), place=self._zones[zone].name
        )
        self._begun[key] = begun
        return [begun]

    def _present(self, zone: int) -> int:
        return int(np.count_nonzero(self._inside[zone]))

    def _begin(self, kind: str, zone: int, column: int, moment: Moment) -> Event:
        begun = self._alive.told(column, moment)._replace(
            kind=kind, phase="begin", id=self._new_id(), place=self._zones[zone].name
        )
        self._begun[kind, zone, column] = begun
        return begun

    def _end(self, key: Tuple[str, int, int], told: Event, reason: str) -> Event:
        """The end of what was begun under that key, of the class that it was begun with."""
        begun = self._begun.pop(key)
        return told._replace(
            kind=begun.kind,
            phase="end",
            id=begun.id,
            place=begun.place,
            class_id=begun.class_id,
            label=begun.label,
            attributes=told.attributes or begun.attributes,
            seconds=max(0.0, told.when - begun.when),
            reason=reason,
        )
