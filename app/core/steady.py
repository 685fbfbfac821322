"""steady: waits that a step of the wall clock neither lengthens nor cuts short."""

import math
import threading
import time
from typing import Callable, Optional

_SHORTEST_S = 0.001
_LONGEST_S = 0.1  # so late may the end of a wait be noticed


class SteadyEvent(threading.Event):
    """
    An event whose wait() goes by the monotonic clock. Before Python 3.11 the plain one's goes by
    the wall clock: set back by an hour, as where a board without a battery first learns the time,
    that makes each wait that is under way an hour longer. sleep() is steady on all of them, and
    takes no file descriptor.
    """

    def wait(self, timeout: Optional[float] = None) -> bool:
        """Whether it is set within so many seconds."""
        return _until(self.is_set, math.inf if timeout is None else timeout, _LONGEST_S)


def ends_within(thread: threading.Thread, limit_s: float) -> bool:
    """Whether a thread ends within so many seconds; join() would count them by the wall clock."""
    return _until(lambda: not thread.is_alive(), limit_s, _SHORTEST_S)


def _until(so: Callable[[], bool], seconds: float, pause_s: float) -> bool:
    """Whether it becomes so; asked after a pause that grows."""
    until = time.monotonic() + seconds
    while not so():
        left_s = until - time.monotonic()
        if left_s <= 0:
            return False
        time.sleep(min(pause_s, left_s))
        pause_s = min(2 * pause_s, _LONGEST_S)
    return True
