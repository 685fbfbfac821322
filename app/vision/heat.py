"""heat: for how long points have been where, on a coarse grid. No state but the grid."""

from typing import Any, Optional, Tuple

import numpy as np

ACROSS = 64  # cells, in the picture's width
_FULL = 99  # percent of the cells with anything in them are below 1


def grid(size_wh: Tuple[int, int]) -> np.ndarray:
    """(rows, ACROSS) float64 of nothing, its cells about square on a picture of that size."""
    width, height = size_wh
    return np.zeros((max(1, int(round(ACROSS * height / width))), ACROSS))


def add(cells: np.ndarray, points: np.ndarray, size_wh: Tuple[int, int], seconds: float) -> None:
    """Add so many seconds where each point is, (N, 2) pixels, if that is in the picture."""
    shape = np.array(cells.shape[::-1])
    with np.errstate(invalid="ignore"):
        places = np.floor(points * (shape / np.array(size_wh, np.float64)))
        places = places[((places >= 0) & (places < shape)).all(axis=1)].astype(np.intp)
    np.add.at(cells, (places[:, 1], places[:, 0]), seconds)


def fade(cells: np.ndarray, seconds: float, half_life_s: float) -> None:
    """Let what is there lose its weight: half of it each half-life."""
    cells *= 0.5 ** (max(seconds, 0.0) / half_life_s)


def heat(cells: np.ndarray, size_wh: Tuple[int, int]) -> np.ndarray:
    """
    (H, W) float32, 0..1, for a picture of that size: the grid between its cells' middles, bilinear.
    1 is what 99 in 100 of the cells with anything in them stay below, or a standing queue would
    hide all that moves.
    """
    width, height = size_wh
    rows, columns = cells.shape
    some = cells[cells > 0]
    most = float(np.percentile(some, _FULL)) if some.size else 1.0
    level = np.minimum(cells / most, 1).astype(np.float32)
    return np.asarray(_between(height, rows) @ level @ _between(width, columns).T)


def restored(saved: Any, size_wh: Tuple[int, int]) -> np.ndarray:
    """
    The grid that was saved, as an array or as its tolist(); an empty one where it is nothing that
    fits a picture of that size.
    """
    empty = grid(size_wh)
    cells = _numbers(saved)
    if cells is None or cells.shape != empty.shape:
        return empty
    return cells if np.isfinite(cells).all() and (cells >= 0).all() else empty


def _between(pixels: int, cells: int) -> np.ndarray:
    """(pixels, cells) float32: how much of each cell a pixel takes; its rows add up to 1."""
    place = np.clip((np.arange(pixels) + 0.5) * (cells / pixels) - 0.5, 0, cells - 1)
    gap = np.abs(place[:, None] - np.arange(cells))
    return np.asarray(np.maximum(1 - gap, 0), np.float32)


def _numbers(saved: Any) -> Optional[np.ndarray]:
    try:
        return np.array(saved, np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
