"""sink: where the lines that tell of events go."""

import abc
import collections
import contextlib
import logging
import math
import time
from typing import Callable, Deque, Sequence

from app.core.aside import Aside, Patience

logger = logging.getLogger(__name__)

_EVERY_S = 0.5  # that a sink is asked without lines
_LEAVING_S = 0.75


class Sink(abc.ABC):
    """One way out, used and closed by one thread. Its failures never reach the pipeline."""

    @abc.abstractmethod
    def send(self, lines: Sequence[bytes]) -> None:
        """
        Take these lines over, in order, each ASCII with its end: deliver them, or keep them and
        try again later. Asked at every frame, mostly with none. Does not wait for what is slow.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Deliver what can be delivered at once, and let go."""


class Spool(Sink):
    """
    Another sink, used on a thread of its own. Where that hangs, lines wait here, ``most`` of them;
    else they have been sent when send() returns.
    """

    def __init__(
        self, name: str, sink: Sink, most: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.lost = 0  # lines that are nowhere
        self._name = name
        self._sink = sink
        self._most = most
        self._now = now
        self._due = -math.inf
        self._waiting: Deque[bytes] = collections.deque()
        self._aside = Aside(None, Patience(now), now=now)
        self._hangs = False

    def send(self, lines: Sequence[bytes]) -> None:
        self._waiting.extend(lines)
        if not lines and self._now() < self._due:
            return
        waits = bool(lines) or self._due == -math.inf  # a file is there from the beginning
        self._due = self._now() + _EVERY_S
        done = self._aside.do(self._deliver) and (not waits or self._aside.settled())
        if done == self._hangs:
            self._say()
        while len(self._waiting) > self._most:  # the newest say how things stand
            with contextlib.suppress(IndexError):  # they are being sent this moment
                self._waiting.popleft()
                self.lost += 1

    def close(self) -> None:
        self._aside.end(self._finish)
        if not self._aside.left(_LEAVING_S):
            logger.error("%s: the disk hangs, its last events are left behind", self._name)

    def _say(self) -> None:
        self._hangs = not self._hangs
        if self._hangs:
            logger.warning("%s does not answer, events wait", self._name)
        else:
            logger.warning("%s answers again, %d events are lost", self._name, self.lost)
            self.lost = 0

    def _deliver(self) -> None:
        lines = []
        with contextlib.suppress(IndexError):
            while True:
                lines.append(self._waiting.popleft())
        self._sink.send(lines)

    def _finish(self) -> None:
        self._deliver()
        self._sink.close()
