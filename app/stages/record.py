"""record: write each camera's pictures to an MP4 of its own, or to one clip after another."""

from __future__ import generator_stop

import functools
import logging
import os
import threading
import time
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence

from app.core.aside import Aside, Patience
from app.core.frame import Frame
from app.core.outage import Outage
from app.core.stage import Frames, Stage
from app.errors import ConfigError, OutputError
from app.media.clips import Bounds, Clips, plain
from app.media.film import Cut, Film
from app.media.mp4 import gstreamer_writes

logger = logging.getLogger(__name__)

_ENDING_S = 2.0  # that all films together may take


class RecordSettings(NamedTuple):
    path: str  # "{camera}" in it stands for the camera's name, "{time}" for the clip's begin
    with_gstreamer: Optional[bool] = None  # None: where it is there
    minutes: Optional[float] = None  # of a clip; None: one file
    keep_gb: Optional[float] = None  # of all clips together; then the oldest go
    free_gb: float = 1.0  # of the disk, left for others: below it the oldest clips go


class Record(Stage):
    """
    What cannot be written ends a run on files, and is tried again for live cameras: see Film. Those
    are written aside: a picture for which the disk or the encoder is not ready is left out.
    """

    name = "record"

    def __init__(
        self,
        settings: RecordSettings,
        cameras: Sequence[str],
        now: Callable[[], float] = time.monotonic,
        part: int = 1,
        hung: Optional[List[threading.Thread]] = None,
    ) -> None:
        """
        ``part``: a later one leaves the films of those before it alone. ``hung``: what they have
        left behind, see Aside.
        """
        self._settings = settings
        self._cameras = cameras
        self._now = now
        self._hung: List[threading.Thread] = [] if hung is None else hung
        template, ending = os.path.splitext(settings.path)
        later = part > 1 and settings.minutes is None
        self._paths = paths(f"{template}-part{part}{ending}" if later else settings.path, cameras)

    def run(self, frames: Iterable[Frame]) -> Frames:
        asked = self._settings
        with_gstreamer = asked.with_gstreamer
        if with_gstreamer is None:
            with_gstreamer = gstreamer_writes()
        cuts: Dict[str, Cut] = {}
        if asked.minutes is not None:
            clips = Clips(asked.path, self._cameras, _bounds(asked))
            cuts = {one: Cut(one, clips, asked.minutes * 60) for one in self._cameras}
        patience = Patience(self._now)
        written = {}
        for camera, path in self._paths.items():
            film = Film(path, with_gstreamer, cuts.get(camera), self._now)
            outage = Outage(film.name, "pictures", self._now, pause_s=0)
            aside = Aside(outage, patience, self._hung, self._now)
            written[camera] = _Written(film, aside)
        try:
            for camera, cut in list(cuts.items())[:1]:
                written[camera].aside.do(cut.clips.begin)
            for frame in frames:
                written[frame.source].write(frame)
                yield frame
        finally:
            self._end(list(written.values()))

    def _end(self, written: "Sequence[_Written]") -> None:
        """Finish all at once. Those that hang are left behind; of a file, raises OutputError."""
        failed = None
        for one in written:
            try:
                one.end()
            except OutputError as error:
                failed = error
        until = time.monotonic() + _ENDING_S
        for one in written:
            if not one.aside.left(max(0.0, until - time.monotonic())):
                logger.error("%s: the disk hangs, its last pictures are left behind", one.film.name)
        if failed is not None:
            raise failed


class _Written:
    """A film; that of a live camera is on its aside's thread, and there only."""

    def __init__(self, film: Film, aside: Aside) -> None:
        self.film = film
        self.aside = aside
        self._live = False

    def write(self, frame: Frame) -> None:
        self._live = frame.live
        if frame.live:
            self.aside.do(functools.partial(self.film.write, frame._replace(tensor=None)))
        else:
            self.aside.do_here(functools.partial(self.film.write, frame))

    def end(self) -> None:
        if self._live:
            self.aside.end(self.film.close)
        else:
            self.aside.end()
            self.film.close()


def _bounds(asked: RecordSettings) -> Bounds:
    keep = None if asked.keep_gb is None else int(asked.keep_gb * 1e9)
    return Bounds(keep, int(asked.free_gb * 1e9))


def paths(template: str, cameras: Sequence[str]) -> Dict[str, str]:
    """Each camera's file. Raises ConfigError where two cameras would write the same."""
    named = {camera: template.replace("{camera}", plain(camera)) for camera in cameras}
    if len(set(named.values())) < len(named):
        raise ConfigError(
            f"{len(named)} cameras cannot write to one file {template}. "
            "Put {camera} in its name, as in out/{camera}.mp4"
        )
    return named
