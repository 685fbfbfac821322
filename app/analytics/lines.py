"""lines: paths across the picture, and which tracks have crossed them to which side."""

from typing import Callable, List, NamedTuple, Sequence, Tuple

import numpy as np

from app.analytics.alive import MOST, Alive, Moment, Seen
from app.analytics.counts import Counts
from app.core.event import Event, Place
from app.vision import polygons


class Line(NamedTuple):
    """
    A path of two points or more. To its right, seen along it from the first point to the last, is
    "in": below it where it goes from left to right. Its left is "out".

    A track has crossed when its point is on the other side and further from the path than jitter
    reaches; going round an end is no crossing. One that ends nearer to it has crossed as well,
    unless it was never further away.
    """

    name: str
    points: Tuple[Tuple[float, float], ...]  # pixels, or fractions: see polygons.in_fractions
    classes: Tuple[str, ...] = ()  # labels that count when a track has crossed; none: all
    point: str = "bottom"  # of a box, one of polygons.ON_BOX


class Lines:
    """The lines of one camera. ``wanted`` (L, MOST) bool: whose label counts where."""

    def __init__(
        self, lines: Sequence[Line], alive: Alive, wanted: np.ndarray, new_id: Callable[[], str]
    ) -> None:
        self.counts = Counts([line.name for line in lines])
        self._lines = lines
        self._alive = alive
        self._wanted = wanted
        self._new_id = new_id
        self._on_box = polygons.place_on_box([line.point for line in lines])
        self._shapes = polygons.paths([])
        self._before = np.zeros((3, MOST, 2))  # where each track was last
        self._net = np.zeros((len(lines), MOST), np.int64)  # since it was last clear of the line
        self._clear = np.zeros((len(lines), MOST), bool)  # whether it ever was

    def fit(self, size_wh: Tuple[int, int]) -> None:
        """Take the picture to be of another size."""
        shapes = [polygons.in_pixels(line.points, size_wh) for line in self._lines]
        self._shapes = polygons.paths(shapes)

    def update(self, seen: Seen, moment: Moment) -> List[Event]:
        """Who has crossed."""
        if not self._lines or not len(seen.columns):
            return []
        columns, fresh = seen.columns, seen.fresh
        before = np.where(fresh[:, None], seen.points, self._before[:, columns])
        self._before[:, columns] = seen.points
        points = seen.points[self._on_box]
        net = self._net[:, columns] * ~fresh
        net += polygons.crossings(before[self._on_box], points, self._shapes)
        was_clear = self._clear[:, columns] & ~fresh
        self._net[:, columns] = net
        self._clear[:, columns] = was_clear
        rows = np.flatnonzero(((net != 0) | ~was_clear).any(axis=0))
        if not len(rows):
            return []
        distance = polygons.distance(seen.points[:, rows][self._on_box], self._shapes)
        columns, net = columns[rows], net[:, rows]
        clear = distance > seen.band[rows]
        self._net[:, columns] = np.where(clear, 0, net)
        self._clear[:, columns] |= clear
        events: List[Event] = []
        for line, row in np.argwhere(clear & (net != 0) & self._wanted[:, columns]).tolist():
            events += self._cross(line, int(columns[row]), int(net[line, row]), moment)
        return events

    def forget(self, column: int, moment: Moment) -> List[Event]:
        """Count what a track had crossed when it was lost."""
        crossed = self._clear[:, column] & self._wanted[:, column]
        net = np.where(crossed, self._net[:, column], 0)
        self._net[:, column] = 0
        self._clear[:, column] = False
        events: List[Event] = []
        for line in np.flatnonzero(net).tolist():
            events += self._cross(line, column, int(net[line]), moment)
        return events

    def view(self, size_wh: Tuple[int, int]) -> List[Place]:
        places = []
        for line in self._lines:
            inward, outward = self.counts.totals(line.name)
            places.append(
                Place(
                    kind="line",
                    name=line.name,
                    points=polygons.in_pixels(line.points, size_wh),
                    inward=inward,
                    outward=outward,
                    counts=self.counts.by_label(line.name),
                )
            )
        return places

    def _cross(self, number: int, column: int, net: int, moment: Moment) -> List[Event]:
        """An event for each time; more than one only where the path winds about."""
        line = self._lines[number]
        told = self._alive.told(column, moment)._replace(
            kind="cross", phase="once", place=line.name, direction="in" if net > 0 else "out"
        )
        events = []
        for _ in range(abs(net)):
            self.counts.add(line.name, told.label, 0 if net > 0 else 1)
            events.append(told._replace(id=self._new_id()))
        return events
