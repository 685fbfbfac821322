"""heat: for how long points have been where, on a coarse grid. No state but the grid."""

from typing import Any, Optional, Tuple

import numpy as np

ACROSS = 64  # cells, in the picture's width


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


def _numbers(saved: Any) -> Optional[np.ndarray]:
    try:
        return np.array(saved, np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
