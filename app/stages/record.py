"""record: write each camera's pictures to an MP4 of its own, or to one clip after another."""

from __future__ import generator_stop

import contextlib
import os
import time
from typing import Callable, Dict, Iterable, NamedTuple, Optional, Sequence

from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.errors import ConfigError
from app.media.clips import Bounds, Clips, plain
from app.media.film import Cut, Film
from app.media.mp4 import gstreamer_writes


class RecordSettings(NamedTuple):
    path: str  # "{camera}" in it stands for the camera's name, "{time}" for the clip's begin
    with_gstreamer: Optional[bool] = None  # None: where it is there
    minutes: Optional[float] = None  # of a clip; None: one file
    keep_gb: Optional[float] = None  # of all clips together; then the oldest go
    free_gb: float = 1.0  # of the disk, left for others: below it the oldest clips go


class Record(Stage):
    """What cannot be written ends a run on files, and is tried again for live cameras: see Film."""

    name = "record"

    def __init__(
        self,
        settings: RecordSettings,
        cameras: Sequence[str],
        now: Callable[[], float] = time.monotonic,
        part: int = 1,
    ) -> None:
        """``part``: a later one leaves the films of those before it alone."""
        self._settings = settings
        self._cameras = cameras
        self._now = now
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
            clips.begin()
            cuts = {one: Cut(one, clips, asked.minutes * 60) for one in self._cameras}
        with contextlib.ExitStack() as stack:
            films = {}
            for camera, path in self._paths.items():
                film = Film(path, with_gstreamer, cuts.get(camera), self._now)
                films[camera] = stack.enter_context(contextlib.closing(film))
            for frame in frames:
                films[frame.source].write(frame)
                yield frame


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
