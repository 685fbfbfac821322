"""film: what is recorded of one camera: one file, or one clip after another."""

from __future__ import generator_stop

import contextlib
import time
from typing import Callable, NamedTuple, Optional, Tuple

import numpy as np

from app.core.frame import Frame
from app.core.outage import Outage
from app.errors import OutputError
from app.media.clips import Clips
from app.media.mp4 import Mp4Writer, check

_LOOK_S = 5.0  # how often the room is looked at
_STEADY_S = 10.0  # of film on the disk: an outage is over
_GAP_S = 10.0  # after a longer one a clip's own times would no longer be the day's
_ROUNDING_S = 1e-6  # of times that were added up: a clip would be a picture too long
_SET_S = 2.0  # a clock that moved by more was set

_NOTHING = np.zeros((0, 0, 3), np.uint8)


class Cut(NamedTuple):
    """Where a clip ends, and which camera's it is."""

    camera: str
    clips: Clips
    seconds: float


class Film:
    """
    Pictures of one camera, in files that can each be played. With ``cut``, a new one is begun when
    one is long enough, the picture's size changes, the camera was away, or the clock was set;
    without, there is one file, and pictures of another size are letterboxed.

    Of a file, what cannot be written raises OutputError. Of a live camera the stream matters more:
    a warning, and it is tried again; where clips fill the disk, the oldest are removed first. What
    was written before is kept: without clips, the film then goes on in PATH-2.mp4 and so on.
    """

    def __init__(
        self,
        path: str,
        with_gstreamer: bool,
        cut: Optional[Cut] = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """``path``: where there is no ``cut``."""
        self._path = path
        self._with_gstreamer = with_gstreamer
        self._cut = cut
        self._now = now
        self._files = 0
        self._looked = 0.0
        self._written_s = 0.0  # of finished film, since the last failure
        self._last: Optional[Frame] = None  # in the file that is open, without its picture
        self._size_wh: Tuple[int, int] = (0, 0)
        self._writer: Optional[Mp4Writer] = None
        self.name = "the film of " + (cut.camera if cut else path)
        self._outage = Outage(self.name, "pictures", now)

    def write(self, frame: Frame) -> None:
        """Add a picture, which is the caller's again afterwards. Raises OutputError, see above."""
        if frame.live and self._outage.waits():
            return
        try:
            if self._writer is not None and self._ended(frame):
                self._finish()
            if self._writer is None:
                self._writer = self._begun(frame)
            self._writer.write(frame.image, frame.moment)
            self._look()
        except OutputError as error:
            if not frame.live:
                raise
            self._failed(error)
            return
        self._last = frame._replace(image=_NOTHING, tensor=None, private=None)
        if self._writer is not None and self._written_s + self._writer.seconds >= _STEADY_S:
            self._outage.worked()

    def close(self) -> None:
        """Finish the file that is open. Raises OutputError, see above."""
        try:
            self._finish()
        except OutputError as error:
            if self._last is None or not self._last.live:
                raise
            self._failed(error)

    def _begun(self, frame: Frame) -> Mp4Writer:
        self._size_wh = frame.size_wh
        self._looked = self._now()
        if self._cut is None:
            path = self._path if not self._files else f"{self._path[:-4]}-{self._files + 1}.mp4"
        else:
            self._cut.clips.begin()
            self._cut.clips.make_room(self._cut.camera, 0)
            when = frame.time if frame.live else time.time()
            path = self._cut.clips.new(self._cut.camera, when)
        check(path)
        return Mp4Writer(path, self._with_gstreamer, frame.live or self._cut is not None)

    def _ended(self, frame: Frame) -> bool:
        if self._cut is None or self._writer is None or self._last is None:
            return False
        if frame.size_wh != self._size_wh or self._writer.seconds > self._cut.seconds - _ROUNDING_S:
            return True
        gap_s = frame.moment - self._last.moment
        set_s = frame.time - self._last.time - gap_s
        return frame.live and (gap_s > _GAP_S or abs(set_s) > _SET_S)

    def _look(self) -> None:
        """Keep the room that is asked for, now and then."""
        if self._cut is None or self._writer is None or self._now() - self._looked < _LOOK_S:
            return
        self._looked = self._now()
        size = self._writer.bytes
        if size > self._cut.clips.largest:
            self._finish()
            size = 0
        self._cut.clips.make_room(self._cut.camera, size)

    def _finish(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.close()
        finally:
            self._files += writer.kept
            self._written_s += writer.seconds
            if self._cut is not None:
                self._cut.clips.finish(self._cut.camera, writer.path if writer.kept else None)

    def _failed(self, error: OutputError) -> None:
        with contextlib.suppress(OutputError):  # which would say the same
            self._finish()
        self._written_s = 0.0
        if self._cut is not None:
            self._cut.clips.make_room_on_full_disk(self._cut.camera)
        self._outage.failed(str(error))
