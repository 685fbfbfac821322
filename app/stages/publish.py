"""publish: show each camera's pictures on its RTSP mount."""

from __future__ import generator_stop

from typing import Dict, Iterable, Optional

from app.core.frame import Frame
from app.core.load import Load
from app.core.stage import Frames, Stage
from app.media.rtsp import MountStats, RtspServer

_EARLY = 0.25  # of the time between two pictures


class Publish(Stage):
    """
    The camera's name is the mount's: camera "demo" is at rtsp://ADDRESS:PORT/demo. While the load
    is eased, a live camera's pictures that come too soon are not shown.
    """

    name = "publish"

    def __init__(self, server: RtspServer, load: Optional[Load] = None) -> None:
        """``server`` has a mount for each camera."""
        self._server = server
        self._load = Load() if load is None else load
        self._due: Dict[str, float] = {}  # camera -> when its next picture is shown, monotonic

    def run(self, frames: Iterable[Frame]) -> Frames:
        for frame in frames:
            if self._is_due(frame):
                self._server.push(frame.source, frame.image, frame.captured)
            yield frame

    def stats(self) -> Dict[str, MountStats]:
        """Of each mount, by its name. Any thread may ask."""
        return {name: self._server.stats(name) for name in self._server.mounts}

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
