"""publish: show each camera's pictures on its RTSP mount."""

from __future__ import generator_stop

from typing import Dict, Iterable, Optional, Sequence

from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.media.mount import RtspSettings
from app.media.rtsp import MountStats, RtspServer, serving


class Publish(Stage):
    """The camera's name is the mount's: camera "demo" is at rtsp://ADDRESS:PORT/demo."""

    name = "publish"

    def __init__(self, settings: RtspSettings, cameras: Sequence[str]) -> None:
        self._settings = settings
        self._cameras = tuple(cameras)
        self._server: Optional[RtspServer] = None

    def stats(self) -> Dict[str, MountStats]:
        """By mount; empty before and after it serves. Any thread may ask."""
        server = self._server
        return {} if server is None else {one: server.stats(one) for one in self._cameras}

    def run(self, frames: Iterable[Frame]) -> Frames:
        with serving(self._settings, self._cameras) as server:
            self._server = server
            try:
                for frame in frames:
                    server.push(frame.source, frame.image, frame.captured)
                    yield frame
            finally:
                self._server = None
