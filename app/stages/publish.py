"""publish: show each camera's pictures on its RTSP mount."""

from __future__ import generator_stop

from typing import Iterable, Sequence

from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.media.mount import RtspSettings
from app.media.rtsp import serving


class Publish(Stage):
    """The camera's name is the mount's: camera "demo" is at rtsp://ADDRESS:PORT/demo."""

    name = "publish"

    def __init__(self, settings: RtspSettings, cameras: Sequence[str]) -> None:
        self._settings = settings
        self._cameras = tuple(cameras)

    def run(self, frames: Iterable[Frame]) -> Frames:
        with serving(self._settings, self._cameras) as server:
            for frame in frames:
                server.push(frame.source, frame.image, frame.captured)
                yield frame
