"""polygons: against plain loops, half planes and paths turned round."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.vision import polygons as vision

SQUARE = ((0, 0), (10, 0), (10, 10), (0, 10))
U_SHAPE = ((0, 0), (9, 0), (9, 9), (6, 9), (6, 3), (3, 3), (3, 9), (0, 9))
BOW_TIE = ((0, 0), (10, 10), (10, 0), (0, 10))

small = st.integers(-20, 20)
point = st.tuples(small, small)
points = st.lists(point, min_size=1, max_size=20)
shape = st.lists(point, min_size=3, max_size=9)
path = st.lists(point, min_size=2, max_size=7)
# On no line through two whole points up to 40 apart: 894 dy = 3001 dx modulo 10007 is dx = 97 dy.
OFF = (894 / 10007, 3001 / 10007)
quick = settings(deadline=None, max_examples=150)


def array(rows):
    return np.array(rows, np.float64).reshape(-1, 2)


def inside(rows, *shapes):
    return vision.inside(array(rows), vision.polygons(shapes))


def crossings(rows, *lines):
    """(S,) sums over the steps of one track."""
    steps = array(rows)
    return vision.crossings(steps[:-1], steps[1:], vision.paths(lines)).sum(axis=1).tolist()


def crossing_number(x, y, corners):
    odd = False
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1]):
        if (y1 <= y) != (y2 <= y):
            at = x1 + (y - y1) * (x2 - x1) / (y2 - y1)
            odd ^= x < at
    return odd


def to_border(x, y, corners):
    """The distance by looking at many points of each edge."""
    least = math.inf
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1]):
        for part in np.linspace(0, 1, 201):
            least = min(least, math.hypot(x1 + part * (x2 - x1) - x, y1 + part * (y2 - y1) - y))
    return least


@pytest.mark.parametrize(
    "shapes, rows, shape_of_it",
    [
        ([], [], (0, 0)),
        ([], [(1, 1)], (0, 1)),
        ([SQUARE], [], (1, 0)),
        ([SQUARE, U_SHAPE], [], (2, 0)),
    ],
)
def test_nothing(shapes, rows, shape_of_it):
    closed, opened = vision.polygons(shapes), vision.paths(shapes)
    assert vision.inside(array(rows), closed).shape == shape_of_it
    assert vision.distance(array(rows), closed).shape == shape_of_it
    assert vision.crossings(array(rows), array(rows), opened).shape == shape_of_it


def test_all_shapes_in_one_pass():
    rows = [(1, 1), (4.5, 6), (9.5, 9.5), (-1, 5)]
    assert inside(rows, SQUARE, U_SHAPE).tolist() == [
        [True, True, True, False],
        [True, False, False, False],
    ]
    away = vision.distance(array(rows), vision.polygons([SQUARE, U_SHAPE]))
    assert away[0].tolist() == [1, 4, 0.5, 1] and away[1, 1] == 1.5
    own = np.array([[(1, 1)], [(4.5, 6)]])
    assert vision.inside(own, vision.polygons([SQUARE, U_SHAPE])).tolist() == [[True], [False]]


@quick
@given(points, shape)
def test_inside_is_a_plain_crossing_number(rows, corners):
    rows = [(x + OFF[0], y + OFF[1]) for x, y in rows]  # ties are for the next test
    wanted = [crossing_number(x, y, corners) for x, y in rows]
    assert inside(rows, corners)[0].tolist() == wanted


@quick
@given(points, st.lists(st.integers(0, 35), min_size=3, max_size=9, unique=True))
def test_inside_a_convex_shape_is_in_all_half_planes(rows, tens):
    angles = np.radians(np.sort(tens) * 10.0)
    corners = array(np.stack([np.cos(angles), np.sin(angles)], axis=1) * 15)
    step = np.roll(corners, -1, axis=0) - corners
    off = array(rows)[:, None] - corners
    side = step[:, 0] * off[..., 1] - step[:, 1] * off[..., 0]
    sure = np.abs(side).min(axis=1) > 1e-6
    assert (inside(rows, corners)[0] == (side > 0).all(axis=1))[sure].all()


@quick
@given(points, shape, st.integers(0, 8))
def test_it_does_not_matter_which_corner_is_first(rows, corners, turn):
    turn %= len(corners)
    turned = corners[turn:] + corners[:turn]
    assert np.array_equal(inside(rows, corners), inside(rows, turned))
    assert np.array_equal(inside(rows, corners), inside(rows, corners[::-1]))


@quick
@given(points, st.integers(-20, 19))
def test_neighbours_share_no_point_and_miss_none(rows, x):
    left = ((-21, -21), (x, -21), (x, 21), (-21, 21))
    right = ((x, -21), (21, -21), (21, 21), (x, 21))
    assert inside(rows, left, right).sum(axis=0).tolist() == [1] * len(rows)


@settings(deadline=None, max_examples=30)
@given(point, shape)
def test_distance(where, corners):
    got = vision.distance(array([where]), vision.polygons([corners]))[0, 0]
    wanted = to_border(where[0], where[1], corners)
    assert got <= wanted + 1e-9 and got == pytest.approx(wanted, abs=0.2)


def test_distance_to_a_path_has_no_closing_edge():
    three = vision.paths([SQUARE[:3], SQUARE[:2]])
    assert vision.distance(array([(0, 10), (5, -2)]), three).tolist() == [[10, 2], [10, 2]]


@pytest.mark.parametrize(
    "line, steps, net",
    [
        (((0, 0), (10, 0)), [(5, -1), (5, 1)], 1),  # to the right of one who walks east: down
        (((0, 0), (10, 0)), [(5, 1), (5, -1)], -1),
        (((0, 0), (0, 10)), [(1, 5), (-1, 5)], 1),  # walking down, the right is at the left
        (((0, 0), (10, 0)), [(11, -1), (11, 1)], 0),
        (((0, 0), (10, 0)), [(5, -1), (5, 0), (5, 1)], 1),
        (((0, 0), (10, 0)), [(5, -1), (5, 0), (7, 0), (5, -1)], 0),
        (((0, 0), (5, 0), (10, 0)), [(5, -1), (5, 0), (5, 1)], 1),
        (((0, 0), (5, 5), (10, 0)), [(5, 0), (5, 5), (5, 10)], 1),
        (((0, 0), (5, 5), (10, 0)), [(0, 5), (5, 5), (10, 5)], 0),  # touches the corner
        (((0, 0), (0, 10)), [(-1, 0), (1, 0)], -1),  # over its end, which counts at one of the two
        (((0, 0), (0, 10)), [(-1, 10), (1, 10)], 0),
        (((0, 0), (10, 0), (10, 9), (0, 9)), [(5, -5), (5, 20)], 0),  # in and out again
    ],
)
def test_crossings(line, steps, net):
    assert crossings(steps, line) == [net]
    assert crossings(steps, line[::-1]) == [-net]
    assert crossings(steps[::-1], line) == [-net]


@quick
@given(st.lists(point, min_size=2, max_size=12), path)
def test_a_track_turned_round_crosses_the_other_way(steps, line):
    net = crossings(steps, line)
    assert crossings(steps[::-1], line) == [-net[0]]
    assert crossings(steps, line[::-1]) == [-net[0]]


@quick
@given(st.lists(point, min_size=2, max_size=12), path)
def test_a_walk_back_to_its_start_crosses_a_closed_path_as_often_each_way(steps, line):
    """Also with ties: each whole number is a place where walk and path may meet."""
    assert crossings(steps + steps[:1], line + line[:1]) == [0]


@quick
@given(st.lists(point, min_size=2, max_size=12), st.integers(-20, 20))
def test_net_is_the_change_of_side_of_a_line_without_ends(steps, x):
    net = crossings(steps, ((x, -99), (x, 99)))[0]
    # Down the picture, the right is where x is less; all points are moved right by next to nothing.
    assert net == int(steps[-1][0] < x) - int(steps[0][0] < x)


@pytest.mark.parametrize(
    "corners, crossed, size",
    [
        (SQUARE, False, 100),
        (SQUARE[::-1], False, 100),
        (SQUARE + SQUARE[:1], False, 100),  # closed by hand
        (U_SHAPE, False, 63),
        (BOW_TIE, True, None),
        (((0, 0), (10, 0), (10, 10), (5, 0), (0, 10)), True, None),  # touches itself
        (((0, 0), (10, 0), (5, 0), (5, 5)), True, None),  # turns back on itself
        (((0, 0), (10, 0), (10, 10)), False, 50),
    ],
)
def test_crosses_itself_and_area(corners, crossed, size):
    assert vision.crosses_itself(corners) == crossed
    if size is not None:
        assert vision.area(corners) == size
    assert vision.perimeter(SQUARE) == 40


@pytest.mark.parametrize(
    "corners, closed, reached",
    [
        (SQUARE, True, True),
        (((-50, -50), (200, -50), (200, 200), (-50, 200)), True, True),  # all around it
        (((-50, -50), (200, -50), (200, 200), (-50, 200)), False, False),
        (((-5, 50), (-1, 50), (-1, 60)), True, False),
        (((-10, 50), (50, -20)), False, True),  # cuts the corner
        (((-10, 5), (5, -10)), False, False),  # passes it
        (((-10, -10), (300, -10), (300, 300), (200, 300), (200, -5)), True, False),  # an angle
    ],
)
def test_reaches(corners, closed, reached):
    assert vision.reaches(corners, closed, (100, 80)) == reached


def test_fractions_and_pixels():
    assert vision.in_pixels(((0, 0.5), (1, 1)), (200, 100)) == ((0, 50), (200, 100))
    assert vision.in_pixels(((0, 0.5), (2, 1)), (200, 100)) == ((0, 0.5), (2, 1))


def test_points_on_boxes():
    found = vision.on_boxes(np.array([[0, 0, 10, 40]], np.float32))
    assert found.tolist() == [[[5, 0]], [[5, 20]], [[5, 40]]]
    assert vision.on_boxes(np.empty((0, 4), np.float32)).shape == (3, 0, 2)
