"""letterbox: where a picture lands inside a network's input, and how to get back."""

from typing import NamedTuple, Tuple

import numpy as np


class Fit(NamedTuple):
    """The picture resized to (wide, high) pixels with its corner at (left, top) of the input."""

    wide: int
    high: int
    left: int
    top: int
    scale_x: float  # input pixels per picture pixel
    scale_y: float


def centred(image_wh: Tuple[int, int], input_wh: Tuple[int, int]) -> Fit:
    """The largest centred copy of the picture that keeps its shape."""
    fit = top_left(image_wh, input_wh)
    left, top = (input_wh[0] - fit.wide) // 2, (input_wh[1] - fit.high) // 2
    return fit._replace(left=left, top=top)


def top_left(image_wh: Tuple[int, int], input_wh: Tuple[int, int]) -> Fit:
    """The largest copy of the picture that keeps its shape, in the upper left corner."""
    scale = min(input_wh[0] / image_wh[0], input_wh[1] / image_wh[1])
    wide = max(1, int(round(image_wh[0] * scale)))
    high = max(1, int(round(image_wh[1] * scale)))
    return Fit(wide, high, 0, 0, wide / image_wh[0], high / image_wh[1])


def stretched(image_wh: Tuple[int, int], input_wh: Tuple[int, int]) -> Fit:
    """The whole input filled, with one scale per axis."""
    wide, high = input_wh
    return Fit(wide, high, 0, 0, wide / image_wh[0], high / image_wh[1])


def undo(boxes: np.ndarray, fit: Fit, image_wh: Tuple[int, int]) -> np.ndarray:
    """(N, 4) xyxy from network pixels back to picture pixels, cut at the picture's edges."""
    corner = np.array([fit.left, fit.top] * 2, np.float32)
    scale = np.array([fit.scale_x, fit.scale_y] * 2, np.float32)
    limit = np.array(image_wh * 2, np.float32)
    return np.clip((boxes - corner) / scale, 0, limit)
