"""tracker: time that is uneven, stands still or runs back; boxes that are none, or too many."""

import numpy as np
import pytest

from app.analytics import tracker as module
from app.analytics.tracker import Tracker
from tests.tracked import NOTHING, STEP, boxes, ids, settled, velocity


@pytest.mark.parametrize("every", [1, 3, 10])
def test_frames_that_come_unevenly(every):
    """Whole seconds may pass; it is time that moves the boxes."""
    tracker = Tracker()
    random = np.random.RandomState(0)
    when = 0.0
    for number in range(40):
        result = tracker.update(boxes((10 + 30 * when, 100)), when)
        assert number < 1 or ids(result) == [1]
        if number > 10:
            assert velocity(tracker, when)[0] == pytest.approx([30, 0], abs=1)
        when += every * random.uniform(0.02, 0.1)


def test_the_same_time_twice():
    tracker = Tracker()
    for when in (0.0, 0.0, 0.1, 0.1, 0.1, 0.2):
        result = tracker.update(boxes((10, 10), (100, 10)), when)
    assert ids(result) == [1, 2]
    assert velocity(tracker, 0.2) == pytest.approx(np.zeros((2, 2)), abs=1)


def test_time_that_runs_back_stands_still():
    tracker = Tracker()
    for step in range(10):
        tracker.update(boxes((10 + 3 * step, 10)), 1000 + step * STEP)
    for step in range(10, 40):
        result = tracker.update(boxes((10 + 3 * step, 10)), 5 + step * STEP)
        assert ids(result) == [1]
    assert velocity(tracker, 5 + step * STEP)[0] == pytest.approx([30, 0], abs=2)
    for step in range(40, 70):
        tracker.update(NOTHING, 5 + step * STEP)
    assert tracker.ended() == (1,)


BAD = [
    (np.nan, 10, 30, 60),
    (10, 10, 30, np.inf),
    (10, 10, 10, 60),
    (30, 10, 10, 60),
    (10, 60, 30, 10),
    (1e30, 1e30, 3e30, 3e30),
]


@pytest.mark.parametrize("row", BAD)
def test_bad_boxes_never_enter(row):
    tracker = Tracker()
    for step in range(5):
        result = tracker.update(boxes(row, (10, 10)), step * STEP)
    assert ids(result) == [1]
    assert np.isfinite(result.xyxy).all()


def test_a_score_that_is_no_number():
    assert len(settled(Tracker(), (10, 10), score=np.nan)[0]) == 0


def test_thousands_of_boxes():
    """The best are taken; nothing grows with the others, or with time."""
    tracker = Tracker()
    random = np.random.RandomState(0)
    for step in range(8):
        rows = random.rand(5000, 2) * 3000
        scores = 0.6 + 0.4 * random.rand(5000)
        result = tracker.update(boxes(*rows, score=scores), step * STEP)
        assert len(result) <= module.MOST_BOXES
        assert len(tracker._tracks.id) <= module.MOST_TRACKS
