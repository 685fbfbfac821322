"""
steady: where a run's warm-up ends.

MSER-5: K. P. White Jr., "An effective truncation heuristic for bias reduction in simulation
output", Simulation 69(6), 1997. Of batches of five samples, leave out as many at the start as make
the standard error of the mean of the rest the smallest.
"""

from typing import NamedTuple

import numpy as np

BATCH = 5  # samples that one batch is the mean of
LEAST = 10  # batches, or nothing can be told


class Cut(NamedTuple):
    first: int  # sample that the steady part begins with
    steady: bool  # False: it was still changing in the second half, or there was too little of it


def cut(*series: np.ndarray) -> Cut:
    """Where all of these, (N,) each, of the same frames, have become steady."""
    cuts = [_of_one(np.asarray(one, np.float64)) for one in series]
    return Cut(max(one.first for one in cuts), all(one.steady for one in cuts))


def _of_one(values: np.ndarray) -> Cut:
    count = len(values) // BATCH
    if count < LEAST:
        return Cut(0, False)
    means = values[: count * BATCH].reshape(count, BATCH).mean(axis=1)
    means = np.clip(means, *np.percentile(means, (1, 99)))  # one stray batch is no trend
    scale = float(np.abs(means).max())
    means -= means.mean()
    left = np.arange(count, 0, -1)  # batches that are kept
    sums, squares = (np.cumsum(one[::-1])[::-1] for one in (means, means**2))
    spread = squares - sums**2 / left
    spread[spread < 1e-12 * count * scale**2] = 0.0  # what rounding leaves
    half = count // 2
    best = int(np.argmin(spread[: half + 1] / left[: half + 1] ** 2))
    return Cut(best * BATCH, best < half)
