"""outage: the time in which an output fails: when to try again, and what to say of it once."""

import logging
import time
from typing import Callable

logger = logging.getLogger(__name__)

PAUSE_S = 5.0  # what is back is used within this


class Outage:
    """
    Of one output, ``name``. A warning when it begins and one when it is over, none between. Of one
    thread; ``lost`` counts what the output should have had.
    """

    def __init__(
        self,
        name: str,
        of: str,
        now: Callable[[], float] = time.monotonic,
        pause_s: float = PAUSE_S,
    ) -> None:
        """``of``: what is lost meanwhile, such as "lines"."""
        self.lost = 0
        self.name = name
        self._of = of
        self._now = now
        self._pause_s = pause_s
        self._retry = 0.0  # monotonic seconds
        self._on = False

    def waits(self) -> bool:
        """Whether it is too early to try again; what was to be written is then lost."""
        early = self._on and self._now() < self._retry
        self.lost += early
        return early

    def failed(self, reason: str) -> None:
        """It could not be written, which is lost."""
        self._retry = self._now() + self._pause_s
        self.lost += 1
        if not self._on:
            logger.warning("%s: %s; all else goes on, it is tried again", self.name, reason)
        self._on = True

    def worked(self) -> None:
        """It could be written."""
        if self._on:
            logger.warning("%s is written again, %d %s are lost", self.name, self.lost, self._of)
            self._on, self.lost = False, 0
