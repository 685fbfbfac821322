"""tracker: who keeps an id, who gets one, and when it ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.tracker import Tracker, TrackSettings
from tests import mot
from tests.tracked import NOTHING, STEP, boxes, ids, settled
from tests.walkers import Scene, moments


def test_nothing():
    tracker = Tracker()
    for when in (0.0, 0.1, 0.2):
        assert len(tracker.update(NOTHING, when)) == 0
        assert len(tracker.predict(when)) == 0
    assert tracker.ended() == ()


def test_a_track_counts_from_its_second_box():
    tracker = Tracker()
    assert ids(tracker.update(boxes((10, 10)), 0.0)) == []
    result = tracker.update(boxes((12, 10), score=0.8, class_id=0), 0.1)
    assert ids(result) == [1]
    assert result.score.tolist() == pytest.approx([0.8])
    assert np.allclose(result.xyxy, [[12, 10, 32, 60]], atol=2)


@pytest.mark.parametrize("later, counts", [(0.3, True), (0.7, False)])
def test_confirm_s(later, counts):
    """Missed in the frames between, a new track waits for confirm_s."""
    tracker = Tracker(TrackSettings(confirm_s=0.5))
    tracker.update(boxes((10, 10)), 0.0)
    tracker.update(NOTHING, later - 0.1)
    assert (ids(tracker.update(boxes((10, 10)), later)) == [1]) is counts


def test_a_slow_detector_confirms_in_its_next_frame():
    tracker = Tracker(TrackSettings(confirm_s=0.5))
    tracker.update(boxes((10, 10)), 0.0)
    assert ids(tracker.update(boxes((11, 10)), 1.5)) == [1]


def test_one_false_box_takes_no_id():
    tracker = Tracker()
    tracker.update(boxes((300, 300)), 0.0)
    settled(tracker, (10, 10), steps=20)
    assert ids(tracker.update(boxes((10, 10)), 2.0)) == [1]
    assert tracker.ended() == ()


def test_unsure_boxes_begin_nothing_and_carry_on():
    tracker = Tracker()
    result, when = settled(tracker, (10, 10), score=0.4)
    assert ids(result) == []
    tracker = Tracker()
    _, when = settled(tracker, (10, 10))
    for step in range(30):  # longer than lost_s
        result = tracker.update(boxes((10, 10), (100, 100), score=0.15), when + step * STEP)
        assert ids(result) == [1]
    assert ids(tracker.update(boxes((10, 10), score=0.05), when + 3.0)) == []


def test_crossing():
    """Two walk through each other; the boxes' order says nothing."""
    tracker = Tracker()
    random = np.random.RandomState(0)
    for step in range(60):
        rows = [(10 + 5 * step, 100), (310 - 5 * step, 104)]
        order = random.permutation(2)
        result = tracker.update(boxes(*[rows[one] for one in order]), step * STEP)
        if step == 5:
            from_left = result.track_id[result.xyxy[:, 0].argsort()]
    assert sorted(from_left) == [1, 2]
    assert result.track_id[(-result.xyxy[:, 0]).argsort()].tolist() == from_left.tolist()


@pytest.mark.parametrize("hidden_s, same", [(0.5, True), (1.8, True), (2.3, False)])
def test_hidden(hidden_s, same):
    """Someone walks behind a post: found again while lost_s has not passed, by where they go."""
    tracker = Tracker(TrackSettings(lost_s=2.0))
    for step in range(15):
        result = tracker.update(boxes((10 + 4 * step, 100)), step * STEP)
    assert ids(result) == [1]
    first = 14 + int(round(hidden_s / STEP))
    for step in range(15, first):
        assert len(tracker.update(NOTHING, step * STEP)) == 0
    for step in (first, first + 1):
        result = tracker.update(boxes((10 + 4 * step, 100)), step * STEP)
    assert ids(result) == ([1] if same else [2])
    assert tracker.ended() == (() if same else (1,))


def test_one_long_gap_counts_as_lost():
    """Nothing at all came in between, not even an empty frame."""
    tracker = Tracker(TrackSettings(lost_s=2.0))
    _, when = settled(tracker, (10, 10))
    tracker.update(boxes((10, 10)), when + 2.5)
    assert ids(tracker.update(boxes((10, 10)), when + 2.6)) == [2]
    assert tracker.ended() == (1,)


