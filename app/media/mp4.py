"""mp4: write pictures to a file; none is lost, and what is on the disk can be played."""

from __future__ import generator_stop

import abc
import contextlib
import logging
import math
import os
import time
from typing import Any, Iterator, Optional

import cv2
import numpy as np

from app.errors import OutputError
from app.media import gst
from app.media.encode import Picture, best, has_property, mp4_launch
from app.media.yuv import encoded_size, i420, letterboxed

logger = logging.getLogger(__name__)

_WAITING = 4  # pictures in front of the encoder before write() waits
_POLL_MS = 2  # how soon write() sees that there is room again
_STUCK_S = 30.0  # an encoder that takes nothing for so long is broken
_STEP_S = 0.001  # two pictures are never closer
_FPS = 25  # where one picture is all there is


class Mp4Writer:
    """
    One file. See writing().

    The first picture decides the size, others are letterboxed into it; the first two say the rate.
    """

    def __init__(self, path: str, with_gstreamer: bool) -> None:
        self.path = path
        self.frames = 0
        self._part = part_of(path)
        self._with_gstreamer = with_gstreamer
        self._timeline = Timeline()
        self._first: Optional[np.ndarray] = None
        self._track: Optional[_Track] = None

    def write(self, image: np.ndarray, time_s: float) -> None:
        """
        Add a picture, shown at ``time_s``. Waits while the encoder is behind; the picture is the
        caller's again afterwards. Raises OutputError where the file cannot grow.
        """
        place = self._timeline.next(time_s)
        self.frames += 1
        if self.frames == 1:
            self._first = image.copy()
            return
        with self._nothing_left_on_failure():
            self._opened(place).write(image, place)

    def close(self) -> None:
        """Finish the file and give it its name. Raises OutputError where that fails."""
        if self._first is None and self._track is None:
            return
        with self._nothing_left_on_failure():
            self._opened(1 / _FPS).finish()
            os.replace(self._part, self.path)
        self._track = None
        logger.info("wrote %s, %d frames", self.path, self.frames)

    def _opened(self, step_s: float) -> "_Track":
        if self._track is None:
            assert self._first is not None
            fps = max(1, min(120, int(round(1 / step_s))))
            track = _GstTrack if self._with_gstreamer else _CvTrack
            self._track = track(self._part, Picture(*encoded_size(self._first), fps))
            self._track.write(self._first, 0.0)
            self._first = None
        return self._track

    @contextlib.contextmanager
    def _nothing_left_on_failure(self) -> Iterator[None]:
        try:
            yield
        except (OSError, _Failed) as exc:
            if self._track is not None:
                self._track.abandon()
            self._first = self._track = None
            with contextlib.suppress(OSError):
                os.remove(self._part)
            raise OutputError(
                f"{self.path} cannot be written: {exc}. Is the disk full? Nothing of it is kept"
            ) from exc


@contextlib.contextmanager
def writing(path: str, with_gstreamer: Optional[bool] = None) -> Iterator[Mp4Writer]:
    """
    Write an MP4 for the length of the ``with``, however it ends. Raises OutputError.

    The file has a hidden name beside its own until it is complete. Without pictures there is none.
    GStreamer is used where it is; OpenCV writes larger files with an even rate.
    """
    check(path)
    if with_gstreamer is None:
        with_gstreamer = gst.works()
    writer = Mp4Writer(path, with_gstreamer)
    try:
        yield writer
    finally:
        writer.close()


def check(path: str) -> None:
    """Raise OutputError where writing() would. Makes the folder."""
    if not path.lower().endswith(".mp4"):
        raise OutputError(f"{path} is no name for a video. Choose one that ends with .mp4")
    if os.path.isdir(path):
        raise OutputError(f"{path} is a folder. Choose another name for the video")
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(part_of(path), "wb"):
            pass
        os.remove(part_of(path))
    except OSError as exc:
        raise OutputError(
            f"{path} cannot be written: {exc.strerror}. Choose a folder that you may write to"
        ) from exc


