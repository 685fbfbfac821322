"""apart: work on a thread of its own, so that the main thread, which hears signals, is free."""

import threading
from typing import Callable, Generic, List, Optional, TypeVar

from app.core.steady import ends_within

T = TypeVar("T")

_NAME = "apart"


class Apart(Generic[T]):
    """Work that has begun, as the loading of a model: one long call that no signal breaks off."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._made: List[T] = []
        self._error: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._run, name=_NAME, daemon=True)
        self._thread.start()

    def over(self, within_s: float = 0.0) -> bool:
        """Whether it has ended, or does so while it is waited for."""
        return ends_within(self._thread, within_s)

    def result(self) -> T:
        """What came of it, once it is over. Raises what it has raised."""
        if self._error is not None:
            raise self._error
        return self._made[0]

    def _run(self) -> None:
        try:
            self._made.append(self._work())
        except BaseException as error:
            self._error = error


def left_behind() -> bool:
    """Whether any such work goes on, in libraries that must not be ended under it."""
    return any(thread.name == _NAME for thread in threading.enumerate())