@pytest.mark.parametrize("per_class", [True, False])
def test_classes(per_class):
    """A car that is now and then a truck."""
    tracker = Tracker(TrackSettings(per_class=per_class))
    for step in range(12):
        flicker = 7 if step % 4 == 3 else 2
        result = tracker.update(boxes((10, 10), class_id=flicker), step * STEP)
        if not per_class and step:
            assert (ids(result), result.class_id.tolist()) == ([1], [2])
    assert not per_class or ids(result) == [2]  # 7 has a track of its own


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([0, 5, 300, 2]), min_size=2, max_size=30))
def test_the_class_most_often_given(classes):
    tracker = Tracker(TrackSettings(per_class=False))
    for step, class_id in enumerate(classes):
        result = tracker.update(boxes((10, 10), class_id=class_id), step * STEP)
    most = max(classes.count(one) for one in classes)
    assert classes.count(int(result.class_id[0])) == most


def test_many_classes_take_no_more_memory():
    """The rarest give way to a fifth; the most frequent stays."""
    tracker = Tracker(TrackSettings(per_class=False))
    for step in range(100):
        given_class = 9 if step % 2 else 100 + step
        result = tracker.update(boxes((10, 10), class_id=given_class), step * STEP)
    assert result.class_id.tolist() == [9]


def test_predict():
    """It moves what was seen last, and leaves the tracks as they were."""
    moving, alone = Tracker(), Tracker()
    for step in range(20):
        for one in (moving, alone):
            one.update(boxes((10 + 3 * step, 100), (300, 100)), step * STEP)
        guessed = moving.predict(step * STEP + 0.05)
        moving.predict(step * STEP + 100)
        moving.predict(-5.0)
    assert ids(guessed) == [1, 2]
    assert guessed.xyxy[:, 0] == pytest.approx([10 + 3 * 19.5, 300], abs=1)
    assert guessed.score.tolist() == pytest.approx([0.9, 0.9])
    assert len(moving.predict(100.0)) == 0
    first, second = (one.update(boxes((70, 100), (300, 100)), 2.0) for one in (moving, alone))
    assert np.array_equal(first.xyxy, second.xyxy)
    assert moving.ended() == alone.ended() == ()


def test_predict_shows_nobody_who_was_not_seen():
    tracker = Tracker()
    _, when = settled(tracker, (10, 10), (100, 10))
    tracker.update(boxes((100, 10)), when)
    assert ids(tracker.predict(when + 0.1)) == [2]


def test_a_hidden_box_keeps_its_size():
    """Else one that a post covers bit by bit would go on shrinking behind it."""
    tracker = Tracker()
    for step in range(10):
        tracker.update(boxes((100, 100, 140 - 2 * step, 200)), step * STEP)
    for step in range(10, 22):
        tracker.update(NOTHING, step * STEP)
    assert ids(tracker.update(boxes((100, 100, 122, 200)), 2.2)) == [1]


scenes = st.lists(
    st.tuples(
        st.floats(-1, 3, width=32),
        st.lists(
            st.tuples(st.integers(0, 5), st.integers(0, 2), st.sampled_from([0.05, 0.3, 0.9])),
            max_size=5,
        ),
    ),
    max_size=25,
)


@settings(max_examples=80, deadline=None)
@given(scenes, st.booleans())
def test_ids(frames, per_class):
    """Unique in a frame, given in turn, never again once ended, and ended once."""
    tracker = Tracker(TrackSettings(per_class=per_class))
    when, most, over = 0.0, 0, set()
    for gap, found in frames:
        when += gap
        rows = [(30 * place, 10) for place, _, _ in found]
        scores = [score for _, _, score in found]
        classes = [class_id for _, class_id, _ in found]
        columns = {"score": scores, "class_id": classes} if found else {}
        result = tracker.update(boxes(*rows, **columns), when)
        given_ids = ids(result)
        assert len(set(given_ids)) == len(given_ids)
        assert set(range(most + 1, max(given_ids, default=0) + 1)) <= set(given_ids)
        most = max(given_ids + [most])
        ended = tracker.ended()
        assert not over & set(ended)
        over |= set(ended)
        assert len(over) <= most
        assert not over & set(given_ids)
        shown = tracker.predict(when)
        assert set(given_ids) <= set(ids(shown)) and np.isfinite(shown.xyxy).all()
    tracker.update(NOTHING, when + 1000)
    tracker.update(NOTHING, when + 2000)
    assert sorted(over | set(tracker.ended())) == list(range(1, most + 1))
    assert tracker.ended() == ()


@pytest.mark.parametrize("fps, mota, idf1", [(10.0, 0.9, 0.9), (5.0, 0.85, 0.85)])
def test_walkers(fps, mota, idf1):
    """People who cross, hide and stop, with boxes missed and false ones."""
    made = moments(Scene(12, seconds=20.0, fps=fps))
    tracker = Tracker()
    results = [tracker.update(moment.detections, moment.when) for moment in made]
    truth = [(moment.ids, moment.xyxy) for moment in made]
    score = mot.score(truth, [(result.track_id, result.xyxy) for result in results])
    assert score.mota > mota
    assert score.idf1 > idf1
    assert score.switches <= 4
