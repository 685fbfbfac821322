"""budget: the minutes of a search, and whether one more measurement fits into them."""

import contextlib
from typing import Callable, Dict, Iterator


class Budget:
    """
    Nothing is cut short, so a measurement is begun only where at least half of it will be over in
    time, by what the longest like it took. ``over``: one was not begun.
    """

    def __init__(
        self, minutes: float, now: Callable[[], float], say: Callable[[str], None]
    ) -> None:
        self.over = False
        self._minutes = minutes
        self._now = now
        self._say = say
        self._end = now() + 60 * minutes
        self._took: Dict[bool, float] = {}  # seconds, by whether an engine had to be made

    def allows(self, building: bool) -> bool:
        """Whether one may be begun, whose engine has to be made or not."""
        if self._now() + self._took.get(building, 0.0) / 2 <= self._end:
            return True
        if not self.over:
            self._say(f"the {self._minutes:g} min of the search are over: no more is tried")
        self.over = True
        return False

    @contextlib.contextmanager
    def spent(self, building: bool) -> Iterator[None]:
        """What the ``with`` takes is what another like it is expected to take."""
        began = self._now()
        try:
            yield
        finally:
            took = self._now() - began
            self._took[building] = max(took, self._took.get(building, 0.0))
