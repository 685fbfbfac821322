"""found: what a decoder hands back, and the steps that all decoders end with."""

import functools
from typing import Any, Callable, NamedTuple, TypeVar

import numpy as np

MOST = 1000  # candidates kept per picture, best first: bounds what NMS may cost
FAR = 1e5  # pixels; no real corner lies further out, and areas stay finite

Anything = TypeVar("Anything")


class Found(NamedTuple):
    """Boxes of one picture, (N, 4) xyxy float32 in network pixels, with (N,) score and class_id."""

    xyxy: np.ndarray
    score: np.ndarray
    class_id: np.ndarray


NOTHING = Found(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int32))
for _column in NOTHING:
    _column.setflags(write=False)  # shared by every caller


def quiet(decode: Callable[..., Anything]) -> Callable[..., Anything]:
    """Let nan and infinity pass through the arithmetic: ``found`` drops what is not finite."""

    @functools.wraps(decode)
    def quietly(*arguments: Any) -> Anything:
        with np.errstate(over="ignore", invalid="ignore"):  # as a decorator only from numpy 1.17
            return decode(*arguments)

    return quietly


def found(xyxy: np.ndarray, score: np.ndarray, class_id: np.ndarray) -> Found:
    """The boxes that are boxes, best score first, at most MOST of them."""
    xyxy = np.asarray(xyxy, np.float32).reshape(-1, 4)
    rows = real(xyxy, score)
    rows = rows[np.argsort(-score[rows], kind="mergesort")[:MOST]]
    return Found(
        near(xyxy[rows]), np.asarray(score[rows], np.float32), np.asarray(class_id[rows], np.int32)
    )


def real(xyxy: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Indices of (N, 4) boxes with finite corners and an area, and with a finite score."""
    x1, y1, x2, y2 = xyxy.T
    ok = (x2 > x1) & (y2 > y1) & np.isfinite(score) & np.isfinite(xyxy).all(axis=1)
    return np.flatnonzero(ok)


def near(xyxy: np.ndarray) -> np.ndarray:
    """(N, 4) float32 boxes, their corners no further out than FAR."""
    return np.minimum(np.maximum(xyxy, -FAR), FAR)  # np.clip takes three times as long


def sure(score: np.ndarray, min_score: float) -> np.ndarray:
    """Indices of finite scores of min_score or more, the best MOST of them."""
    rows = np.flatnonzero((score >= min_score) & np.isfinite(score))
    if len(rows) > MOST:
        rows = rows[np.argpartition(-score[rows], MOST - 1)[:MOST]]
        rows.sort()
    return rows


def from_centres(cxcywh: np.ndarray) -> np.ndarray:
    """(N, 4) centre and size to (N, 4) xyxy."""
    half = cxcywh[:, 2:] * np.float32(0.5)
    return np.concatenate([cxcywh[:, :2] - half, cxcywh[:, :2] + half], axis=1)


def sigmoid(value: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-value)); the overflow at its low end gives the right answer, 0."""
    return np.asarray(1 / (1 + np.exp(-np.asarray(value, np.float32))))
