"""mot: the scores that the tracker is judged by."""

import numpy as np
import pytest

from tests import mot

A, B, FAR = [0, 0, 10, 20], [100, 0, 110, 20], [300, 300, 310, 320]


def frame(**boxes):
    """t1=A: number 1 is at A."""
    ids = [int(name[1:]) for name in boxes]
    return np.array(ids, int), np.array(list(boxes.values()), float).reshape(-1, 4)


BOTH = frame(t1=A, t2=B)
SWAPPED = frame(t2=A, t1=B)


@pytest.mark.parametrize(
    "truth, found, missed, false, switches, idf1",
    [
        ([], [], 0, 0, 0, 0),
        ([frame()], [frame()], 0, 0, 0, 0),
        ([BOTH] * 4, [BOTH] * 4, 0, 0, 0, 1),
        ([BOTH] * 4, [SWAPPED] * 4, 0, 0, 0, 1),  # names are free
        ([BOTH] * 4, [frame()] * 4, 8, 0, 0, 0),
        ([frame()] * 4, [BOTH] * 4, 0, 8, 0, 0),
        ([BOTH] * 4, [frame(t1=FAR, t2=B)] * 4, 4, 4, 0, 0.5),
        ([BOTH] * 4, [BOTH] * 2 + [SWAPPED] * 2, 0, 0, 2, 0.5),
        ([BOTH] * 4, [BOTH] * 3 + [SWAPPED], 0, 0, 2, 0.75),
        # One that was not seen for a while, and comes back as another.
        ([frame(t1=A)] * 4, [frame(t5=A), frame(), frame(), frame(t6=A)], 2, 0, 1, 2 / 6),
    ],
)
def test_score(truth, found, missed, false, switches, idf1):
    got = mot.score(truth, found)
    assert (got.missed, got.false, got.switches) == (missed, false, switches)
    assert got.idf1 == pytest.approx(idf1)
    wrong = missed + false + switches
    assert got.mota == pytest.approx(1 - wrong / max(sum(len(ids) for ids, _ in truth), 1))


def test_half_an_overlap_is_enough():
    whole, half, less = [0, 0, 10, 20], [0, 0, 10, 10], [0, 0, 10, 9.9]
    assert mot.score([frame(t1=whole)], [frame(t1=half)]).missed == 0
    assert mot.score([frame(t1=whole)], [frame(t1=less)]).missed == 1


def test_a_pair_stays_while_it_overlaps():
    """Although another track comes nearer: it is false, and no switch."""
    off = [0, 0, 10, 14]
    found = [frame(t1=A), frame(t1=off, t2=A)]
    got = mot.score([frame(t1=A)] * 2, found)
    assert (got.false, got.switches) == (1, 0)


def test_two_that_were_given_one_track_in_turn():
    """Both claim it when they meet; one gets it."""
    truth = [frame(t1=A), frame(t2=A), frame(t1=A, t2=A)]
    got = mot.score(truth, [frame(t7=A)] * 3)
    assert (got.missed, got.false, got.switches) == (1, 0, 0)


def test_as_many_pairs_as_can_be():
    """The nearest pair alone would leave a truth without a track."""
    truth = frame(t1=[0, 0, 10, 10], t2=[0, 0, 10, 14])
    found = frame(t1=[0, 0, 10, 12], t2=[0, 0, 10, 6])
    assert mot.score([truth], [found]).missed == 0


def test_total():
    one = mot.score([BOTH] * 4, [BOTH] * 2 + [SWAPPED] * 2)
    other = mot.score([BOTH] * 4, [BOTH] * 4)
    both = mot.total([one, other])
    assert (both.truths, both.switches) == (16, 2)
    assert both.idf1 == pytest.approx(0.75)
