"""histogram: how large a tensor's values get, in memory that does not grow, and where to cut."""

from typing import NamedTuple, Optional

import numpy as np

BINS = 2048
_LEVELS = 128  # that INT8 can tell apart on one side of 0
_LEAST = 1e-30  # smaller ones count as 0
_STRIDE = 8  # of the cuts that ``entropy`` tries


class Histogram(NamedTuple):
    """How many magnitudes fall in each of BINS equal parts of 0 to ``limit``."""

    counts: np.ndarray  # (BINS,) int64
    limit: float
    peak: float  # the largest magnitude seen, exactly


def added(histogram: Optional[Histogram], values: np.ndarray) -> Histogram:
    """
    The histogram with the magnitudes of an array of any shape, float, counted in; NaN and infinity
    are left out. Larger values than before make the bins wider, never more.
    """
    sizes = np.abs(values).ravel()
    peak = float(sizes.max()) if sizes.size else 0.0
    if not np.isfinite(peak):
        sizes = sizes[np.isfinite(sizes)]
        peak = float(sizes.max()) if sizes.size else 0.0
    before = histogram or Histogram(np.zeros(BINS, np.int64), 0.0, 0.0)
    counts, limit = before.counts, before.limit or max(peak, _LEAST)
    while limit < peak:
        counts = np.append(counts.reshape(-1, 2).sum(axis=1), np.zeros(BINS // 2, np.int64))
        limit *= 2
    places = np.minimum(sizes * (BINS / limit), BINS - 1).astype(np.intp)
    return Histogram(counts + np.bincount(places, minlength=BINS), limit, max(before.peak, peak))


def percentile(histogram: Histogram, percent: float) -> float:
    """The magnitude that this many of 100 values stay below."""
    reached = np.cumsum(histogram.counts)
    place = int(np.searchsorted(reached, reached[-1] * (percent / 100)))
    return min(histogram.peak, histogram.limit * (place + 1) / BINS)


def entropy(histogram: Histogram) -> float:
    """
    The cut after which 128 levels say most of what the values said: least Kullback-Leibler
    divergence from the clipped histogram to itself in 128 levels, as in S. Migacz, "8-bit
    inference with TensorRT" (GTC 2017).
    """
    counts = histogram.counts.astype(np.float64)
    counts[0] = counts[1]  # zeros are exact at any scale
    if not counts.any():
        return histogram.peak
    cuts = np.arange(_LEVELS, BINS + 1, _STRIDE)
    best = int(cuts[np.argmin([_divergence(counts, int(cut)) for cut in cuts])])
    return min(histogram.peak, histogram.limit * best / BINS)


def _divergence(counts: np.ndarray, cut: int) -> float:
    kept = counts[:cut]
    clipped = kept.copy()
    clipped[-1] += counts[cut:].sum()
    level = np.arange(cut) * _LEVELS // cut
    sums = np.bincount(level, weights=kept, minlength=_LEVELS)
    used = np.bincount(level, weights=kept > 0, minlength=_LEVELS)
    coarse = np.where(kept > 0, (sums / np.maximum(used, 1))[level], 0)
    some = clipped > 0
    if (coarse[some] == 0).any():  # values beyond the cut, and none at it
        return float("inf")
    wanted, got = clipped[some] / clipped.sum(), coarse[some] / coarse.sum()
    return float(np.sum(wanted * np.log(wanted / got)))
