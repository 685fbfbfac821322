"""budget: the memory that the process may take, and what it does when it takes more."""

import logging
import os
from typing import Callable, Optional

logger = logging.getLogger(__name__)

_WARN = 0.8  # of the budget
_CALM = 0.75  # below which the next rise is warned of again
_OVER_S = 5  # readings in a row, before a peak counts
_SPARE = 4  # of a budget: systemd/install grants the service a quarter more

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
        granted: Optional[int] = None,
    ) -> None:
        """
        ``device``: bytes taken of a GPU's own memory, which count as well. ``granted``: bytes of
        memory beyond which the kernel kills; a budget that is too near to it is cut.
        """
        self._limit = limit_mb << 20
        self._device = device
        self._measure = measure
        self._warned = False
        self._over = 0
        self._most: Optional[int] = None  # without the GPU's, where that is less than was wished
        self._name = "limits.memory_mb"
        if granted is not None and granted < (limit_mb + limit_mb // _SPARE) << 20:
            self._most = granted * _SPARE // (_SPARE + 1)
            self._name += ", cut to fit MemoryMax, which systemd/install sets"
            logger.warning(
                "limits.memory_mb is %d, and beyond %d MB the kernel kills (MemoryMax): the budget "
                "is %d MB until this has been run: sudo systemd/install CONFIG",
                limit_mb,
                granted >> 20,
                self._most >> 20,
            )

    @property
    def limit(self) -> int:
        """Bytes."""
        if self._most is None:
            return self._limit
        return min(self._limit, self._most + self._device())

    @property
    def used(self) -> int:
        return self._measure() + self._device()

    def spent(self, afresh: bool = True) -> Optional[str]:
        """
        How much it is, once the limit has been passed for some seconds. ``afresh``: whether
        somebody begins the service afresh then.
        """
        used, limit = self.used, self.limit
        share = used / limit
        if share >= _WARN and not self._warned:
            self._warned = True
            then = "at all of it the service begins afresh" if afresh else "it is but watched"
            logger.warning("%s; %s", self._told(used, limit), then)
        elif share < _CALM:
            self._warned = False
        self._over = self._over + 1 if share >= 1 else 0
        return self._told(used, limit) if self._over >= _OVER_S else None

    def _told(self, used: int, limit: int) -> str:
        return f"{used >> 20} MB of {limit >> 20} MB ({self._name}) are in use"
