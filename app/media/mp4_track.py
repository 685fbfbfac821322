"""mp4_track: what encodes pictures into a file: GStreamer, or OpenCV where that cannot."""

from __future__ import generator_stop

import abc
import time
from typing import Any, NamedTuple

import cv2
import numpy as np

from app.media import gst
from app.media.encode import Format, best, has_property, mp4_launch
from app.media.yuv import i420, letterboxed

_WAITING = 4  # pictures in front of the encoder before write() waits
_POLL_MS = 2  # how soon write() sees that there is room again
_STUCK_S = 30.0  # an encoder that takes nothing for so long is broken


class Placed(NamedTuple):
    image: np.ndarray
    place_s: float
    length_s: float  # how long it is shown, as far as can be known before the next one


class Failed(Exception):
    """A library could not write; its own words."""


class Track(abc.ABC):
    """A file that is being written, by one library or the other."""

    @abc.abstractmethod
    def __init__(self, part: str, form: Format, in_fragments: bool) -> None: ...

    @abc.abstractmethod
    def write(self, picture: Placed) -> None: ...

    @abc.abstractmethod
    def finish(self) -> None: ...

    @abc.abstractmethod
    def abandon(self) -> None: ...


class GstTrack(Track):
    def __init__(self, part: str, form: Format, in_fragments: bool) -> None:
        self._gst = gst.load()
        self._size_wh = (form.width, form.height)
        try:
            launch = mp4_launch(best(), form, has_property, in_fragments)
            self._line = self._gst.parse_launch(launch)
        except Exception as exc:  # GLib.Error, whose class is only known where gi is
            raise Failed(f"GStreamer cannot make the line: {exc}") from exc
        self._line.get_by_name("sink").set_property("location", part)
        self._source = self._line.get_by_name("source")
        self._bus = self._line.get_bus()
        self._line.set_state(self._gst.State.PLAYING)

    def write(self, picture: Placed) -> None:
        self._wait_for_room()
        pixels = i420(picture.image, self._size_wh)
        buffer = self._gst.Buffer.new_wrapped(pixels.tobytes())
        buffer.pts = int(picture.place_s * 1e9)
        buffer.duration = int(picture.length_s * 1e9)  # only the last one's counts
        self._source.emit("push-buffer", buffer)

    def finish(self) -> None:
        self._source.emit("end-of-stream")
        kinds = self._gst.MessageType
        if not self._listen(_STUCK_S, kinds.EOS | kinds.ERROR):  # novm: flags
            raise Failed("the encoder does not finish")
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
                raise Failed("the encoder takes no pictures")
            wait_s = _POLL_MS / 1000

    def _listen(self, wait_s: float, kinds: Any) -> bool:
        message = self._bus.timed_pop_filtered(int(wait_s * self._gst.SECOND), kinds)
        if message is not None and message.type == self._gst.MessageType.ERROR:
            raise Failed(message.parse_error()[0].message.rstrip("."))
        return message is not None


class CvTrack(Track):
    def __init__(self, part: str, form: Format, in_fragments: bool) -> None:
        self._part = part
        self._size_wh = (form.width, form.height)
        self._frames = 0
        code = cv2.VideoWriter_fourcc(*"mp4v")
        self._file = cv2.VideoWriter(part, code, float(form.fps), self._size_wh)
        if not self._file.isOpened():
            raise Failed("OpenCV has no MPEG-4 encoder here")

    def write(self, picture: Placed) -> None:
        image = picture.image
        if (image.shape[1], image.shape[0]) != self._size_wh:
            image = letterboxed(image, self._size_wh)
        self._file.write(np.ascontiguousarray(image[..., :3]))
        self._frames += 1

    def finish(self) -> None:
        self._file.release()
        if self._readable() != self._frames:  # OpenCV does not say when a write has failed
            raise Failed("OpenCV has lost frames")

    def abandon(self) -> None:
        self._file.release()

    def _readable(self) -> int:
        film = cv2.VideoCapture(self._part)
        try:
            return int(film.get(cv2.CAP_PROP_FRAME_COUNT))
        finally:
            film.release()
