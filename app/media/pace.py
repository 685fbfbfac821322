"""pace: when the next picture is due."""

from __future__ import generator_stop

import contextlib
import threading
import time
from typing import Callable

from app.core.stage import Frames

BEHIND_S = 1.0  # later than this, the clip goes on from here instead of rushing after the clock


def paced(
    frames: Frames, stop: threading.Event, now: Callable[[], float] = time.monotonic
) -> Frames:
    """The frames of a clip at the clip's own speed, captured when they are due."""
    offset = None
    with contextlib.closing(frames):
        for frame in frames:
            if offset is None or now() - (offset + frame.time) > BEHIND_S:
                offset = now() - frame.time
            wait_s = offset + frame.time - now()
            if wait_s > 0 and stop.wait(wait_s):
                return
            yield frame._replace(captured=now())
