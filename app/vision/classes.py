"""classes: what a classifier's outputs say of whole pictures."""

from typing import Sequence

import numpy as np

_EXACT = 0.01  # how far a sum may lie from 1: half precision, summed over 1000 classes


def probabilities(outputs: np.ndarray) -> np.ndarray:
    """
    (B, C) float32 from a classifier's (B, C) or (B, C, 1, 1): the softmax of each row, but of one
    that is a softmax already, within 0..1 and summing to 1. What is not finite stays so.
    """
    count = int(np.prod(outputs.shape[1:]))
    rows = np.asarray(outputs, np.float32).reshape(len(outputs), count)
    with np.errstate(over="ignore", invalid="ignore"):
        done = ((rows >= 0) & (rows <= 1)).all(axis=1) & (np.abs(rows.sum(axis=1) - 1) < _EXACT)
        powers = np.exp(rows - rows.max(axis=1, keepdims=True))
        shares = powers / powers.sum(axis=1, keepdims=True)
    return np.where(done[:, None], rows, shares)


def best(scores: np.ndarray, top: int, min_score: float, among: Sequence[int] = ()) -> np.ndarray:
    """
    Indices of the ``top`` best of (C,) scores that reach min_score, best first; ``among`` these
    alone, where any are given.
    """
    known = np.unique(among) if among else np.arange(len(scores))
    with np.errstate(invalid="ignore"):
        sure = known[scores[known] >= min_score]
    return np.asarray(sure[np.argsort(-scores[sure], kind="mergesort")[:top]])
