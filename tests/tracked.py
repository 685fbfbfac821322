"""tracked: boxes for a tracker, and what it says of them."""

import numpy as np

from app.core.detections import Detections

STEP = 0.1


def boxes(*rows, score=0.9, class_id=0):
    """Detections of (x, y), the top left corner, each 20 wide and 50 high; or of whole boxes."""
    xyxy = [row if len(row) == 4 else (row[0], row[1], row[0] + 20, row[1] + 50) for row in rows]
    return Detections(
        xyxy=np.array(xyxy, np.float32).reshape(-1, 4),
        score=np.broadcast_to(score, len(rows)),
        class_id=np.broadcast_to(class_id, len(rows)),
    )


def settled(tracker, *rows, steps=5, **columns):
    """Show the tracker the same boxes for some steps: the last result, and the time after it."""
    for step in range(steps):
        result = tracker.update(boxes(*rows, **columns), step * STEP)
    return result, steps * STEP


def ids(result):
    return result.track_id.tolist()


NOTHING = boxes()


def velocity(tracker, when):
    """(N, 2) pixels a second of the last update's tracks, by where they are a second later."""
    now, later = tracker.predict(when), tracker.predict(when + 1)
    assert ids(now) == ids(later)
    return (later.xyxy - now.xyxy)[:, :2]