def part_of(path: str) -> str:
    """The name of the file while it is not complete: "out/.demo.part.mp4"."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name[:-4]}.part.mp4")


class Timeline:
    """Where each picture belongs in the file: from 0 on, growing, whatever the clock does."""

    def __init__(self) -> None:
        self._place = 0.0
        self._step = 1 / _FPS
        self._newest: Optional[float] = None

    def next(self, time_s: float) -> float:
        if self._newest is None:
            self._newest = time_s if math.isfinite(time_s) else 0.0
            return 0.0
        step = time_s - self._newest
        if step > 0 and math.isfinite(step):
            self._step = max(step, _STEP_S)
        if math.isfinite(time_s):  # after a loop or a new clock: go on from there, one step later
            self._newest = time_s
        self._place += self._step
        return self._place


class _Failed(Exception):
    """A library could not write; its own words."""


class _Track(abc.ABC):
    """A file that is being written, by one library or the other."""

    @abc.abstractmethod
    def __init__(self, part: str, picture: Picture) -> None: ...

    @abc.abstractmethod
    def write(self, image: np.ndarray, place_s: float) -> None: ...

    @abc.abstractmethod
    def finish(self) -> None: ...

    @abc.abstractmethod
    def abandon(self) -> None: ...


class _GstTrack(_Track):
    def __init__(self, part: str, picture: Picture) -> None:
        self._gst = gst.load()
        self._size_wh = (picture.width, picture.height)
        self._fps = picture.fps
        self._line = self._gst.parse_launch(mp4_launch(best(), picture, has_property))
        self._line.get_by_name("sink").set_property("location", part)
        self._source = self._line.get_by_name("source")
        self._bus = self._line.get_bus()
        self._line.set_state(self._gst.State.PLAYING)

    def write(self, image: np.ndarray, place_s: float) -> None:
        self._wait_for_room()
        pixels = i420(image, self._size_wh)
        picture = self._gst.Buffer.new_wrapped(pixels.tobytes())
        picture.pts = int(place_s * 1e9)
        picture.duration = self._gst.SECOND // self._fps
        self._source.emit("push-buffer", picture)

    def finish(self) -> None:
        self._source.emit("end-of-stream")
        if not self._listen(_STUCK_S, self._gst.MessageType.EOS | self._gst.MessageType.ERROR):
            raise _Failed("the encoder does not finish")
        self.abandon()

    def abandon(self) -> None:
        self._line.set_state(self._gst.State.NULL)

    def _wait_for_room(self) -> None:
        # Not appsrc's own block=true: that one waits for ever once the disk is full.
        limit = _WAITING * self._size_wh[0] * self._size_wh[1] * 3 // 2
        wait_s, deadline = 0.0, time.monotonic() + _STUCK_S
        while True:
            self._listen(wait_s, self._gst.MessageType.ERROR)
            if self._source.get_property("current-level-bytes") < limit:
                return
            if time.monotonic() > deadline:
                raise _Failed("the encoder takes no pictures")
            wait_s = _POLL_MS / 1000

    def _listen(self, wait_s: float, kinds: Any) -> bool:
        message = self._bus.timed_pop_filtered(int(wait_s * self._gst.SECOND), kinds)
        if message is not None and message.type == self._gst.MessageType.ERROR:
            raise _Failed(message.parse_error()[0].message.rstrip("."))
        return message is not None


class _CvTrack(_Track):
    def __init__(self, part: str, picture: Picture) -> None:
        self._part = part
        self._size_wh = (picture.width, picture.height)
        self._frames = 0
        code = cv2.VideoWriter_fourcc(*"mp4v")
        self._file = cv2.VideoWriter(part, code, float(picture.fps), self._size_wh)
        if not self._file.isOpened():
            raise _Failed("OpenCV has no MPEG-4 encoder here")

    def write(self, image: np.ndarray, place_s: float) -> None:
        placed = image
        if (image.shape[1], image.shape[0]) != self._size_wh:
            placed = letterboxed(image, self._size_wh)
        self._file.write(np.ascontiguousarray(placed[..., :3]))
        self._frames += 1

    def finish(self) -> None:
        self._file.release()
        if self._readable() != self._frames:  # OpenCV does not say when a write has failed
            raise _Failed("OpenCV has lost frames")

    def abandon(self) -> None:
        self._file.release()

    def _readable(self) -> int:
        film = cv2.VideoCapture(self._part)
        try:
            return int(film.get(cv2.CAP_PROP_FRAME_COUNT))
        finally:
            film.release()
