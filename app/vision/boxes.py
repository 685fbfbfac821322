"""boxes: box arithmetic. Arrays in, arrays out, no state."""

from typing import Optional, Tuple

import cv2
import numpy as np

_APART = 4e6  # pixels, exact to 1e-3 for a million groups


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Overlap of every box of a, (N, 4) xyxy, with every box of b, (M, 4): (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    total = area(a)[:, None] + area(b)[None, :] - shared
    return np.where(total > 0, shared / np.maximum(total, 1e-9), 0).astype(np.float32)


def area(boxes: np.ndarray) -> np.ndarray:
    """Areas of (N, 4) xyxy boxes: (N,)."""
    return np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)


def nms(
    boxes: np.ndarray, scores: np.ndarray, threshold: float, group: Optional[np.ndarray] = None
) -> np.ndarray:
    """
    Indices of the boxes to keep, best score first; of equals the first. Boxes are (N, 4) float32
    within 1e6 of the origin, scores above 0. With ``group`` (N,) int, only boxes of one group push
    each other out.
    """
    rows = np.empty((len(boxes), 4), np.float64)
    rows[:, :2] = boxes[:, :2]
    rows[:, 2:] = boxes[:, 2:] - boxes[:, :2]
    if group is not None:  # side by side, so that none reaches another's
        rows[:, 0] += group * _APART
    kept = cv2.dnn.NMSBoxes(rows, np.asarray(scores, np.float32), 0.0, threshold)
    return np.array(kept, np.intp).ravel()  # (N, 1) before OpenCV 4.5.4, () where there are none


def with_margin(boxes: np.ndarray, margin: float, size_wh: Tuple[int, int]) -> np.ndarray:
    """
    (N, 4) float32 boxes grown by that share of their sides on each side, inside a picture of that
    size and at least a pixel in it.
    """
    width, height = size_wh
    room = (boxes[:, 2:] - boxes[:, :2]) * margin
    low = np.clip(boxes[:, :2] - room, 0, (width - 1, height - 1))
    high = np.minimum(np.maximum(boxes[:, 2:] + room, low + 1), (width, height))
    return np.concatenate([low, high], axis=1).astype(np.float32)
