"""boxes: box arithmetic. Arrays in, arrays out, no state."""

from typing import Optional, Tuple

import numpy as np


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
    boxes: np.ndarray, scores: np.ndarray, threshold: float, class_id: Optional[np.ndarray] = None
) -> np.ndarray:
    """
    Indices of the boxes to keep, best score first. With ``class_id`` (N,), only boxes of one
    class push each other out.
    """
    order = np.argsort(-scores, kind="mergesort")  # stable, and numpy 1.13 has it
    sorted_boxes = boxes[order]
    x1, y1, x2, y2 = sorted_boxes.T
    shared = np.minimum(x2[:, None], x2) - np.maximum(x1[:, None], x1)
    high = np.minimum(y2[:, None], y2) - np.maximum(y1[:, None], y1)
    np.maximum(shared, 0, out=shared)
    shared *= np.maximum(high, 0, out=high)
    size = area(sorted_boxes)
    # shared / (a + b - shared) > threshold, without dividing
    clash = shared * (1 + threshold) > threshold * (size[:, None] + size)
    if class_id is not None:
        clash &= class_id[order][:, None] == class_id[order]
    alive = np.ones(len(order), bool)
    for row in np.flatnonzero(clash.sum(axis=1) > 1):  # every box clashes with itself
        if alive[row]:
            alive[row + 1 :] &= ~clash[row, row + 1 :]
    return np.asarray(order[alive], np.intp)


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
