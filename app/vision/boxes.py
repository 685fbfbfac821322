"""boxes: box arithmetic. Arrays in, arrays out, no state."""

import functools
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
    within 1e6 of the origin and have an area, as those of ``found.real``; scores are above 0.
    With ``group`` (N,) int, only boxes of one group push each other out.
    """
    rows = np.empty((len(boxes), 4), np.float64)
    rows[:, :2] = boxes[:, :2]
    rows[:, 2:] = boxes[:, 2:] - boxes[:, :2]
    if not _fractions() and len(rows):
        _whole(rows, group)
    elif group is not None:  # side by side, so that none reaches another's
        rows[:, 0] += group * _APART
    # lists: given arrays, OpenCV 4.1 of JetPack 4 ends the process
    kept = cv2.dnn.NMSBoxes(rows.tolist(), np.asarray(scores).tolist(), 0.0, threshold)
    return np.array(kept, np.intp).ravel()  # (N, 1) before OpenCV 4.5.4, () where there are none


@functools.lru_cache(maxsize=None)
def _fractions() -> bool:
    """Whether OpenCV's NMS looks behind the point: JetPack 4's takes whole numbers."""
    return len(cv2.dnn.NMSBoxes([[0, 0, 2.4, 1], [0, 0, 1.3, 1]], [0.9, 0.8], 0.0, 0.5)) == 1


def _whole(rows: np.ndarray, group: Optional[np.ndarray]) -> None:
    """
    Make (N, 4) x, y, w, h whole numbers of 1/32 pixel, in place, groups side by side; of more,
    where boxes are so large that areas or places would not go into 31 bits.
    """
    index = np.zeros(len(rows), int)
    if group is not None:
        index = np.unique(group, return_inverse=True)[1]
    span = float((rows[:, 0] + rows[:, 2]).max() - rows[:, 0].min()) + 1
    parts = min(32.0, 3e4 / max(1.0, float(rows[:, 2:].max())), 1e9 / (span * (index.max() + 1)))
    rows[:, 0] += index * span
    np.rint(rows * parts, out=rows)


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
