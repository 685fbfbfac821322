"""histogram: bounded bins, and cuts that can be told beforehand."""

import numpy as np
import pytest

from app.vision import histogram
from app.vision.histogram import BINS


def of(*arrays):
    found = None
    for array in arrays:
        found = histogram.added(found, np.asarray(array, np.float32))
    return found


NORMAL = np.random.RandomState(0).normal(size=(10, 100, 100))


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [1e-38, -1e-38]])
def test_next_to_nothing(values):
    found = of(values)
    assert found.counts.sum() == len(values)
    assert histogram.entropy(found) <= 1e-30
    assert histogram.percentile(found, 99.99) <= 1e-30


@pytest.mark.parametrize("first", [0.0, 1e-7, 1.0])
def test_a_dark_picture_before_a_bright_one(first):
    """ONNX Runtime's histograms then take 20 million bins, of a width that suits the dark one."""
    found = of([first], [10.0, -20.0, 5.0])
    assert len(found.counts) == BINS and found.counts.sum() == 4
    assert found.peak == 20.0 and 20.0 <= found.limit < 40.0 + first
    assert histogram.percentile(found, 100) == 20.0


def test_order_and_parts_move_a_cut_by_little():
    """The first picture settles how wide bins are, up to a factor of 2."""
    whole = of(NORMAL)
    for parts in (of(*NORMAL), of(*NORMAL[::-1])):
        wanted = pytest.approx(histogram.percentile(whole, 99.9), abs=parts.limit / BINS * 2)
        assert histogram.percentile(parts, 99.9) == wanted
        assert histogram.entropy(parts) == pytest.approx(histogram.entropy(whole), rel=0.25)


@pytest.mark.parametrize("percent", [50, 90, 99.9, 100])
def test_percentile_as_numpy_has_it(percent):
    found = of(*NORMAL)
    wanted = np.percentile(np.abs(NORMAL), percent)
    assert histogram.percentile(found, percent) == pytest.approx(wanted, abs=2 * found.limit / BINS)


def test_entropy_cuts_off_one_outlier():
    cut = histogram.entropy(of(NORMAL, [30.0]))
    assert 2.5 < cut < 6


def test_entropy_keeps_what_is_spread_evenly():
    assert histogram.entropy(of(np.linspace(-3, 3, 100000))) == pytest.approx(3, rel=0.02)


def test_zeros_do_not_move_the_cut():
    """After a ReLU half of all values are 0, which any scale writes exactly."""
    positive = np.abs(NORMAL)
    mixed = of(positive, np.zeros(10 * positive.size))
    assert histogram.entropy(mixed) == histogram.entropy(of(positive))


def test_what_is_not_finite_is_left_out():
    found = of([1.0, np.nan, -np.inf, 2.0])
    assert found.counts.sum() == 2 and found.peak == 2.0
