"""events: tell the outside of what happened, a line of JSON an event, with a picture of it."""

from __future__ import generator_stop

import contextlib
import functools
import os
import time
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.core import notice
from app.core.aside import Aside, Patience
from app.core.event import Event
from app.core.frame import Frame
from app.core.outage import Outage
from app.core.sink import Sink, Spool
from app.core.stage import Frames, Stage
from app.media import unended
from app.media.journal import WAITING, Journal
from app.media.picture import Album

_LEAVING_S = 0.25
_NOTHING = np.zeros((0, 0, 3), np.uint8)


class EventsSettings(NamedTuple):
    path: str  # the file of lines
    max_mb: float = 50  # where it is rotated
    keep: int = 5  # older files beside it, 1 or more
    snapshots: Optional[str] = None  # folder of a JPEG where something begins; None: none
    snapshots_mb: float = 500  # together; then the oldest go


class Events(Stage):
    """
    The lines of a frame are the system's before the frame goes on. Whatever has begun when the
    frames end, in whatever way, gets its end here: reason "shutdown". So the order holds without a
    word between threads, and who makes events has nothing to do when it stops. What an earlier run
    was killed in the middle of gets its end before the first frame: reason "restart".

    The snapshot is the picture as it is at this stage. Neither it nor the file stops the stream:
    where a disk hangs, lines wait, and events go without a picture.
    """

    name = "events"

    def __init__(
        self,
        settings: EventsSettings,
        sinks: Optional[Sequence[Sink]] = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``sinks``, which are closed here, stand in for the settings' file."""
        self._settings = settings
        self._sinks = sinks
        self._now = now

    def run(self, frames: Iterable[Frame]) -> Frames:
        with contextlib.ExitStack() as stack:
            sinks = [stack.enter_context(contextlib.closing(sink)) for sink in self._opened()]
            self._send(sinks, self._unended())
            album = stack.enter_context(contextlib.closing(self._album()))
            begun = Begun()
            stack.callback(lambda: self._send(sinks, begun.ends()))
            for frame in frames:
                if frame.events:
                    frame = self._pictured(frame, album)
                begun.follow(frame)
                self._send(sinks, frame.events)
                yield frame

    def _opened(self) -> Sequence[Sink]:
        if self._sinks is not None:
            return self._sinks
        asked = self._settings
        journal = Journal(asked.path, asked.max_mb, asked.keep, self._now)
        return [Spool(asked.path, journal, WAITING, self._now)]

    def _unended(self) -> Sequence[Event]:
        asked = self._settings
        return unended.ends(asked.path, asked.keep, self._now())

    def _album(self) -> "_Snapshots":
        asked = self._settings
        if asked.snapshots is None:
            return _Snapshots(None, "", self._now)
        return _Snapshots(Album(asked.snapshots, asked.snapshots_mb), asked.snapshots, self._now)

    def _send(self, sinks: Sequence[Sink], events: Sequence[Event]) -> None:
        lines = [notice.line(event, self._now()) for event in events]
        for sink in sinks:
            sink.send(lines)

    def _pictured(self, frame: Frame, album: "_Snapshots") -> Frame:
        """The frame, whose picture all that begins with it share; the first names it."""
        shown = [event for event in frame.events if event.phase != "end"]
        path = album.add(shown[0].id, frame.image) if shown else ""
        if not path:
            return frame
        name = os.path.relpath(path, os.path.dirname(self._settings.path) or os.curdir)
        events = (e._replace(snapshot=name) if e in shown else e for e in frame.events)
        return frame._replace(events=tuple(events))


class _Snapshots:
    """An album, if there is one, whose disk may hang."""

    def __init__(self, album: Optional[Album], name: str, now: Callable[[], float]) -> None:
        self._album = album
        self._aside = Aside(Outage(name, "pictures", now, pause_s=0), Patience(now), now=now)

    def add(self, name: str, image: np.ndarray) -> str:
        """As Album.add; nothing, too, where that takes too long."""
        if self._album is None:
            return ""
        write, paths = functools.partial(self._album.add, name, image), [""]
        done = self._aside.do(lambda: paths.append(write())) and self._aside.settled()
        return paths[-1] if done else ""

    def close(self) -> None:
        self._aside.end()
        self._aside.left(_LEAVING_S)


class Begun:
    """The events that have begun and not ended."""

    def __init__(self) -> None:
        self._open: Dict[str, Tuple[Event, float]] = {}  # and its frame's moment
        self._latest: Dict[str, Frame] = {}  # camera -> its last frame, without the picture

    def follow(self, frame: Frame) -> None:
        self._latest[frame.source] = frame._replace(image=_NOTHING, private=None)
        for event in frame.events:
            if event.phase == "begin":
                self._open[event.id] = (event, frame.moment)
            elif event.phase == "end":
                self._open.pop(event.id, None)

    def ends(self) -> List[Event]:
        """An end for each, at its camera's last frame; where it is by now is not known."""
        return [self._end(*begun) for begun in self._open.values()]

    def _end(self, event: Event, began: float) -> Event:
        last = self._latest[event.camera]
        seconds = max(0.0, last.moment - began)
        return event._replace(
            phase="end",
            time=event.time + seconds,
            when=max(event.when, last.captured),
            xyxy=(),
            seconds=seconds,
            reason="shutdown",
            snapshot="",
        )
