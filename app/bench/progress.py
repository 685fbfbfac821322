"""progress: how far a benchmark has come, in one line that is told again and again."""

import time
from typing import Callable


class Progress:
    """Counts measurements, and says how long the rest of them may take."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._done = self._total = 0
        self._began = time.monotonic()

    def begin(self, total: int) -> None:
        """So many measurements are to come."""
        self._done, self._total = 0, total
        self._began = time.monotonic()

    def add(self) -> None:
        """One more is done."""
        self._done += 1

    def told(self, phase: str, done: int, total: int, part: str = "") -> None:
        steps = f"{phase} {done} of {total} s" if phase == "measuring" else phase
        if total and phase != "measuring":
            steps = f"{phase} {done} of {total}"
        self._tell(" | ".join(filter(None, [part, steps, self._left()])))

    def _left(self) -> str:
        if not self._done or self._done >= self._total:
            return ""
        each = (time.monotonic() - self._began) / self._done
        seconds = each * (self._total - self._done)
        return f"{seconds / 60:.0f} min left" if seconds > 90 else f"{seconds:.0f} s left"
