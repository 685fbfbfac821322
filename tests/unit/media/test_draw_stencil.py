import numpy as np
import pytest

from app.media.draw_stencil import shade, stencil


def picture(seed=0):
    return np.random.RandomState(seed).randint(0, 256, (180, 320, 3)).astype(np.uint8)


def test_what_covers_nothing_is_no_tile():
    nothing = np.zeros((90, 160, 3), np.uint8)
    assert stencil(nothing, nothing, 0, 0) == []
    assert stencil(nothing[:0], nothing[:0], 0, 0) == []


@pytest.mark.parametrize("name", ["pixel", "whole", "diagonal", "frame", "specks"])
def test_the_tiles_do_what_the_whole_would(name):
    shape = np.zeros((150, 300, 3), bool)
    if name == "pixel":
        shape[7, 9] = True
    elif name == "whole":
        shape[...] = True
    elif name == "diagonal":
        rows = np.arange(150)
        for column in range(5):
            shape[rows, 2 * rows + column - 4] = True
    elif name == "frame":
        shape[[0, -1]] = shape[:, [0, -1]] = True
    else:
        shape[...] = np.random.RandomState(1).rand(150, 300, 1) < 0.01
    minus, plus = (np.where(shape, picture(seed)[:150, :300], 0) for seed in (2, 3))
    image, expected = picture(), picture().astype(int)
    shade(image, stencil(minus, plus, 12, 17))
    part = expected[17:167, 12:312]
    part[...] = np.minimum(np.maximum(part - minus, 0) + plus, 255)
    assert (image == expected).all()


def test_a_long_thin_shape_does_not_cost_its_bounding_rectangle():
    shape = np.zeros((1000, 1000, 3), np.uint8)
    for row in range(1000):
        shape[row, row] = 255
    tiles = stencil(shape, shape, 0, 0)
    assert 1 < len(tiles) < 20
    assert sum(tile.minus.shape[0] * tile.minus.shape[1] for tile in tiles) < 0.2e6
