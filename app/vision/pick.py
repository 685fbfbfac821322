"""pick: the candidates of a dense head, by a plan that the CPU and a CUDA kernel both follow."""

from typing import List, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from app.vision.found import MOST


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


def pick(
    outputs: Mapping[str, np.ndarray], plan: Plan, min_score: float, most: int = MOST
) -> List[Picked]:
    """
    The candidates of each picture of outputs by role, (B, ...) of any number type, in float32.

    A candidate's score is its best class value after activation, times its objectness. Kept are
    finite scores of min_score or more, of these the ``most`` best, ties by lower index. A NaN
    among its class columns (a softmax: also the rest) or in its objectness drops a candidate.
    """
    raise NotImplementedError
