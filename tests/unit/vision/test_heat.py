"""heat: seconds where points were, and nothing lost on the way to a picture."""

import json

import numpy as np
import pytest

from app.vision import heat

SIZE = (640, 360)


def test_the_cells_are_about_square():
    assert heat.grid(SIZE).shape == (36, 64)
    assert heat.grid((360, 640)).shape == (114, 64)
    assert heat.grid((4000, 2)).shape == (1, 64)


def test_seconds_add_up_where_the_points_are():
    cells = heat.grid(SIZE)
    heat.add(cells, np.empty((0, 2)), SIZE, 1.0)
    assert not cells.any()
    outside = [(-1, 5), (640, 5), (5, 360), (5, -0.1), (np.nan, 5), (np.inf, 5)]
    heat.add(cells, np.array([(5, 5), (6, 7), (639.9, 359.9)] + outside), SIZE, 0.5)
    assert cells[0, 0] == 1.0 and cells[35, 63] == 0.5 and cells.sum() == 1.5


def test_half_of_it_is_left_after_a_half_life():
    cells = np.full((2, 2), 8.0)
    for _ in range(10):
        heat.fade(cells, 6.0, 60.0)
    assert cells == pytest.approx(4.0)
    heat.fade(cells, -5.0, 60.0)  # a clock that went back makes nothing of nothing
    assert cells == pytest.approx(4.0)


def test_a_picture_of_it():
    cells = heat.grid(SIZE)
    assert not heat.heat(cells, SIZE).any()
    cells[10, 20] = 100.0
    picture = heat.heat(cells, SIZE)
    assert picture.shape == (360, 640) and picture.dtype == np.float32
    assert picture.min() == 0 and 0.9 < picture.max() <= 1
    row, column = np.unravel_index(picture.argmax(), picture.shape)
    assert (row // 10, column // 10) == (10, 20)
    assert picture.sum() == pytest.approx(100, rel=0.01)  # the area of one cell


def test_one_that_stands_does_not_hide_those_who_walk():
    cells = np.full((36, 64), 2.0)
    cells[0, 0] = 1e6
    assert heat.heat(cells, SIZE)[-1, -1] == pytest.approx(1)


def test_even_heat_is_even():
    assert heat.heat(np.full((36, 64), 3.0), (333, 77)) == pytest.approx(1)


def test_what_is_saved_comes_back():
    cells = heat.grid(SIZE)
    heat.add(cells, np.array([(5.0, 5.0)]), SIZE, 0.1)
    assert np.array_equal(heat.restored(cells, SIZE), cells)
    assert np.array_equal(heat.restored(json.loads(json.dumps(cells.tolist())), SIZE), cells)


@pytest.mark.parametrize(
    "saved",
    [
        None, {}, "hot", 5, [], [[1, 2], [3]], [["a"]], np.zeros((36, 63)),
        np.full((36, 64), np.nan), np.full((36, 64), -1.0),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_nothing(saved):
    assert not heat.restored(saved, SIZE).any() and heat.restored(saved, SIZE).shape == (36, 64)
