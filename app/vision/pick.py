"""pick: the candidates of a dense head, by a plan that the CPU and a CUDA kernel both follow."""

from typing import List, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from app.vision.found import MOST, quiet, sigmoid

Outputs = Mapping[str, np.ndarray]  # by role, the batch first
Shapes = Mapping[str, Tuple[int, ...]]  # the same


class View(NamedTuple):
    """
    Where element (row, column) of one picture's part of an output lies, counted in elements:
    ``first + row * down + column * across``. Outputs are C-contiguous, the batch is their first
    axis, and no element outside the picture's part is ever named.
    """

    role: str
    first: int
    down: int
    across: int


class Level(NamedTuple):
    """
    One list of candidates. The class of a candidate is the first column that holds its largest
    value before activation; with fan > 1 (then classes is 1), ``candidate % fan`` is added to it.
    """

    rows: int  # candidates
    scores: View  # (rows, classes), and for a softmax the plan's ``rest`` columns after them
    classes: int
    boxes: Tuple[Tuple[View, int], ...]  # (view, width): raw columns side by side
    objectness: Optional[View] = None  # (rows, 1): multiplied in; alone at least min_score as well
    fan: int = 1  # candidates per box row: the box row of a candidate is candidate // fan


class Plan(NamedTuple):
    """How the candidates of one picture are found in the outputs of a network."""

    levels: Tuple[Level, ...]
    width: int  # raw box columns of a candidate
    activation: str = "none"  # of class scores: "none", "sigmoid" or "softmax"
    rest: int = 0  # softmax: columns after the classes that only add to the sum ("no object")


class Picked(NamedTuple):
    """One picture's candidates, ascending by index; the arrays belong to the caller."""

    index: np.ndarray  # (N,) int32: which candidate, counted over all levels in order
    class_id: np.ndarray  # (N,) int32
    score: np.ndarray  # (N,) float32
    box: np.ndarray  # (N, width) float32, as the network gave it


class _Scored(NamedTuple):
    row: np.ndarray  # within its level
    class_id: np.ndarray
    score: np.ndarray


@quiet
def pick(outputs: Outputs, plan: Plan, min_score: float, most: int = MOST) -> List[Picked]:
    """
    The candidates of each picture of outputs by role, (B, ...) of any number type, in float32.

    A candidate's score is its best class value after activation, times its objectness. Kept are
    finite scores of min_score or more, of these the ``most`` best, ties by lower index. A NaN
    among its class columns (a softmax: also the rest) or in its objectness drops a candidate.
    """
    whole = {role: np.ascontiguousarray(array) for role, array in outputs.items()}
    pictures = len(whole[plan.levels[0].scores.role])
    least = np.float32(min_score)
    return [
        _picture({role: array[row] for role, array in whole.items()}, plan, least, most)
        for row in range(pictures)
    ]


def axes(shapes: Shapes, role: str, meaning: str) -> Tuple[int, ...]:
    """The sizes behind the batch, as many as ``meaning`` names. Raises ValueError for others."""
    shape = tuple(shapes[role])
    if len(shape) != 1 + len(meaning.split(", ")):
        raise ValueError(f"{role} is {shape} and not (B, {meaning})")
    return shape[1:]


def _picture(outputs: Outputs, plan: Plan, min_score: np.float32, most: int) -> Picked:
    """Of outputs without the batch, C-contiguous."""
    scored = [_scored(outputs, level, plan, min_score) for level in plan.levels]
    picked, first = [], 0
    for level, part in zip(plan.levels, _best(scored, most)):
        index, class_id = (part.row + first).astype(np.int32), part.class_id.astype(np.int32)
        picked.append(Picked(index, class_id, part.score, _boxes(outputs, level, part.row)))
        first += level.rows
    return picked[0] if len(picked) == 1 else Picked(*map(np.concatenate, zip(*picked)))


def _scored(outputs: Outputs, level: Level, plan: Plan, min_score: np.float32) -> _Scored:
    """The candidates of one level that will do."""
    columns = _look(outputs, level.scores, level.rows, level.classes + plan.rest)
    if level.objectness is None:
        objectness = None
        kept = np.flatnonzero(_highest(columns) >= _floor(plan.activation, min_score))
    else:
        objectness = _look(outputs, level.objectness, level.rows, 1)[:, 0]
        objectness = np.asarray(objectness, np.float32)
        kept = np.flatnonzero(objectness >= min_score)
    few = np.asarray(columns[kept], np.float32)
    class_id = few[:, : level.classes].argmax(axis=1)
    score = few[np.arange(len(few)), class_id]
    if plan.activation == "sigmoid":
        score = sigmoid(score)
    elif plan.activation == "softmax":
        highest = few.max(axis=1)
        score = np.exp(score - highest) / np.exp(few - highest[:, np.newaxis]).sum(axis=1)
    if objectness is not None:
        score = objectness[kept] * score
    if level.fan > 1:
        class_id += kept % level.fan
    sure = np.flatnonzero((score >= min_score) & np.isfinite(score))
    return _Scored(kept[sure], class_id[sure], score[sure])


def _look(outputs: Outputs, view: View, rows: int, columns: int) -> np.ndarray:
    """The (rows, columns) that a view names, in place."""
    output = outputs[view.role]
    if rows == 0:
        return np.empty((0, columns), output.dtype)
    size = output.itemsize
    strides = (view.down * size, view.across * size)
    return np.ndarray((rows, columns), output.dtype, output, view.first * size, strides)


def _highest(columns: np.ndarray) -> np.ndarray:
    """The largest value of each row, NaN where one is NaN."""
    columns = np.asarray(columns, np.float32)
    if columns.shape[1] == 1:  # many times faster than a maximum over one
        return columns[:, 0]
    return np.asarray(columns.max(axis=1))


def _floor(activation: str, min_score: np.float32) -> np.float32:
    """A value below which, before activation, no candidate reaches min_score."""
    if activation == "none":
        return min_score
    if activation == "softmax" or min_score <= 0:
        return np.float32(-np.inf)
    likely = min(float(min_score), 0.999)  # float32 rounds to 1 what is beyond
    return np.float32(np.log(likely / (1 - likely)) - 1e-3)


def _best(scored: List[_Scored], most: int) -> List[_Scored]:
    """The ``most`` best of all levels together; of equals, the first."""
    excess = sum(len(part.score) for part in scored) - most
    if excess <= 0:
        return scored
    score = np.concatenate([part.score for part in scored])
    least = np.partition(score, excess)[excess]
    kept = score > least
    kept[np.flatnonzero(score == least)[: most - np.count_nonzero(kept)]] = True
    ends = np.cumsum([len(part.score) for part in scored])
    return [
        _Scored(*(column[own] for column in part))
        for part, own in zip(scored, np.split(kept, ends[:-1]))
    ]


def _boxes(outputs: Outputs, level: Level, row: np.ndarray) -> np.ndarray:
    """(N, width) float32 raw box columns of candidates of one level."""
    if level.fan > 1:
        row = row // level.fan
    looks = [_look(outputs, view, level.rows // level.fan, width) for view, width in level.boxes]
    if len(looks) == 1:
        return np.asarray(looks[0][row], np.float32)
    return np.concatenate([look[row] for look in looks], axis=1).astype(np.float32)
