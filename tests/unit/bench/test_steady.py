import numpy as np
import pytest

from app.bench.steady import Cut, cut


def noise(count, middle=10.0, seed=0):
    return middle + np.random.RandomState(seed).normal(0, 0.5, count)


def test_nothing_is_left_out_of_what_is_steady_from_the_start():
    found = cut(noise(500))
    assert found.steady and found.first <= 50


def test_a_slow_start_is_left_out():
    values = noise(500)
    values[:80] += np.linspace(40, 5, 80)
    found = cut(values)
    assert found.steady and 70 <= found.first <= 130


@pytest.mark.parametrize("late", [0, 1])
def test_the_later_of_several_counts(late):
    values = [noise(500, seed=1), noise(500, seed=2)]
    values[late][:80] += 30
    assert 75 <= cut(*values).first <= 130


def test_what_changes_to_the_end_is_not_steady():
    assert not cut(noise(500) + np.linspace(0, 40, 500)).steady


@pytest.mark.parametrize("count", [0, 1, 49])
def test_too_few_tell_nothing(count):
    assert cut(noise(count)) == Cut(0, False)


def test_what_never_varies_is_steady():
    assert cut(np.full(200, 33.3)) == Cut(0, True)


def test_one_stray_sample_in_the_second_half_is_no_warm_up():
    values = noise(500)
    values[400] = 500
    found = cut(values)
    assert found.steady and found.first <= 60
