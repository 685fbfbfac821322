"""taking: frames of a source, and no endless wait for them."""

import threading

DEADLINE_S = 20.0


def taken(source, wanted, stop=None, deadline_s=DEADLINE_S):
    """The first so many frames of a source; fails where they do not come in time."""
    stop = stop or threading.Event()
    timer = threading.Timer(deadline_s, stop.set)
    timer.start()
    frames = []
    try:
        for frame in source.frames(stop):
            frames.append(frame)
            if len(frames) == wanted:
                stop.set()
    finally:
        timer.cancel()
    assert len(frames) == wanted, getattr(source, "state", "")
    return frames
