"""letterbox: where a picture lands inside a network's input, and how to get back."""

import functools
from typing import NamedTuple, Tuple

import numpy as np


class Fit(NamedTuple):
    """
    The picture resized to (wide, high) pixels with its corner at (left, top) of the input, cut
    where it reaches over the input's edges: the corner lies outside where left or top is negative.
    """

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


def centre_crop(image_wh: Tuple[int, int], input_wh: Tuple[int, int], short: int) -> Fit:
    """
    The middle of a copy whose short side measures ``short`` pixels, with borders where that is
    smaller than the input. Rounded as in torchvision 0.20 (transforms/functional.py, resize and
    center_crop), so that a network sees what it was trained on.
    """
    least = min(image_wh)
    wide, high = (int(short * side / least) for side in image_wh)
    left, top = (
        (room - side) // 2 if side < room else -int(round((side - room) / 2))
        for side, room in zip((wide, high), input_wh)
    )
    return Fit(wide, high, left, top, wide / image_wh[0], high / image_wh[1])


def visible(fit: Fit, input_wh: Tuple[int, int]) -> Tuple[slice, slice]:
    """The rows and columns of the resized picture that lie inside the input."""
    rows = slice(max(0, -fit.top), min(fit.high, input_wh[1] - fit.top))
    columns = slice(max(0, -fit.left), min(fit.wide, input_wh[0] - fit.left))
    return rows, columns


def sampled(picture: np.ndarray, fit: Fit, rows: slice, columns: slice) -> np.ndarray:
    """
    These rows and columns of the (H, W, C) picture resized to the fit, as float32: bilinear between
    pixel centres, with the edge's pixels repeated. The rest of the resized picture is never made.
    """
    above, below, down = _neighbours(picture.shape[0], fit.high, rows)
    before, after, across = _neighbours(picture.shape[1], fit.wide, columns)
    near, far = (
        picture[line[:, None], before] * (1 - across)[:, None]
        + picture[line[:, None], after] * across[:, None]
        for line in (above, below)
    )
    return np.asarray(near * (1 - down)[:, None, None] + far * down[:, None, None])


def _neighbours(size: int, resized: int, part: slice) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two pixels that each of a side's pixels lies between, and how near to the second."""
    place = (np.arange(part.start, part.stop) + 0.5) * (size / resized) - 0.5
    place = np.clip(place, 0, size - 1)
    first = place.astype(np.intp)
    return first, np.minimum(first + 1, size - 1), (place - first).astype(np.float32)


def size_of(picture: np.ndarray) -> Tuple[int, int]:
    """(wide, high) of a picture: (H, W, 3 or 4), or NV12 as (H * 3 / 2, W)."""
    high, wide = picture.shape[:2]
    return wide, high if picture.ndim == 3 else high * 2 // 3


def undo(boxes: np.ndarray, fit: Fit, image_wh: Tuple[int, int]) -> np.ndarray:
    """(N, 4) xyxy from network pixels back to picture pixels, cut at the picture's edges."""
    corner, scale, limit = _back(fit, image_wh)
    # np.clip takes three times as long
    return np.minimum(np.maximum((boxes - corner) / scale, 0), limit)


@functools.lru_cache(maxsize=64)  # shapes of cameras, and of boxes that are looked at again
def _back(fit: Fit, image_wh: Tuple[int, int]) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    pairs = (fit.left, fit.top), (fit.scale_x, fit.scale_y), image_wh
    corner, scale, limit = (np.array(pair * 2, np.float32) for pair in pairs)
    return corner, scale, limit
