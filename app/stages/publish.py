"""publish: show each camera's pictures on its RTSP mount."""

from __future__ import generator_stop

from typing import Dict, Iterable, Optional, Sequence

from app.core.frame import Frame
from app.core.load import Load
from app.core.stage import Frames, Source, Stage
from app.media.mount import RtspSettings
from app.media.rtsp import MountStats, RtspServer, serving

_EARLY = 0.25  # of the time between two pictures


class Publish(Stage):
    """
    The camera's name is the mount's: camera "demo" is at rtsp://ADDRESS:PORT/demo. While it gives
    no picture its mount says so; what its source is at, any thread may read. While the load is
    eased, a live camera's pictures that come too soon are not shown.
    """

    name = "publish"

    def __init__(
        self,
        settings: RtspSettings,
        sources: Sequence[Source],
        theme: str = "dark",
        load: Optional[Load] = None,
    ) -> None:
        self._settings = settings
        self._sources = {source.camera: source for source in sources}
        self._theme = theme
        self._load = Load() if load is None else load
        self._due: Dict[str, float] = {}  # camera -> when its next picture is shown, monotonic
        self._server: Optional[RtspServer] = None

    def run(self, frames: Iterable[Frame]) -> Frames:
        with serving(self._settings, tuple(self._sources), self._sources, self._theme) as server:
            self._server = server
            try:
                for frame in frames:
                    if self._is_due(frame):
                        server.push(frame.source, frame.image, frame.captured)
                    yield frame
            finally:
                self._server = None

    def stats(self) -> Dict[str, MountStats]:
        """Of each mount, by its name; empty while nothing is served. Any thread may ask."""
        server = self._server
        return {name: server.stats(name) for name in server.mounts} if server else {}

    def _is_due(self, frame: Frame) -> bool:
        fps = self._load.ease.fps
        if not fps or not frame.live:
            return True
        apart = 1 / fps
        due = self._due.get(frame.source, frame.captured)
        if frame.captured < due - _EARLY * apart:
            return False
        late = frame.captured - due
        self._due[frame.source] = due + apart if late < apart else frame.captured + apart
        return True
