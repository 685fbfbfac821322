"""
precision: average precision as COCO defines it, in numpy.

After COCOeval.evaluateImg and COCOeval.accumulate of pycocotools/cocoeval.py (cocodataset/cocoapi),
for boxes of all sizes.
"""

from typing import List, NamedTuple, Optional, Sequence

import numpy as np

from app.vision.found import Found

MOST = 100  # boxes of one class in one picture, best first; COCOeval's maxDets
IOUS = np.linspace(0.5, 0.95, 10)  # (T,)
RECALLS = np.linspace(0.0, 1.0, 101)


class Truth(NamedTuple):
    """What is in one picture: (N, 4) xyxy pixels, with (N,) class_id and crowd."""

    xyxy: np.ndarray
    class_id: np.ndarray
    crowd: (
        np.ndarray
    )  # bool: a group in one box; whatever is found in it is neither right nor wrong


class Precision(NamedTuple):
    """Each mean is over the classes with a true box; None where there is none."""

    ap: Optional[float]  # mAP@[.5:.95]
    ap50: Optional[float]
    pictures: int
    boxes: int  # true ones, crowds left out


class _Scored(NamedTuple):
    """The found boxes of one class, (D,), and how each did at each IoU, (T, D) bool."""

    score: np.ndarray
    right: np.ndarray
    ignored: np.ndarray


def average_precision(truths: Sequence[Truth], found: Sequence[Found]) -> Precision:
    """How well ``found``, in pixels of the picture as the truths are, finds them: 0 to 1."""
    if len(truths) != len(found):
        raise ValueError(f"{len(truths)} pictures with truth, {len(found)} with boxes found")
    wanted = [truth.class_id[~np.asarray(truth.crowd, bool)] for truth in truths]
    classes = np.unique(np.concatenate(wanted)) if wanted else np.empty(0)
    scores = np.array([_of_class(number, truths, found) for number in classes]).reshape(-1, 10)
    return Precision(
        float(scores.mean()) if len(scores) else None,
        float(scores[:, 0].mean()) if len(scores) else None,
        len(truths),
        sum(map(len, wanted)),
    )


def _of_class(number: int, truths: Sequence[Truth], found: Sequence[Found]) -> np.ndarray:
    """AP of one class at each IoU: (T,)."""
    parts: List[_Scored] = []
    wanted = 0
    for truth, boxes in zip(truths, found):
        true = truth.class_id == number
        rows = np.flatnonzero(boxes.class_id == number)
        rows = rows[np.argsort(-boxes.score[rows], kind="mergesort")[:MOST]]
        crowd = np.asarray(truth.crowd, bool)[true]
        wanted += int((~crowd).sum())
        overlap = _overlap(boxes.xyxy[rows], truth.xyxy[true], crowd)
        parts.append(_judged(boxes.score[rows], overlap, crowd))
    score = np.concatenate([part.score for part in parts])
    order = np.argsort(-score, kind="mergesort")
    right = np.concatenate([part.right for part in parts], axis=1)[:, order]
    ignored = np.concatenate([part.ignored for part in parts], axis=1)[:, order]
    hits = np.cumsum(right & ~ignored, axis=1, dtype=np.float64)
    misses = np.cumsum(~right & ~ignored, axis=1, dtype=np.float64)
    return np.array([_area(*pair, wanted=wanted) for pair in zip(hits, misses)])


def _judged(score: np.ndarray, overlap: np.ndarray, crowd: np.ndarray) -> _Scored:
    """
    Give each found box, best first, the free true box that it overlaps most; else a crowd, which
    is never used up. ``overlap`` is (D, G).
    """
    right = np.zeros((len(IOUS), len(score)), bool)
    ignored = np.zeros_like(right)
    free = np.repeat(~crowd[None, :], len(IOUS), axis=0)  # (T, G)
    if not len(crowd):
        return _Scored(score, right, ignored)
    levels = np.arange(len(IOUS))
    for column, row in enumerate(overlap):
        reached = row >= IOUS[:, None]  # (T, G)
        closeness = np.where(reached & free, row, -1.0)
        # of two that it overlaps alike the later, as COCOeval
        best = len(crowd) - 1 - closeness[:, ::-1].argmax(axis=1)
        hit = closeness[levels, best] >= 0
        free[levels[hit], best[hit]] = False
        ignored[:, column] = ~hit & (reached & crowd).any(axis=1)
        right[:, column] = hit
    return _Scored(score, right, ignored)


def _area(hits: np.ndarray, misses: np.ndarray, wanted: int) -> float:
    """Mean precision at the RECALLS: of each the best that this or a higher recall has."""
    recall = hits / wanted
    precision = hits / np.maximum(hits + misses, np.spacing(1))
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALLS, side="left")
    return float(np.append(precision, 0.0)[places].mean())  # 0 beyond the highest recall


def _overlap(boxes: np.ndarray, truth: np.ndarray, crowd: np.ndarray) -> np.ndarray:
    """IoU of every box with every true box, (D, G); with a crowd, the part of the box in it."""
    a, b = np.asarray(boxes, np.float64)[:, None], np.asarray(truth, np.float64)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.prod(np.clip(sides, 0, None), axis=2)
    own, other = (np.prod(box[..., 2:] - box[..., :2], axis=2) for box in (a, b))
    return shared / np.maximum(np.where(crowd, own, own + other - shared), np.spacing(1))
