"""turns: on which frames of a camera the detector runs; a tracker moves its boxes on between."""

import threading
from typing import Dict, List, Optional, Set

from app.core.frame import Frame
from app.core.load import Load
from app.core.stage import Batch

MOST = 10  # frames from one look to the next, where they are chosen by themselves
MOST_EVER = 1000  # frames from one look to the next that may be asked for
_CALM = 30  # frames in a row that are early enough, before the detector looks more often


class Turns:
    """
    Every ``interval``-th frame of each camera that comes, the first among them. With 0, a live
    camera's interval grows while its frames end later than ``latency_s`` after they were captured,
    and shrinks again once they end in half of it; a file, which waits, has each frame looked at.
    A load that is eased makes a live camera's interval no shorter than its own.
    """

    def __init__(
        self, interval: int = 1, latency_s: float = 0.1, load: Optional[Load] = None
    ) -> None:
        self._interval = interval
        self._latency_s = latency_s
        self._load = Load() if load is None else load
        self._lock = threading.Lock()
        self._since: Dict[str, int] = {}  # camera -> frames since its latest turn
        self._chosen: Dict[str, int] = {}  # camera -> its interval now, where it is chosen
        self._calm: Dict[str, int] = {}
        self._live: Set[str] = set()

    def admit(self, batch: Batch) -> List[Frame]:
        """The same frames, each told whether it is looked at. Batches come one after another."""
        with self._lock:
            return [frame._replace(look=self._is_due(frame)) for frame in batch]

    def done(self, frame: Frame) -> None:
        """A frame has gone all the way; its marks say how late it is."""
        if self._interval or not frame.live or not frame.marks:
            return
        late = frame.marks[-1][1] - frame.captured
        camera = frame.source
        with self._lock:
            now = self._chosen.get(camera, 1)
            if late > self._latency_s:
                self._calm[camera] = 0
                if frame.look:  # once for each look, which is what takes long
                    self._chosen[camera] = min(MOST, now + 1)
                return
            calm = self._calm.get(camera, 0) + 1 if late < self._latency_s / 2 else 0
            if calm >= _CALM:
                self._chosen[camera] = max(1, now - 1)
                calm = 0
            self._calm[camera] = calm

    def intervals(self) -> Dict[str, int]:
        """Camera -> every how many frames it is looked at now."""
        with self._lock:
            return {camera: self._of(camera) for camera in self._since}

    def _of(self, camera: str) -> int:
        own = self._interval or self._chosen.get(camera, 1)
        return max(own, self._load.ease.interval) if camera in self._live else own

    def _is_due(self, frame: Frame) -> bool:
        camera = frame.source
        if frame.live:
            self._live.add(camera)
        since = self._since.get(camera, MOST_EVER) + 1
        due = since >= self._of(camera)
        self._since[camera] = 0 if due else since
        return due
