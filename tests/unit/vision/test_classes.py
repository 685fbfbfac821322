"""classes: scores of whole pictures."""

import numpy as np
import pytest

from app.vision import classes


def test_logits_become_shares_and_shares_stay():
    rows = np.array([[0.25, 0.75], [np.log(1), np.log(3)], [0.9, 0.9], [800, -800]], np.float32)
    out = classes.probabilities(rows)
    assert out.dtype == np.float32
    even = [0.5, 0.5]
    np.testing.assert_allclose(out, [[0.25, 0.75], [0.25, 0.75], even, [1, 0]], atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 5), (2, 5, 1, 1), (2, 1, 1, 5)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_any_number_of_rows_of_any_form(shape, dtype):
    out = classes.probabilities(np.arange(10).reshape(shape).astype(dtype))
    powers = np.exp(np.arange(5))
    np.testing.assert_allclose(out, [powers / powers.sum()] * 2, rtol=1e-5)
    assert classes.probabilities(np.zeros((0, 5), dtype)).shape == (0, 5)


def test_half_precision_that_sums_to_nearly_one_is_left_alone():
    shares = np.random.RandomState(1).dirichlet(np.ones(1000), 3).astype(np.float16)
    assert (classes.probabilities(shares) == shares.astype(np.float32)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_never_best(bad):
    (scores,) = classes.probabilities(np.array([[bad, 1, 2]], np.float32))
    assert 0 not in classes.best(scores, 3, 0.0)


@pytest.mark.parametrize(
    "top, min_score, among, expected",
    [
        (5, 0.0, (), [3, 1, 2, 0]),  # equals in their order
        (2, 0.0, (), [3, 1]),
        (5, 0.2, (), [3, 1, 2]),
        (5, 0.9, (), []),
        (5, 0.0, (2, 0), [2, 0]),
        (1, 0.0, (0, 0, 2, 2), [2]),
    ],
)
def test_the_best_classes(top, min_score, among, expected):
    scores = np.array([0.1, 0.2, 0.2, 0.5], np.float32)
    assert classes.best(scores, top, np.float32(min_score), among).tolist() == expected
    assert classes.best(np.zeros(0, np.float32), top, min_score).tolist() == []
