"""mosaic: all cameras on one mount: their newest shown pictures, or slates, on a grid."""

import math
import time
from typing import Dict, Mapping, NamedTuple, Tuple

import numpy as np

from app.media.encode import Format
from app.media.mount import Line, Mount
from app.media.slate import Slate
from app.media.view import View
from app.media.yuv import letterboxed

NAME = "mosaic"
FPS = 15
_TILE_WH = (640, 360)
_MOST_WIDTH = 1920
_EARLY = 0.75  # of the time between two pictures: a camera's clock is not ours


class Grid(NamedTuple):
    """Tiles row by row, each of ``tile_wh`` pixels."""

    columns: int
    rows: int
    tile_wh: Tuple[int, int]

    @property
    def size_wh(self) -> Tuple[int, int]:
        return self.columns * self.tile_wh[0], self.rows * self.tile_wh[1]

    def window(self, number: int) -> Tuple[slice, slice]:
        """Rows and columns of the whole picture that tile ``number`` fills."""
        wide, tall = self.tile_wh
        top, left = number // self.columns * tall, number % self.columns * wide
        return slice(top, top + tall), slice(left, left + wide)


def grid_of(count: int) -> Grid:
    """As square as it can be; at most 1920 pixels wide, and tiles of 16:9 with even sides."""
    columns = math.ceil(math.sqrt(count))
    wide = min(_TILE_WH[0], _MOST_WIDTH // columns // 2 * 2)
    tall = wide * 9 // 16 // 2 * 2
    return Grid(columns, math.ceil(count / columns), (wide, tall))


class _Tile(NamedTuple):
    line: Line  # it was made for: what is left of an earlier one is not shown again
    when: float
    picture: np.ndarray

    def fits(self, grid: Grid) -> bool:
        """There may have been another number of cameras when it was made."""
        return bool(self.picture.shape[1::-1] == grid.tile_wh)


class _Shown(NamedTuple):
    """What is composed."""

    views: Mapping[str, View]
    slates: Mapping[str, Slate]
    grid: Grid


class Mosaic:
    """
    take() is called by the thread that pushes pictures, compose() by the server's: what passes
    between them are whole tiles, replaced and never changed. Without viewers both do nothing.
    """

    def __init__(self, mount: Mount) -> None:
        self.mount = mount
        self._shown = _Shown({}, {}, grid_of(1))  # replaced whole
        self._tiles: Dict[str, _Tile] = {}

    def follow(self, views: Mapping[str, View], slates: Mapping[str, Slate]) -> None:
        """Show these cameras. Who watches keeps the size that they have."""
        grid = grid_of(max(1, len(views)))
        self._shown = _Shown(views, slates, grid)
        for gone in set(self._tiles) - set(views):
            self._tiles.pop(gone, None)
        self.mount.offer(Format(grid.size_wh[0], grid.size_wh[1], FPS))

    def take(self, camera: str, image: np.ndarray) -> None:
        """Keep a copy of a camera's newest picture (H, W, 3|4), as small as its tile."""
        line = self.mount.line
        if line is None:
            return
        now = time.monotonic()
        old = self._tiles.get(camera)
        if old is not None and old.line is line and now - old.when < _EARLY / FPS:
            return
        small = letterboxed(image, self._shown.grid.tile_wh)[..., :3]
        self._tiles[camera] = _Tile(line, now, small)

    def compose(self) -> None:
        """Show what there is, if somebody watches."""
        line = self.mount.line
        if line is None:
            self._tiles.clear()
            return
        now = time.monotonic()
        views, slates, grid = self._shown
        width, height = grid.size_wh
        canvas = np.zeros((height, width, 3), np.uint8)
        for number, (name, view) in enumerate(views.items()):
            since, seen = view.since
            tile = self._tiles.get(name)
            if view.lost:
                slate = slates[name].picture(grid.tile_wh, since, seen)
                canvas[grid.window(number)] = slate
            elif tile is not None and tile.line is line and tile.fits(grid):
                canvas[grid.window(number)] = tile.picture
        self.mount.show(canvas, now)
