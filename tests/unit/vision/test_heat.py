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
