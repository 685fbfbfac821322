"""pages: which path shows what."""

import json
import re
import time
from typing import Any, Callable, Dict

from app.errors import AppError
from app.service import metrics
from app.service.board import Board
from app.service.health import CameraHealth, Health, health
from app.service.index import index
from app.service.request import Answer, Request, plain
from app.service.snapshots import Snapshots

VERSION = 1  # of what /healthz says; it rises when a reader has to change

_SNAPSHOT = re.compile(r"/snapshot/([A-Za-z0-9_-]{1,64})\.jpg")


class Pages:
    """
    ``/`` a table for people; ``/healthz`` 200 where the service lives and is ready, else 503, with
    the reasons; ``/livez`` and ``/readyz`` each half of that; ``/metrics`` for Prometheus;
    ``/snapshot/CAMERA.jpg`` the newest picture as viewers see it. Any thread may ask.
    """

    def __init__(self, board: Board, now: Callable[[], float] = time.monotonic) -> None:
        self._board = board
        self._now = now
        self._snapshots = Snapshots(board, now)
        self._pages: Dict[str, Callable[[], Answer]] = {
            "/": self._index,
            "/healthz": lambda: self._health(lambda found: found.live and found.ready),
            "/livez": lambda: self._health(lambda found: found.live),
            "/readyz": lambda: self._health(lambda found: found.ready),
            "/metrics": self._metrics,
        }

    def answer(self, wanted: Request) -> Answer:
        page = self._pages.get(wanted.path)
        if page is not None:
            return page()
        snapshot = _SNAPSHOT.fullmatch(wanted.path)
        if snapshot is not None:
            return self._snapshot(snapshot.group(1))
        return plain(404, "there is no such page. Begin at /")

    def _index(self) -> Answer:
        facts = self._board.facts
        page = index(facts, health(facts, self._now()))
        return Answer(200, page.encode("utf-8", "replace"), "text/html; charset=utf-8")

    def _health(self, well: Callable[[Health], bool]) -> Answer:
        found = health(self._board.facts, self._now())
        text = json.dumps(as_json(found), indent=1) + "\n"
        return Answer(200 if well(found) else 503, text.encode("ascii"), "application/json")

    def _metrics(self) -> Answer:
        facts, now = self._board.facts, self._now()
        try:
            content = metrics.exposition(facts, health(facts, now), now)
        except ImportError:
            return plain(501, f"metrics need a package. Run: {metrics.INSTALL}")
        return Answer(200, content, metrics.KIND)

    def _snapshot(self, camera: str) -> Answer:
        try:
            shot = self._snapshots.shot(camera)
        except AppError as error:  # a picture of a shape that cannot be a JPEG file
            return plain(503, str(error))
        if shot.status == 200:
            return Answer(200, shot.jpeg, "image/jpeg")
        return plain(shot.status, shot.reason)


def as_json(found: Health) -> Dict[str, Any]:
    """What /healthz says. A camera's age_s is absent before its first frame."""
    return {
        "version": VERSION,
        "level": found.level,
        "live": found.live,
        "ready": found.ready,
        "reasons": list(found.reasons),
        "cameras": {one.camera.name: _camera(one) for one in found.cameras},
    }


def _camera(found: CameraHealth) -> Dict[str, Any]:
    camera = found.camera
    said: Dict[str, Any] = {
        "state": camera.state,
        "fps": round(camera.fps, 1),
        "frames": camera.frames,
        "dropped": camera.dropped,
        "reconnects": camera.reconnects,
        "reasons": list(found.reasons),
    }
    if found.age_s is not None:
        said["age_s"] = round(found.age_s, 3)
    return said
