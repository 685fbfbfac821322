"""boxes: box arithmetic. Arrays in, arrays out, no state."""

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


def nms(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Indices of the boxes to keep, best score first."""
    order = np.argsort(-scores, kind="mergesort")  # stable, and numpy 1.13 has it
    overlap = iou(boxes[order], boxes[order])
    alive = np.ones(len(order), bool)
    for row in range(len(order)):
        if alive[row]:
            alive[row + 1 :] &= overlap[row, row + 1 :] <= threshold
    return order[alive]
