"""mp4: write pictures to a file; none is lost, and what is on the disk can be played."""

from __future__ import generator_stop

import abc
import contextlib
import logging
import math
import os
import time
from typing import Any, Iterator, List, NamedTuple, Optional, Sequence

import cv2
import numpy as np

from app.errors import OutputError
from app.media import gst
from app.media.encode import Format, best, has_property, mp4_launch
from app.media.yuv import encoded_size, i420, letterboxed

logger = logging.getLogger(__name__)

_WAITING = 4  # pictures in front of the encoder before write() waits
_POLL_MS = 2  # how soon write() sees that there is room again
_STUCK_S = 30.0  # an encoder that takes nothing for so long is broken
_STEP_S = 0.001  # two pictures are never closer
_LONGEST_STEP_S = 10.0  # more is no pause of a camera but a clock that was set
_FPS = 25  # where one picture is all there is
_FASTEST_FPS = 120
_LEARNING = 5  # pictures that say the rate; the first of a live camera come unevenly


class _Placed(NamedTuple):
    image: np.ndarray
    place_s: float
    length_s: float  # how long it is shown, as far as can be known before the next one


class Mp4Writer:
    """
    One file. See writing().

    The first picture decides the size, others are letterboxed into it; the first few say the rate.
    """

    def __init__(self, path: str, with_gstreamer: bool) -> None:
        self.path = path
        self.frames = 0
        self._part = part_of(path)
        self._with_gstreamer = with_gstreamer
        self._timeline = Timeline()
        self._early: List[_Placed] = []  # until the rate is known
        self._track: Optional[_Track] = None

    def write(self, image: np.ndarray, time_s: float) -> None:
        """
        Add a picture, shown at ``time_s``. Waits while the encoder is behind; the picture is the
        caller's again afterwards. Raises OutputError where the file cannot grow.
        """
        place_s = self._timeline.next(time_s)
        picture = _Placed(image, place_s, self._timeline.step_s)
        self.frames += 1
        with self._nothing_left_on_failure():
            if self._track is not None:
                self._track.write(picture)
                return
            self._early.append(picture._replace(image=image.copy()))
            if len(self._early) == _LEARNING:
                self._opened()

    def close(self) -> None:
        """Finish the file and give it its name. Raises OutputError where that fails."""
        if not self._early and self._track is None:
            return
        with self._nothing_left_on_failure():
            self._opened().finish()
            os.replace(self._part, self.path)
        self._track = None
        logger.info("wrote %s, %d frames", self.path, self.frames)

    def _opened(self) -> "_Track":
        if self._track is None:
            fps = usual_fps([picture.place_s for picture in self._early])
            track = _GstTrack if self._with_gstreamer else _CvTrack
            size = encoded_size(self._early[0].image)
            self._track = track(self._part, Format(*size, fps))
            for picture in self._early:
                self._track.write(picture)
            self._early = []
        return self._track

    @contextlib.contextmanager
    def _nothing_left_on_failure(self) -> Iterator[None]:
        try:
            yield
        except (OSError, _Failed) as exc:
            if self._track is not None:
                self._track.abandon()
            self._early, self._track = [], None
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
    GStreamer is used where it can do it; OpenCV writes larger files with an even rate.
    """
    check(path)
    if with_gstreamer is None:
        with_gstreamer = _gstreamer_writes()
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


def _gstreamer_writes() -> bool:
    """Say whether GStreamer is here with all that a file takes."""
    if not gst.works() or gst.missing("appsrc", "h264parse", "mp4mux", "filesink"):
        return False
    try:
        best()
    except OutputError:
        return False
    return True


def part_of(path: str) -> str:
    """The name of the file while it is not complete: "out/.demo.part.mp4"."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name[:-4]}.part.mp4")


def usual_fps(places_s: Sequence[float]) -> int:
    """Pictures a second, from where the first few are in the file."""
    if len(places_s) < 2:
        return _FPS
    step_s = float(np.median(np.diff(places_s)))
    return max(1, min(_FASTEST_FPS, int(round(1 / step_s))))


class Timeline:
    """Where each picture belongs in the file: from 0 on, growing, whatever the clock does."""

    def __init__(self) -> None:
        self._place = 0.0
        self.step_s = 1 / _FPS  # between the two newest
        self._newest: Optional[float] = None

    def next(self, time_s: float) -> float:
        if self._newest is None:
            self._newest = time_s if math.isfinite(time_s) else 0.0
            return 0.0
        step_s = time_s - self._newest
        # After a loop or a new clock: go on from there, one usual step later.
        if 0 < step_s <= _LONGEST_STEP_S:
            self.step_s = max(step_s, _STEP_S)
        if math.isfinite(time_s):
            self._newest = time_s
        self._place += self.step_s
        return self._place


class _Failed(Exception):
    """A library could not write; its own words."""


class _Track(abc.ABC):
    """A file that is being written, by one library or the other."""

    @abc.abstractmethod
    def __init__(self, part: str, form: Format) -> None: ...

    @abc.abstractmethod
    def write(self, picture: _Placed) -> None: ...

    @abc.abstractmethod
    def finish(self) -> None: ...

    @abc.abstractmethod
    def abandon(self) -> None: ...


class _GstTrack(_Track):
    def __init__(self, part: str, form: Format) -> None:
        self._gst = gst.load()
        self._size_wh = (form.width, form.height)
        try:
            self._line = self._gst.parse_launch(mp4_launch(best(), form, has_property))
        except Exception as exc:  # GLib.Error, whose class is only known where gi is
            raise _Failed(f"GStreamer cannot make the line: {exc}") from exc
        self._line.get_by_name("sink").set_property("location", part)
        self._source = self._line.get_by_name("source")
        self._bus = self._line.get_bus()
        self._line.set_state(self._gst.State.PLAYING)

    def write(self, picture: _Placed) -> None:
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
    def __init__(self, part: str, form: Format) -> None:
        self._part = part
        self._size_wh = (form.width, form.height)
        self._frames = 0
        code = cv2.VideoWriter_fourcc(*"mp4v")
        self._file = cv2.VideoWriter(part, code, float(form.fps), self._size_wh)
        if not self._file.isOpened():
            raise _Failed("OpenCV has no MPEG-4 encoder here")

    def write(self, picture: _Placed) -> None:
        image = picture.image
        if (image.shape[1], image.shape[0]) != self._size_wh:
            image = letterboxed(image, self._size_wh)
        self._file.write(np.ascontiguousarray(image[..., :3]))
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
