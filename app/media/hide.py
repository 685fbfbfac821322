"""hide: make parts of a picture unrecognisable, in place and for good."""

from typing import Sequence

import cv2
import numpy as np

WAYS = ("blur", "pixelate", "fill")
_CELLS = 4  # at most so many across what is hidden
_CELL = 8  # pixels; a cell is no smaller, so a small box has fewer
_GREY = 64


def mask(image: np.ndarray, polygons: Sequence[np.ndarray]) -> None:
    """
    Fill (K, 2) polygons, in pixels, of (H, W, 3|4) uint8 with one grey. Where they overlap, both
    are filled. A polygon with a coordinate that is no number hides the whole picture.
    """
    for polygon in polygons:
        if not np.isfinite(polygon).all():
            hide_all(image)
            return
        # OpenCV's fixed point has 16 bits before the point.
        points = np.clip(np.asarray(polygon, np.float64), -32000, 32000).round().astype(np.int32)
        cv2.fillPoly(image, [points], (_GREY,) * image.shape[2])  # and its border, so no less


def hide(image: np.ndarray, xyxy: np.ndarray, how: str = "blur", margin: float = 0.15) -> None:
    """
    Hide (N, 4) boxes, in pixels, of (H, W, 3|4) uint8, grown by ``margin`` of their size on each
    side. ``how`` is one of WAYS:

    - fill: one grey; nothing is left.
    - pixelate: at most 4 by 4 cells, each the mean of 8 by 8 pixels or more.
    - blur: those cells, with smooth passages between them.

    A blur of the picture itself could be undone: a small Gaussian keeps every frequency, only
    fainter. Here all but 16 colours of a box are gone before anything is smoothed, and a face
    needs some ten times as many to be told from others. Many frames of a thing that moves in its
    box tell more than one does: "fill" is for what must not be guessed at all.

    A box that is no number, or without end, hides the whole picture. Corners may come in any order.
    """
    boxes = np.asarray(xyxy, np.float64).reshape(-1, 4)
    if not np.isfinite(boxes).all():
        hide_all(image)
        return
    for x1, y1, x2, y2 in grown(boxes, image.shape[1], image.shape[0], margin).tolist():
        part = image[y1:y2, x1:x2]
        if not part.size:
            continue
        if how == "fill":
            part[...] = _GREY
        else:
            _pixelate(part, smooth=how != "pixelate")


def hide_all(image: np.ndarray) -> None:
    """Fill a picture with one grey. Needs numpy alone, so that it works where all else fails."""
    image[...] = _GREY


def grown(boxes: np.ndarray, width: int, height: int, margin: float) -> np.ndarray:
    """(N, 4) whole pixels, ends excluded, of finite boxes with their margin, in the picture."""
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    more = (high - low) * margin + 1  # a box between two pixels hides both
    limit = np.array([width, height], np.float64)
    edges = (np.floor(low - more), np.ceil(high + more))
    return np.concatenate([np.clip(edge, 0, limit) for edge in edges], axis=1).astype(np.int64)


def _pixelate(part: np.ndarray, smooth: bool) -> None:
    tall, wide = part.shape[:2]
    cells = tuple(max(1, min(_CELLS, side // _CELL)) for side in (wide, tall))
    few = cv2.resize(part, cells, interpolation=cv2.INTER_AREA)
    way = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    part[...] = cv2.resize(few, (wide, tall), interpolation=way).reshape(part.shape)
