"""clip: a video file, every frame once, in order."""

from __future__ import generator_stop

import contextlib
import logging
import os
import threading
import time
from typing import Callable, Generator, Sequence

from app.core.frame import Frame
from app.core.stage import Frames, Source
from app.errors import SourceError
from app.media import container
from app.media.camera import Camera
from app.media.pace import paced
from app.media.playback import Broken, Picture

logger = logging.getLogger(__name__)

_STEP_S = 0.04  # between pictures of a file that does not say

Pictures = Generator[Picture, None, None]
# Yields the pictures of the file at a path; raises Broken where it cannot go on.
Way = Callable[[str, threading.Event], Pictures]


class Clip(Source):
    """
    A file, read by the first of the ways that finds a picture in it.

    One that breaks off gives all that it has, then raises SourceError with the count.
    """

    live = False

    def __init__(self, camera: Camera, ways: Sequence[Way]) -> None:
        self.camera = camera.name
        self.state = "playing"
        self.reconnects = 0
        self._path = camera.uri.location
        self._loop = camera.loop
        self._realtime = camera.realtime
        self._ways = list(ways)

    def frames(self, stop: threading.Event) -> Frames:
        frames = self._all(stop)
        return paced(frames, stop) if self._realtime else frames

    def _all(self, stop: threading.Event) -> Frames:
        shape = self._inspect()
        number = 0
        last_s, step_s = -_STEP_S, _STEP_S
        while not stop.is_set():
            offset_s = last_s + step_s
            first = number
            try:
                with contextlib.closing(self._pictures(stop)) as pictures:
                    for picture in pictures:
                        time_s = last_s + step_s
                        if picture.time is not None and offset_s + picture.time > last_s:
                            time_s = offset_s + picture.time
                        if number > first:
                            step_s = time_s - last_s
                        last_s = time_s
                        now = time.monotonic()
                        yield Frame(self.camera, number, now, picture.image, time=time_s)
                        number += 1
            except Broken as exc:
                raise self._broken(number - first, str(exc)) from None
            if stop.is_set():
                return
            if shape.cut:
                reason = f"{shape.size} of at least {shape.declared} bytes are there"
                raise self._broken(number - first, reason)
            if number == first:
                raise SourceError(f"{self._path}: no picture in it. Is it a video?")
            if not self._loop:
                return
            self.replays += 1

    def _pictures(self, stop: threading.Event) -> Pictures:
        """Those of one pass; a way that never found a picture is not tried again."""
        while True:
            seen = False
            try:
                with contextlib.closing(self._ways[0](self._path, stop)) as pictures:
                    for picture in pictures:
                        seen = True
                        yield picture
                if seen or len(self._ways) == 1 or stop.is_set():
                    return
                reason = "no picture"
            except Broken as exc:
                if seen or len(self._ways) == 1:
                    raise
                reason = str(exc)
            logger.info("%s: %s; reading it another way", self._path, reason)
            del self._ways[0]

    def _inspect(self) -> container.Container:
        path = self._path
        if not os.path.exists(path):
            raise SourceError(f"{path}: no such file")
        if not os.path.isfile(path):
            raise SourceError(f"{path}: not a file that can be played")
        try:
            shape = container.inspect(path)
        except OSError as exc:
            raise SourceError(f"{path}: cannot be read: {exc.strerror}") from exc
        if shape.size == 0:
            raise SourceError(f"{path}: the file is empty")
        if not shape.indexed:
            raise SourceError(
                f"{path}: not a complete video: its index (moov) is missing. "
                "The recording was cut off; copy or record it again"
            )
        return shape

    def _broken(self, count: int, reason: str) -> SourceError:
        if count == 0:
            return SourceError(f"{self._path}: no video that can be played: {reason}")
        return SourceError(
            f"{self._path}: breaks off after {count} pictures: {reason}. "
            "Those were delivered; copy or record the file again for the rest"
        )
