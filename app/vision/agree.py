"""agree: how far two networks' answers for the same pictures agree."""

from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.vision.boxes import iou
from app.vision.found import Found

MIN_IOU = 0.5  # of two boxes that stand for one object


class Agreement(NamedTuple):
    """
    Of two detectors. Each sure box of one asks for a box of the other; ``matched`` are those that
    got one, both ways together. What cannot be told is None.
    """

    pictures: int
    reference_boxes: int
    candidate_boxes: int
    matched: int
    share: Optional[float]  # matched / (reference_boxes + candidate_boxes); None without boxes
    mean_score_difference: Optional[float]  # of the matched, without sign; None without any


class TopAgreement(NamedTuple):
    """Of two classifiers. What cannot be told is None."""

    pictures: int
    same: int  # pictures with one best class for both
    share: Optional[float]  # same / pictures; None without pictures
    mean_score_difference: Optional[float]  # of the best scores, without sign, where finite


def agreement(
    reference: Sequence[Found], candidate: Sequence[Found], min_score: float, slack: float = 0.05
) -> Agreement:
    """
    How far two detectors agree, from their boxes of each picture down to ``min_score - slack``.

    A box of ``min_score`` or more asks for a box of its class with an IoU of MIN_IOU or more and
    a score of ``min_score - slack`` or more: one just above the threshold and one just below it
    agree. The best score asks first, and takes the box that overlaps it most from the others.
    Both sides ask, so what the candidate alone sees counts against it as well. Two that see
    nothing at all have shown nothing: their share is None, not 1.
    """
    if len(reference) != len(candidate):
        raise ValueError(f"{len(reference)} pictures cannot be compared with {len(candidate)}")
    differences: List[float] = []
    asking = [0, 0]
    for ours, theirs in zip(reference, candidate):
        for side, (asked_for, given) in enumerate(((ours, theirs), (theirs, ours))):
            rows = _best_first(asked_for, min_score)
            asking[side] += len(rows)
            for a, b in _pairs(asked_for, rows, given, _best_first(given, min_score - slack)):
                differences.append(abs(float(asked_for.score[a]) - float(given.score[b])))
    matched, boxes = len(differences), sum(asking)
    return Agreement(
        len(reference), asking[0], asking[1], matched, _ratio(matched, boxes), _mean(differences)
    )


def top_agreement(reference: np.ndarray, candidate: np.ndarray) -> TopAgreement:
    """
    How far two classifiers agree, from their (B, C) scores of the same pictures.

    A row that is not finite throughout agrees with nothing, as it names no class.
    """
    reference, candidate = np.asarray(reference), np.asarray(candidate)
    if reference.ndim != 2 or reference.shape != candidate.shape or not reference.shape[1]:
        raise ValueError(f"scores {reference.shape} cannot be compared with {candidate.shape}")
    told = np.isfinite(reference).all(axis=1) & np.isfinite(candidate).all(axis=1)
    ours, theirs = reference[told].astype(np.float64), candidate[told].astype(np.float64)
    same = int((ours.argmax(axis=1) == theirs.argmax(axis=1)).sum())
    differences = np.abs(ours.max(axis=1) - theirs.max(axis=1))
    return TopAgreement(len(told), same, _ratio(same, len(told)), _mean(differences))


def _best_first(found: Found, min_score: float) -> np.ndarray:
    """Rows of this score or more, the best first."""
    rows = np.flatnonzero(found.score >= np.float32(min_score))
    return rows[np.argsort(-found.score[rows], kind="mergesort")]


def _pairs(
    asking: Found, rows: np.ndarray, given: Found, others: np.ndarray
) -> List[Tuple[int, int]]:
    """(row of asking, row of given), one to one."""
    overlap = iou(asking.xyxy[rows], given.xyxy[others])
    overlap[asking.class_id[rows][:, None] != given.class_id[others]] = -1
    pairs = []
    for ask, row in enumerate(rows):
        best = int(overlap[ask].argmax()) if len(others) else -1
        if best >= 0 and overlap[ask, best] >= MIN_IOU:
            pairs.append((int(row), int(others[best])))
            overlap[:, best] = -1
    return pairs


def _ratio(part: int, whole: int) -> Optional[float]:
    return part / whole if whole else None


def _mean(values: Sequence[float]) -> Optional[float]:
    return float(np.mean(values)) if len(values) else None
