"""mp4: write pictures to a file; none is lost, and what is on the disk can be played."""

from __future__ import generator_stop

import contextlib
import logging
import math
import os
from typing import Iterator, List, Optional, Sequence

import numpy as np

from app import atomic
from app.errors import OutputError
from app.media import container, gst
from app.media.encode import Format, best
from app.media.mp4_track import CvTrack, Failed, GstTrack, Placed, Track
from app.media.yuv import encoded_size

logger = logging.getLogger(__name__)

_STEP_S = 0.001  # two pictures are never closer
_LONGEST_STEP_S = 10.0  # more is no pause of a camera but a clock that was set
_FPS = 25  # where one picture is all there is
_FASTEST_FPS = 120
_LEARNING = 5  # pictures that say the rate; the first of a live camera come unevenly


class Mp4Writer:
    """
    One file. See writing().

    The first picture decides the size, others are letterboxed into it; the first few say the rate.
    ``in_fragments``: what was written until a failure or a power cut can be played, except for the
    last two seconds; by GStreamer only.
    """

    def __init__(self, path: str, with_gstreamer: bool, in_fragments: bool = False) -> None:
        self.path = path
        self.frames = 0
        self.kept = False  # there is a file of its name, whole or what could be saved
        self._in_fragments = in_fragments
        self._part = part_of(path)
        self._with_gstreamer = with_gstreamer
        self._timeline = Timeline()
        self._early: List[Placed] = []  # until the rate is known
        self._track: Optional[Track] = None

    def write(self, image: np.ndarray, time_s: float) -> None:
        """
        Add a picture, shown at ``time_s``. Waits while the encoder is behind; the picture is the
        caller's again afterwards. Raises OutputError where the file cannot grow.
        """
        place_s = self._timeline.next(time_s)
        picture = Placed(image, place_s, self._timeline.step_s)
        self.frames += 1
        with self._nothing_left_on_failure():
            if self._track is not None:
                self._track.write(picture)
                return
            self._early.append(picture._replace(image=image.copy()))
            if len(self._early) == _LEARNING:
                self._opened()

    @property
    def seconds(self) -> float:
        """From the first picture to the newest."""
        return self._timeline.place_s

    @property
    def bytes(self) -> int:
        """What the unfinished file takes so far."""
        with contextlib.suppress(OSError):
            return os.path.getsize(self._part)
        return 0

    def close(self) -> None:
        """Finish the file and give it its name. Raises OutputError where that fails."""
        if not self._early and self._track is None:
            return
        with self._nothing_left_on_failure():
            self._opened().finish()
            _settle(self._part, self.path)
        self._track = None
        self.kept = True
        level = logging.DEBUG if self._in_fragments else logging.INFO  # one of many
        logger.log(level, "wrote %s, %d frames", self.path, self.frames)

    def _opened(self) -> Track:
        if self._track is None:
            fps = usual_fps([picture.place_s for picture in self._early])
            track = GstTrack if self._with_gstreamer else CvTrack
            form = Format(*encoded_size(self._early[0].image), fps)
            self._track = track(self._part, form, self._in_fragments)
            for picture in self._early:
                self._track.write(picture)
            self._early = []
        return self._track

    @contextlib.contextmanager
    def _nothing_left_on_failure(self) -> Iterator[None]:
        try:
            yield
        except (OSError, Failed) as exc:
            if self._track is not None:
                self._track.abandon()
            self._early, self._track = [], None
            with contextlib.suppress(OSError):
                self.kept = self._in_fragments and salvaged(self._part, self.path)
                if not self.kept:
                    os.remove(self._part)
            left = "Only what came before" if self.kept else "Nothing of it"
            raise OutputError(
                f"{self.path} cannot be written: {exc}. Is the disk full? {left} is kept"
            ) from exc


def salvaged(part: str, path: str) -> bool:
    """
    Make of a file in fragments that was not finished one that can be played, of the name ``path``.
    False where there is nothing to be saved. Raises OSError, and then nothing is changed.
    """
    whole = container.whole_fragments(part)
    if whole:
        os.truncate(part, whole)
        _settle(part, path)
    return whole > 0


def _settle(part: str, path: str) -> None:
    """Give a finished file its name, once it is on the disk: a power cut leaves either."""
    atomic.sync(part)
    os.replace(part, path)
    atomic.sync_folder_of(path)


@contextlib.contextmanager
def writing(path: str, with_gstreamer: Optional[bool] = None) -> Iterator[Mp4Writer]:
    """
    Write an MP4 for the length of the ``with``, however it ends. Raises OutputError.

    The file has a hidden name beside its own until it is complete. Without pictures there is none.
    GStreamer is used where it can do it; OpenCV writes larger files with an even rate.
    """
    check(path)
    if with_gstreamer is None:
        with_gstreamer = gstreamer_writes()
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
        if exc.errno in atomic.FULL:  # by the time there are pictures there may be room
            return
        raise OutputError(
            f"{path} cannot be written: {exc.strerror}. Choose a folder that you may write to"
        ) from exc


def gstreamer_writes() -> bool:
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
        self.place_s = 0.0  # of the newest
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
        self.place_s += self.step_s
        return self.place_s
