"""publish: show each camera's pictures on its RTSP mount."""

from __future__ import generator_stop

from typing import Dict, Iterable, Optional, Sequence

from app.core.frame import Frame
from app.core.stage import Frames, Source, Stage
from app.media.mount import RtspSettings
from app.media.rtsp import MountStats, RtspServer, serving


class Publish(Stage):
    """
    The camera's name is the mount's: camera "demo" is at rtsp://ADDRESS:PORT/demo. While it gives
    no picture its mount says so; what its source is at, any thread may read.
    """

    name = "publish"

    def __init__(
        self, settings: RtspSettings, sources: Sequence[Source], theme: str = "dark"
    ) -> None:
        self._settings = settings
        self._sources = {source.camera: source for source in sources}
        self._theme = theme
        self._server: Optional[RtspServer] = None

    def run(self, frames: Iterable[Frame]) -> Frames:
        with serving(self._settings, tuple(self._sources), self._sources, self._theme) as server:
            self._server = server
            try:
                for frame in frames:
                    server.push(frame.source, frame.image, frame.captured)
                    yield frame
            finally:
                self._server = None

    def stats(self) -> Dict[str, MountStats]:
        """Of each mount, by its name; empty while nothing is served. Any thread may ask."""
        server = self._server
        return {name: server.stats(name) for name in server.mounts} if server else {}
