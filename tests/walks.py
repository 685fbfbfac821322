"""walks: tracks that go where a test says, past the zones and lines of one camera."""

import copy
import itertools

import numpy as np

from app.analytics.places import Places
from app.analytics.zones import CROWD_HOLD_S
from app.core.detections import Detections

LABELS = ("person", "car")
SIZE = (640, 480)
STEP_S = 0.125  # exact, so that sums of it are


def tracks(rows, high=40.0):
    """Detections whose boxes, ``high`` pixels high, stand at x, y: rows of track, x, y[, class]."""
    table = np.array([(*row, 0)[:4] for row in rows], np.float64).reshape(-1, 4)
    track_id, x, y, class_id = table.T
    xyxy = np.stack([x - high / 4, y - high, x + high / 4, y], axis=1)
    return Detections(
        xyxy=xyxy, score=np.full(len(table), 0.5), class_id=class_id, track_id=track_id
    )


class Watch:
    """Places that are shown one picture after another, and all that they told."""

    def __init__(self, zones=(), lines=(), ground=None, size_wh=SIZE):
        numbers = itertools.count()
        self.places = Places(
            "yard", zones, lines, lambda: "id{}".format(next(numbers)), ground=ground
        )
        self.size_wh = size_wh
        self.when = 100.0
        self.events = []
        self._ids = set()

    def see(self, *rows, ended=(), after=STEP_S, high=40.0, labels=LABELS, attributes=()):
        """The events of one picture, ``after`` seconds after the last."""
        self.when += after
        self._ids.update(row[0] for row in rows)
        told = self.places.update(
            tracks(rows, high),
            ended,
            labels,
            self.size_wh,
            self.when,
            self.when + 1e9,
            dict(attributes),
        )
        self.events += told
        return briefly(told)

    def empty(self):
        """All are lost, and nobody comes for as long as a crowd takes to end: the events."""
        return self.see(ended=sorted(self._ids)) + self.see(after=2 * CROWD_HOLD_S)

    def speed(self, track_id=1):
        """Metres a second, as the end says of a track in a zone, were it lost now; None: no end."""
        other = copy.deepcopy(self)
        other.see(ended=[track_id])
        ends = [event for event in other.events[len(self.events) :] if event.phase == "end"]
        return ends[0].speed if ends else None

    def walk(self, path, track_id=1):
        """One track to each x, y of a path, and nothing else: the events."""
        return [event for x, y in path for event in self.see((track_id, x, y))]

    def place(self, name):
        return {place.name: place for place in self.places.view(self.size_wh)}[name]


def briefly(events):
    """What tells events apart: kind, phase, and the direction or reason if any."""
    return [
        " ".join(part for part in (e.kind, e.phase, e.direction or e.reason) if part)
        for e in events
    ]


def check_balance(events):
    """Every begin has one end, later and of the same id, place and track; no id is used again."""
    open_now, used = {}, set()
    for event in events:
        if event.phase == "end":
            begun = open_now.pop(event.id)
            same = ("kind", "camera", "place", "track_id", "class_id", "label")
            assert [getattr(begun, name) for name in same] == [
                getattr(event, name) for name in same
            ]
            assert event.seconds == event.when - begun.when >= 0
            assert event.reason in {"left", "lost", "fewer"}
        else:
            assert event.id not in used
            used.add(event.id)
            if event.phase == "begin":
                open_now[event.id] = event
            else:
                assert event.phase == "once" and event.kind == "cross"
    return open_now
