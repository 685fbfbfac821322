"""kalman: against the textbook's filter of one 8x8 covariance."""

import numpy as np
import pytest

from app.vision import kalman

FIRST = np.array([[10, 20, 50, 120], [200, 40, 260, 90]], np.float32)
LATER = FIRST + np.array([[6, 2, 7, 1], [-9, 3, -8, 5]], np.float32)


def measured(box):
    x1, y1, x2, y2 = box.astype(float)
    return np.array([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])


def sizes(mean):
    return np.tile(mean[2:4], 2)


class Textbook:
    """One track: mean (8,) of places, then rates, and covariance (8, 8)."""

    def __init__(self, box):
        self.mean = np.concatenate([measured(box), np.zeros(4)])
        size = sizes(self.mean)
        spread = np.concatenate([kalman.SEEN * size, kalman.RATE * size])
        self.covariance = np.diag(spread**2)

    def predict(self, t):
        one = np.eye(4)
        step = np.block([[one, t * one], [0 * one, one]])
        q = np.diag((kalman.ACCELERATION * sizes(self.mean)) ** 2)
        noise = np.block([[q * t**3 / 3, q * t**2 / 2], [q * t**2 / 2, q * t]])
        self.mean = step @ self.mean
        self.covariance = step @ self.covariance @ step.T + noise

    def update(self, box):
        see = np.hstack([np.eye(4), np.zeros((4, 4))])
        noise = np.diag((kalman.SEEN * sizes(self.mean)) ** 2)
        total = see @ self.covariance @ see.T + noise
        gain = self.covariance @ see.T @ np.linalg.inv(total)
        self.mean = self.mean + gain @ (measured(box) - see @ self.mean)
        self.covariance = (np.eye(8) - gain @ see) @ self.covariance


def assert_same(state, books):
    for track, book in enumerate(books):
        place, rate, var, cross, var_rate = state[:, track]
        assert np.allclose(np.concatenate([place, rate]), book.mean)
        expected = np.block([[np.diag(var), np.diag(cross)], [np.diag(cross), np.diag(var_rate)]])
        assert np.allclose(expected, book.covariance)


def test_like_the_textbook():
    state = kalman.start(FIRST)
    books = [Textbook(box) for box in FIRST]
    random = np.random.RandomState(0)
    for seconds in (0.1, 0.033, 1.0, 0.0, 0.4):
        state = kalman.predict(state, seconds)
        boxes = (LATER + random.normal(0, 3, LATER.shape)).astype(np.float32)
        for book in books:
            book.predict(seconds)
        assert_same(state, books)
        state = kalman.update(state, boxes)
        for book, box in zip(books, boxes):
            book.update(box)
        assert_same(state, books)


def test_no_tracks():
    state = kalman.start(np.empty((0, 4), np.float32))
    assert state.shape == (5, 0, 4)
    state = kalman.update(kalman.predict(state, 0.1), np.empty((0, 4), np.float32))
    assert kalman.boxes(state).shape == (0, 4)


def test_a_box_is_where_it_was_first_seen():
    found = kalman.boxes(kalman.start(FIRST))
    assert found.dtype == np.float32
    assert np.allclose(found, FIRST)


def test_time_that_stands_still_changes_nothing():
    state = kalman.update(kalman.start(FIRST), LATER)
    assert np.array_equal(kalman.predict(state, 0.0), state)


@pytest.mark.parametrize("parts", [2, 7])
def test_many_short_steps_are_one_long_step(parts):
    """At a constant size; noise grows with the box as it was at the step's start."""
    state = kalman.update(kalman.predict(kalman.start(FIRST), 0.1), LATER)
    state[1, :, 2:] = 0
    whole = kalman.predict(state, 0.7)
    for _ in range(parts):
        state = kalman.predict(state, 0.7 / parts)
    state[:, :, 2:] = whole[:, :, 2:]  # a size that may change has noise of its own
    assert np.allclose(state, whole)


def test_inputs_are_not_changed():
    state = kalman.start(FIRST)
    before = state.copy()
    kalman.predict(state, 1.0)
    kalman.update(state, LATER)
    assert np.array_equal(state, before)


def test_learns_a_speed():
    state = kalman.start(FIRST)
    for step in range(1, 21):
        state = kalman.predict(state, 0.1)
        state = kalman.update(state, FIRST + np.float32(3 * step))
    assert np.allclose(state[1, :, :2], 30, atol=1)
    assert np.allclose(state[1, :, 2:], 0, atol=1)


def test_a_box_that_shrinks_does_not_turn_inside_out():
    state = kalman.start(FIRST)
    state[1, :, 2:] = -100
    x1, y1, x2, y2 = kalman.boxes(kalman.predict(state, 5.0)).T
    assert np.allclose(x2 - x1, kalman.LEAST, atol=1e-3)
    assert np.allclose(y2 - y1, kalman.LEAST, atol=1e-3)


def test_variances_stay_sound():
    """Positive, and no covariance greater than they allow, after very uneven times."""
    random = np.random.RandomState(1)
    state = kalman.start(FIRST)
    for seconds in random.choice([0.0, 1e-6, 0.04, 3.0, 1000.0], 500):
        state = kalman.predict(state, float(seconds))
        state = kalman.update(state, FIRST + random.normal(0, 2, FIRST.shape))
        _, _, var, cross, var_rate = state
        assert (var > 0).all()
        assert (var_rate > 0).all()
        assert (cross**2 <= var * var_rate * (1 + 1e-6)).all()
