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


class Mosaic:
    """
    take() is called by the thread that pushes pictures, compose() by the server's: what passes
    between them are whole tiles, replaced and never changed. Without viewers both do nothing.
    """

    def __init__(
        self, mount: Mount, views: Mapping[str, View], slates: Mapping[str, Slate]
    ) -> None:
        self._mount = mount
        self._views = views
        self._slates = slates
        self._grid = grid_of(len(views))
        self._tiles: Dict[str, _Tile] = {}
        width, height = self._grid.size_wh
        mount.offer(Format(width, height, FPS))

    def take(self, camera: str, image: np.ndarray) -> None:
        """Keep a copy of a camera's newest picture (H, W, 3|4), as small as its tile."""
        line = self._mount.line
        if line is None:
            return
        now = time.monotonic()
        old = self._tiles.get(camera)
        if old is not None and old.line is line and now - old.when < _EARLY / FPS:
            return
        small = letterboxed(image, self._grid.tile_wh)[..., :3]
        self._tiles[camera] = _Tile(line, now, small)

    def compose(self) -> None:
        """Show what there is, if somebody watches."""
        line = self._mount.line
        if line is None:
            self._tiles.clear()
            return
        now = time.monotonic()
        width, height = self._grid.size_wh
        canvas = np.zeros((height, width, 3), np.uint8)
        for number, (name, view) in enumerate(self._views.items()):
            since, seen = view.since
            tile = self._tiles.get(name)
            if view.lost:
                slate = self._slates[name].picture(self._grid.tile_wh, since, seen)
                canvas[self._grid.window(number)] = slate
            elif tile is not None and tile.line is line:
                canvas[self._grid.window(number)] = tile.picture
        self._mount.show(canvas, now)
