"""assign: against every choice there is, and against scipy where it is."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.vision import assign, boxes


def least(cost, limit):
    """The least sum of all choices, a row left alone costing ``limit``."""
    count, width = cost.shape
    columns = list(range(width)) + [None] * count
    return min(
        sum(
            limit if column is None else min(cost[row, column], limit)
            for row, column in enumerate(chosen)
        )
        for chosen in set(itertools.permutations(columns, count))
    )


def spent(cost, limit, pairs):
    rows, columns = pairs
    assert sorted(set(rows)) == list(rows)
    assert len(set(columns)) == len(columns)
    assert (cost[rows, columns] < limit).all()
    return cost[rows, columns].sum() + limit * (len(cost) - len(rows))


def test_nothing_to_pair():
    for shape in ((0, 0), (0, 3), (3, 0)):
        rows, columns = assign.assign(np.empty(shape), 1.0)
        assert rows.tolist() == columns.tolist() == []


@pytest.mark.parametrize(
    "cost, limit, rows, columns",
    [
        ([[0.2]], 0.5, [0], [0]),
        ([[0.5]], 0.5, [], []),
        ([[0.1, 0.2], [0.1, 0.9]], 1.0, [0, 1], [1, 0]),  # the greedy way costs 1.0
        ([[0.1, 0.2], [0.1, 0.9]], 0.15, [0], [0]),
        ([[np.inf, 0.2], [np.inf, np.inf]], 1.0, [0], [1]),
        ([[0.3, 0.1, 0.2]], 1.0, [0], [1]),
        ([[0.3], [0.1], [0.2]], 1.0, [1], [0]),
        ([[9.0, 9.0], [9.0, 9.0]], 1.0, [], []),
        ([[-3.0, -2.0], [-2.5, 0.0]], 0.0, [0, 1], [1, 0]),
    ],
)
def test_pairs(cost, limit, rows, columns):
    found = assign.assign(np.array(cost), limit)
    assert [part.tolist() for part in found] == [rows, columns]


shapes = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 2**31))


@settings(max_examples=150, deadline=None)
@given(shapes, st.sampled_from([0.3, 0.8, 2.0]), st.booleans())
def test_no_choice_costs_less(shape, limit, coarse):
    count, width, seed = shape
    random = np.random.RandomState(seed)
    cost = random.rand(count, width)
    if coarse:  # many are equal
        cost = np.round(cost * 3) / 3
    assert np.isclose(spent(cost, limit, assign.assign(cost, limit)), least(cost, limit))


def test_a_path_that_moves_everyone():
    """Each row likes its own column best; that all go one on is worth a place for the last."""
    count = 30
    cost = np.full((count + 1, count + 1), 9.0)
    for row in range(count):
        cost[row, row], cost[row, row + 1] = 0.1, 0.11
    cost[count, 0] = 0.1
    rows, columns = assign.assign(cost, 1.0)
    assert rows.tolist() == list(range(count + 1))
    assert columns.tolist() == list(range(1, count + 1)) + [0]


@pytest.mark.parametrize("shape", [(40, 40), (25, 60), (60, 25), (120, 100)])
@pytest.mark.parametrize("dense", [0.05, 1.0])
def test_like_scipy(shape, dense):
    optimize = pytest.importorskip("scipy.optimize", reason="scipy is not installed")
    random = np.random.RandomState(0)
    cost = np.where(random.rand(*shape) < dense, random.rand(*shape), 5.0)
    rows, columns = optimize.linear_sum_assignment(np.minimum(cost, 0.8))
    best = np.minimum(cost[rows, columns], 0.8).sum() + 0.8 * (shape[0] - len(rows))
    assert np.isclose(spent(cost, 0.8, assign.assign(cost, 0.8)), best)


def some_boxes(count, seed):
    random = np.random.RandomState(seed)
    corner = random.rand(count, 2) * 50
    return np.concatenate([corner, corner + random.rand(count, 2) * 40 + 1], axis=1)


def test_overlap():
    a, b = some_boxes(20, 0), some_boxes(30, 1)
    assert np.allclose(assign.overlap(a, b), boxes.iou(a, b), atol=1e-6)
    assert assign.overlap(a[:0], b).shape == (0, 30)
    assert assign.overlap(a, b[:0]).shape == (20, 0)


def test_overlap_with_a_margin_is_that_of_wider_boxes():
    a, b = some_boxes(5, 0), some_boxes(7, 1)
    margin = np.random.RandomState(2).rand(5, 2) * 20
    for row, (across, along) in enumerate(margin):
        more = np.array([-across, -along, across, along])
        expected = boxes.iou(a[row : row + 1] + more, b + more)
        assert np.allclose(assign.overlap(a, b, margin)[row], expected, atol=1e-6)
