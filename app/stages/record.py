"""record: write each camera's pictures to an MP4 of its own."""

from __future__ import generator_stop

import contextlib
from typing import Dict, Iterable, NamedTuple, Optional, Sequence

from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.errors import ConfigError
from app.media.mp4 import writing


class RecordSettings(NamedTuple):
    path: str  # "{camera}" in it stands for the camera's name
    with_gstreamer: Optional[bool] = None  # None: where it is there


class Record(Stage):
    name = "record"

    def __init__(self, settings: RecordSettings, cameras: Sequence[str]) -> None:
        self._settings = settings
        self._paths = paths(settings.path, cameras)

    def run(self, frames: Iterable[Frame]) -> Frames:
        with contextlib.ExitStack() as stack:
            files = {
                camera: stack.enter_context(writing(path, self._settings.with_gstreamer))
                for camera, path in self._paths.items()
            }
            for frame in frames:
                files[frame.source].write(frame.image, frame.time)
                yield frame


def paths(template: str, cameras: Sequence[str]) -> Dict[str, str]:
    """Each camera's file. Raises ConfigError where two cameras would write the same."""
    named = {camera: template.replace("{camera}", camera.replace("/", "_")) for camera in cameras}
    if len(set(named.values())) < len(named):
        raise ConfigError(
            f"{len(named)} cameras cannot write to one file {template}. "
            "Put {camera} in its name, as in out/{camera}.mp4"
        )
    return named
