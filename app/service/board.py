"""board: where the main thread leaves the newest facts, and the threads that answer find them."""

import time
from typing import Callable, NamedTuple, Optional

from app.service.facts import Facts


class Picture(NamedTuple):
    captured: float  # monotonic seconds
    jpeg: Callable[[], bytes]  # encodes it


# Asked by any thread for the newest picture of a camera, as viewers see it.
Pictures = Callable[[str], Optional[Picture]]


def _no_picture(camera: str) -> Optional[Picture]:
    return None


class Board:
    """
    One value, replaced whole, so that nobody waits for anybody. ``pictures`` is set before the
    first facts that say there are some.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.facts = Facts(now())
        self.pictures: Pictures = _no_picture

    def update(self, facts: Facts) -> None:
        self.facts = facts
