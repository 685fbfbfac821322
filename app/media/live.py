"""live: a camera that may be lost at any time and is tried again for ever."""

from __future__ import generator_stop

import contextlib
import logging
import random
import threading
import time
from typing import Callable, Generator, Iterator, NamedTuple, Set

from app.core.frame import Frame
from app.core.stage import Frames, Source
from app.media.camera import Camera
from app.media.playback import Broken, Ended, Picture, Playback, Refused, Room, ordinary

logger = logging.getLogger(__name__)

_SLICE_S = 0.2  # how long stop may go unnoticed
_STEADY_S = 5.0  # a connection that held for so long was a good one: begin with short waits again
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 4.0  # with the connecting itself: what is back is used within 5 s


def back_off() -> Iterator[float]:
    """Seconds to wait before each new attempt, with jitter so that cameras do not march in step."""
    wait_s = _FIRST_WAIT_S
    while True:
        yield wait_s * random.uniform(0.75, 1.0)
        wait_s = min(wait_s * 2, _LONGEST_WAIT_S)


class Way(NamedTuple):
    """How to reach a camera. open() may raise Broken; its argument allows a hardware decoder."""

    open: Callable[[bool], Playback]
    hardware: bool = False  # there is a hardware decoder to allow


class Live(Source):
    """
    The newest picture of a camera, over and over; a lost one is torn down and made anew.

    ``state`` ("connecting", "playing" or "lost: why"), ``since``, ``next_try`` and ``reconnects``,
    the attempts after the first, are plain values that any thread may read, free of secrets.
    """

    live = True

    def __init__(
        self,
        camera: Camera,
        way: Way,
        waits: Callable[[], Iterator[float]] = back_off,
        room: Room = ordinary,
    ) -> None:
        """``room``: where pictures are put."""
        self.camera = camera.name
        self.state = "connecting"
        self.since = time.monotonic()
        self.reconnects = 0
        self._settings = camera
        self._way = way
        self._waits = waits
        self._room = room
        self._hardware = way.hardware
        self._doubted = False  # the hardware gave no picture; software must show that it can
        self._told: Set[type] = set()  # of what is wrong, already logged in this episode

    def frames(self, stop: threading.Event) -> Frames:
        number = 0
        waits = self._waits()
        while not stop.is_set():
            began, before = time.monotonic(), number
            try:
                with contextlib.closing(self._pictures(stop)) as pictures:
                    for picture in pictures:
                        self._found()
                        now = time.monotonic()
                        yield Frame(self.camera, number, now, picture.image, time=time.time())
                        number += 1
            except Broken as exc:
                self._lost(exc)
            except Ended:
                self._lost(Broken("the camera ended the stream"))
            if time.monotonic() - began > self._settings.timeout_s + _STEADY_S:
                waits = self._waits()
            wait_s = next(waits)
            if number == before:  # what an attempt took counts: it may have hung to its limit
                wait_s = max(wait_s / 4, wait_s - (time.monotonic() - began))
            self.next_try = time.monotonic() + wait_s
            if stop.wait(wait_s):
                return
            self.reconnects += 1

    def _pictures(self, stop: threading.Event) -> Generator[Picture, None, None]:
        """Those of one connection, until it breaks."""
        seen = False
        hardware = self._hardware and not self._doubted
        with self._way.open(hardware) as playback:
            playback.room = self._room
            heard = time.monotonic()
            try:
                while not stop.is_set():
                    left_s = heard + self._settings.timeout_s - time.monotonic()
                    picture = playback.picture(max(0.0, min(_SLICE_S, left_s)))
                    if picture is not None:
                        if not seen and self._doubted:
                            self._give_up_hardware()
                        seen = True
                        yield picture
                        heard = time.monotonic()
                    elif time.monotonic() - heard >= self._settings.timeout_s:
                        raise Broken(f"no picture for {self._settings.timeout_s:g} s")
            finally:
                self._doubted = hardware and playback.linked and not seen

    def _give_up_hardware(self) -> None:
        logger.warning("%s: the hardware decoder gives no picture, software does", self.camera)
        self._hardware = self._doubted = False

    def _found(self) -> None:
        if self.state == "playing":
            return
        if self._told:
            logger.info("%s is back: %s", self.camera, self._settings.shown)
        else:
            logger.info("%s plays %s", self.camera, self._settings.shown)
        self._told.clear()
        self.state = "playing"
        self.since = time.monotonic()

    def _lost(self, why: Broken) -> None:
        """Log an episode's first reason, and once more when the camera is there but refuses."""
        reason = why.why + self._settings.scrubbed(why.foreign)
        if self.state == "playing":
            self.since = time.monotonic()
        self.state = "lost: " + reason
        if type(why) not in self._told and Refused not in self._told:
            logger.warning("%s is lost: %s: %s", self.camera, self._settings.shown, reason)
            self._told.add(type(why))
