"""draw_stencil: shapes that stand still, drawn once and then added to each picture, in place."""

from typing import List, NamedTuple, Tuple

import cv2
import numpy as np

_SMALL = 2048  # pixels: not worth to be cut
_CALL = 12000  # pixels that could be shaded in the time that one more tile takes

_Rectangle = Tuple[int, int, int, int]  # left, top, right, bottom


class Tile(NamedTuple):
    """What is taken from each pixel of a rectangle and then added to it."""

    rows: slice
    columns: slice
    minus: np.ndarray  # (h, w, 3) uint8
    plus: np.ndarray  # (h, w, 3) uint8


def stencil(minus: np.ndarray, plus: np.ndarray, left: int, top: int) -> List[Tile]:
    """
    Tiles that together take ``minus`` from a picture and add ``plus``, both (h, w, 3) uint8, with
    their upper left corner at (left, top) of it. They leave out most of what changes nothing.
    """
    covered = (minus | plus).any(axis=2)
    tiles = []
    for x1, y1, x2, y2 in _cut(covered, 0, 0):
        part = np.s_[y1:y2, x1:x2]
        rows, columns = slice(top + y1, top + y2), slice(left + x1, left + x2)
        tiles.append(Tile(rows, columns, minus[part].copy(), plus[part].copy()))
    return tiles


def shade(image: np.ndarray, tiles: List[Tile]) -> None:
    """Draw on (H, W, 3) uint8, the size that the tiles were made for."""
    for rows, columns, minus, plus in tiles:
        part = image[rows, columns]
        cv2.subtract(part, minus, part)
        cv2.add(part, plus, part)


def _cut(covered: np.ndarray, left: int, top: int) -> List[_Rectangle]:
    """Disjoint rectangles that hold all that is covered, halved as long as that costs less."""
    rows, columns = (np.flatnonzero(covered.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return []
    x1, x2, y1, y2 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    covered = covered[y1:y2, x1:x2]
    whole = (int(left + x1), int(top + y1), int(left + x2), int(top + y2))
    if covered.size <= _SMALL:
        return [whole]
    left, top = whole[:2]
    tall, wide = covered.shape
    if tall > wide:
        half = tall // 2
        parts = _cut(covered[:half], left, top) + _cut(covered[half:], left, top + half)
    else:
        half = wide // 2
        parts = _cut(covered[:, :half], left, top) + _cut(covered[:, half:], left + half, top)
    return min([whole], parts, key=_cost)


def _cost(parts: List[_Rectangle]) -> int:
    return sum((x2 - x1) * (y2 - y1) + _CALL for x1, y1, x2, y2 in parts)
