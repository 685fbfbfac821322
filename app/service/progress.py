"""progress: whether the service gets on: frames that are finished, cameras that are tried again."""

import time
from typing import Callable, Container, Dict, List, NamedTuple, Sequence, Tuple

from app.core.meter import Reading
from app.core.stage import Source


class _Trace(NamedTuple):
    """What a live camera had got to, and when that was first seen."""

    frames: int
    attempts: int
    when: float


class Progress:
    """Fed once a second. A frame that has gone all the way counts, or an attempt to connect."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.latest = float("-inf")  # when anything was last seen to be done
        self._now = now
        self._before: Tuple[int, int] = (0, 0)
        self._traces: Dict[str, _Trace] = {}

    def made(self, reading: Reading, sources: Sequence[Source]) -> bool:
        """Whether anything was done since the last call."""
        done = dict(reading.cameras)
        now = self._now()
        for source in sources:
            old = self._traces.get(source.camera)
            state = (done.get(source.camera, 0), source.reconnects)
            if source.live and (old is None or old[:2] != state):
                self._traces[source.camera] = _Trace(state[0], state[1], now)
        reached = (reading.frames, sum(source.reconnects for source in sources))
        if reached == self._before:
            return False
        self._before = reached
        self.latest = now
        return True

    def stuck(self, longest_s: float, running: Container[str]) -> List[str]:
        """Of these live cameras, those with neither a frame nor an attempt for so long."""
        now = self._now()
        return [
            name
            for name, one in self._traces.items()
            if now - one.when > longest_s and name in running
        ]
