"""cells: the grid cells that a dense head predicts from, level by level and row by row."""

import functools
from typing import NamedTuple, Optional, Sequence, Tuple

import numpy as np

LEVELS = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (8, 16), (16, 32))  # strides in use


class Cells(NamedTuple):
    """Cell coordinates (N, 2) as column, row, and the stride (N, 1) of each. Read-only."""

    at: np.ndarray
    stride: np.ndarray


@functools.lru_cache(maxsize=16)
def cells(input_wh: Tuple[int, int], strides: Tuple[int, ...]) -> Cells:
    """Every cell of the input at the given strides."""
    at, stride = [np.empty((0, 2), np.float32)], [np.empty((0, 1), np.float32)]
    for step in strides:
        wide, high = shape_wh(input_wh, step)
        rows, columns = np.mgrid[:high, :wide]
        at.append(np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32))
        stride.append(np.full((wide * high, 1), step, np.float32))
    made = Cells(np.concatenate(at), np.concatenate(stride))
    for array in made:
        array.setflags(write=False)  # shared by every caller
    return made


def shape_wh(input_wh: Tuple[int, int], stride: int) -> Tuple[int, int]:
    """Columns and rows of one level: rounded up, as padded convolutions do."""
    return -(-input_wh[0] // stride), -(-input_wh[1] // stride)


def count(input_wh: Tuple[int, int], strides: Sequence[int]) -> int:
    """How many cells the given strides have together."""
    shapes = [shape_wh(input_wh, stride) for stride in strides]
    return sum(wide * high for wide, high in shapes)


def strides_for(rows: int, input_wh: Tuple[int, int]) -> Optional[Tuple[int, ...]]:
    """The usual set of strides that makes this many cells, or None."""
    for strides in LEVELS:
        if count(input_wh, strides) == rows:
            return strides
    return None
