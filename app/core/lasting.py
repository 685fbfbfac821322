"""lasting: a source that one pipeline after another reads, over one connection."""

from __future__ import generator_stop

import threading
import time
from typing import Callable, Optional

from app.core.stage import Frames, Source, Stop, Wrapped, kept
from app.core.steady import SteadyEvent

_PATIENCE_S = 1.0  # how long a picture is waited for, so that a connection can be left open
_BEFORE = "starting: models are loaded"


class Lasting(Wrapped):
    """
    Where its reader's stop keeps the camera, the frames are left as they are after the one that
    was taken last, and the next reader goes on behind it. A camera that is lost, or gives nothing
    for a second, is let go and tried anew. One whose reader hangs is left to it: the next reader
    has a source of its own, so no two threads are ever in one.
    """

    def __init__(self, make: Callable[[], Source]) -> None:
        super().__init__(make())
        self._make = make
        self._lock = threading.Lock()  # of what follows
        self._reading: Optional[_Reading] = None  # what the next reader goes on with
        self._begun = False

    @property
    def state(self) -> str:  # type: ignore[override]
        return self.source.state if self._begun else _BEFORE

    def frames(self, stop: threading.Event) -> Frames:
        reading = self._taken(stop)
        goes_on = False
        try:
            for frame in reading.frames:
                yield frame
                if stop.is_set():
                    goes_on = self.camera in kept(stop)
                    break
            else:  # at its end it stays so, but where it was asked to end
                goes_on = not reading.leave.is_set()
        finally:
            if not self._left(reading, goes_on):
                reading.frames.close()

    def close(self) -> None:
        """Let the camera go; a reader that is still in it does so when it comes back."""
        with self._lock:
            reading, self._reading = self._reading, None
        if reading is not None and not reading.busy:
            reading.frames.close()

    def _taken(self, stop: threading.Event) -> "_Reading":
        with self._lock:
            self._begun = True
            if self._reading is not None and self._reading.busy:
                self.source = self._make()
                self._reading = None
            if self._reading is None:
                self._reading = _Reading(self.source)
            self._reading.busy = True
            self._reading.leave.heed(stop)
            return self._reading

    def _left(self, reading: "_Reading", goes_on: bool) -> bool:
        """Whether the next reader finds it where it is."""
        with self._lock:
            reading.busy = False
            mine = self._reading is reading
            if mine and not goes_on:
                self._reading = None
            return mine and goes_on


class _Reading:
    """A source's frames from its opening on. ``busy``: a thread is in them, or may be."""

    def __init__(self, source: Source) -> None:
        self.leave = _Leave(source)
        self.frames = source.frames(self.leave)
        self.busy = False


class _Leave(SteadyEvent):
    """The stop that a source sees: that of its present reader, unless the source may stay."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._stop: threading.Event = SteadyEvent()

    def heed(self, stop: threading.Event) -> None:
        self._stop = stop

    def is_set(self) -> bool:
        return self._stop.is_set() and self._stays_s() <= 0

    def _stays_s(self) -> float:
        """Seconds for which a source that was asked to stop still waits for its next picture."""
        stop, source = self._stop, self._source
        if not isinstance(stop, Stop) or source.camera not in stop.kept:
            return 0.0
        if source.state != "playing":
            return 0.0
        return stop.when + _PATIENCE_S - time.monotonic()
