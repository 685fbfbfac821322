"""budget: the memory that the process may take, and what it does when it takes more."""

import logging
import os
from typing import Callable, Optional

logger = logging.getLogger(__name__)

_WARN = 0.8  # of the budget
_CALM = 0.75  # below which the next rise is warned of again
_OVER_S = 5  # readings in a row, before a peak counts

PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> int:
    """Bytes of this process in memory: proc(5), statm's second field. 0 where it is not told."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0


class Budget:
    """Read once a second: warns near the limit, and says when it is time to begin afresh."""

    def __init__(
        self,
        limit_mb: int,
        device: Callable[[], int] = lambda: 0,
        measure: Callable[[], int] = resident,
    ) -> None:
        """``device``: bytes taken of a GPU's own memory, which count as well."""
        self._limit = limit_mb << 20
        self._device = device
        self._measure = measure
        self._warned = False
        self._over = 0

    @property
    def limit(self) -> int:
        """Bytes."""
        return self._limit

    @property
    def used(self) -> int:
        return self._measure() + self._device()

    def spent(self, afresh: bool = True) -> Optional[str]:
        """
        How much it is, once the limit has been passed for some seconds. ``afresh``: whether
        somebody begins the service afresh then.
        """
        used = self.used
        share = used / self._limit
        if share >= _WARN and not self._warned:
            self._warned = True
            then = "at all of it the service begins afresh" if afresh else "it is but watched"
            logger.warning("%s; %s", self._told(used), then)
        elif share < _CALM:
            self._warned = False
        self._over = self._over + 1 if share >= 1 else 0
        return self._told(used) if self._over >= _OVER_S else None

    def _told(self, used: int) -> str:
        return f"{used >> 20} MB of {self._limit >> 20} MB (limits.memory_mb) are in use"
