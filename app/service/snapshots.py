"""snapshots: a camera's newest picture as JPEG, encoded when asked for, and not more often."""

import threading
import time
from typing import Callable, Dict, NamedTuple, Optional

from app.service.board import Board
from app.service.facts import CameraFacts

OLDEST_S = 5.0  # an older picture is not shown, where more are due: it would be taken for now
EVERY_S = 0.25  # of one camera; who asks more often gets the same again


class Shot(NamedTuple):
    """What is answered: a JPEG file, or the reason why there is none."""

    status: int  # of HTTP
    jpeg: bytes = b""
    reason: str = ""


class _Made(NamedTuple):
    encoded: float
    captured: float
    jpeg: bytes


def oldest_s(camera: CameraFacts) -> float:
    """The age in seconds up to which a camera's picture is shown."""
    return max(OLDEST_S, camera.patience_s)


class Snapshots:
    """Any thread may ask. The lock is for encoding alone, so that one does it for all."""

    def __init__(self, board: Board, now: Callable[[], float] = time.monotonic) -> None:
        self._board = board
        self._now = now
        self._encoding = threading.Lock()
        self._made: Dict[str, _Made] = {}

    def shot(self, name: str) -> Shot:
        """404 where there is no such camera or nothing draws pictures, 503 where none is new."""
        facts = self._board.facts
        cameras = {camera.name: camera for camera in facts.cameras}
        if not facts.running:
            return Shot(503, reason="no picture yet: models are loaded")
        if name not in cameras:
            return Shot(404, reason=f"there is no such camera. There are: {', '.join(cameras)}")
        if not facts.pictures:
            return Shot(404, reason="no pictures are drawn. Put rtsp: or record: into the config")
        camera = cameras[name]
        made = self._newest(camera) if not camera.lost else None
        if made is None:
            return Shot(503, reason="no picture yet" if not camera.lost else camera.state)
        age_s = self._now() - made.captured
        if age_s > oldest_s(camera):
            return Shot(503, reason=f"the newest picture is {age_s:.0f} s old ({camera.state})")
        return Shot(200, made.jpeg)

    def _newest(self, camera: CameraFacts) -> Optional[_Made]:
        with self._encoding:
            now = self._now()
            made = self._made.get(camera.name)
            if made is not None and now - made.encoded < EVERY_S:
                return made
            picture = self._board.pictures(camera.name)
            if picture is None:
                return made
            if now - picture.captured > oldest_s(camera):  # it will not be shown
                return _Made(now, picture.captured, b"")
            if made is None or picture.captured != made.captured:
                made = _Made(now, picture.captured, picture.jpeg())
            self._made[camera.name] = made
            return made
