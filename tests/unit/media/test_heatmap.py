import numpy as np
import pytest

from app.media.heatmap import COLOURS, heatmap

IMAGE = np.random.RandomState(0).randint(0, 255, (360, 640, 3)).astype(np.uint8)
LEFT = (slice(None), slice(0, 500))  # without the legend


def grid(**cells):
    made = np.zeros((9, 16), np.float32)
    for cell, seconds in cells.items():
        made[tuple(int(part) for part in cell[1:].split("_"))] = seconds
    return made


def luminance(colours):
    return colours.astype(float) @ [0.0722, 0.7152, 0.2126]


def test_the_colours_grow_lighter_from_end_to_end():
    """Which makes them readable in grey, and to whoever tells red from green badly."""
    assert COLOURS.shape == (256, 3) and COLOURS.dtype == np.uint8
    light = luminance(COLOURS)
    assert (np.diff(light) > -1.5).all() and light[-1] - light[0] > 150


@pytest.mark.parametrize("seconds", [0, -1, np.nan, np.inf, -np.inf])
def test_where_nothing_was_the_picture_shows_through(seconds):
    before = IMAGE.copy()
    shown = heatmap(IMAGE, np.full((9, 16), seconds, np.float32), (640, 360))
    assert (shown[LEFT] == IMAGE[LEFT]).all() and (before == IMAGE).all()
    assert shown is not IMAGE


def test_only_where_something_was_the_picture_is_covered():
    shown = heatmap(IMAGE, grid(c2_3=30), (640, 360))
    changed = (shown[LEFT] != IMAGE[LEFT]).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert changed[80:120, 120:160].mean() > 0.99
    # a cell is 40 x 40 pixels, and fades out over half a cell
    assert rows.min() >= 60 and rows.max() < 140 and columns.min() >= 100 and columns.max() < 180


def test_longer_is_lighter_and_the_longest_is_near_the_last_colour():
    shown = heatmap(None, grid(c2_2=2, c2_6=20, c2_10=200), (640, 360))
    cells = np.stack([shown[100, 40 * column + 20] for column in (2, 6, 10)])
    light = luminance(cells)
    assert light[0] < light[1] < light[2]
    assert np.abs(cells[2].astype(int) - COLOURS[-1]).max() < 60


def test_a_short_stay_is_seen_beside_a_parked_car():
    shown = heatmap(None, grid(c2_2=2, c2_10=36000), (640, 360))
    assert (shown[100, 100].astype(int) - shown[300, 100] != 0).any()


@pytest.mark.parametrize("size_wh", [(640, 360), (1920, 1080), (33, 20), (1, 1), (64, 900)])
@pytest.mark.parametrize("image", [None, IMAGE])
def test_any_size(image, size_wh):
    for cells in (grid(), grid(c0_0=1e9), np.ones((1, 1), np.float32)):
        shown = heatmap(image, cells, size_wh)
        assert shown.shape == size_wh[::-1] + (3,) and shown.dtype == np.uint8


def test_the_legend_has_every_colour():
    shown = heatmap(None, grid(c0_0=100), (640, 360))
    column = shown[90:270, 500:].astype(int)
    nearest = np.abs(column[:, :, None] - COLOURS[::51].astype(int)).sum(axis=3).min(axis=(0, 1))
    assert (nearest < 12).all()
