import pytest

from app.media.mosaic import grid_of


@pytest.mark.parametrize(
    "count, columns, rows, size_wh",
    [
        (2, 2, 1, (1280, 360)),
        (3, 2, 2, (1280, 720)),
        (4, 2, 2, (1280, 720)),
        (5, 3, 2, (1920, 720)),
        (9, 3, 3, (1920, 1080)),
        (10, 4, 3, (1920, 810)),
        (64, 8, 8, (1920, 1072)),
    ],
)
def test_a_grid_is_as_square_as_it_can_be_and_no_larger_than_1080p(count, columns, rows, size_wh):
    grid = grid_of(count)
    assert (grid.columns, grid.rows, grid.size_wh) == (columns, rows, size_wh)


@pytest.mark.parametrize("count", range(2, 65))
def test_every_tile_is_inside_and_over_no_other(count):
    grid = grid_of(count)
    width, height = grid.size_wh
    assert width % 2 == height % 2 == 0 and width <= 1920 and height <= 1080
    wide, tall = grid.tile_wh
    assert abs(wide / tall - 16 / 9) < 0.05
    seen = set()
    for number in range(count):
        rows, columns = grid.window(number)
        assert 0 <= rows.start < rows.stop <= height and 0 <= columns.start < columns.stop <= width
        seen.add((rows.start // tall, columns.start // wide))
    assert len(seen) == count
