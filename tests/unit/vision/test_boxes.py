"""boxes: overlap and suppression."""

from typing import List

import cv2
import numpy as np
import pytest

from app.vision import boxes
from app.vision.boxes import area, iou, nms, with_margin
from app.vision.found import real

A, B, C = [0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 30]


def array(rows: List[List[int]]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def test_area() -> None:
    assert area(array([])).shape == (0,)
    assert area(array([A, B])).tolist() == [100, 90]


def test_iou() -> None:
    assert iou(array([]), array([A])).shape == (0, 1)
    assert iou(array([A, C]), array([A, B])).tolist() == [[1, np.float32(0.9)], [0, 0]]


@pytest.mark.parametrize(
    "rows, scores, classes, kept",
    [
        ([], [], None, []),
        ([A], [0.5], None, [0]),
        ([A, B, C], [0.5, 0.9, 0.1], None, [1, 2]),
        ([A, B, C], [0.5, 0.9, 0.1], [0, 0, 0], [1, 2]),
        ([A, B, C], [0.5, 0.9, 0.1], [0, 1, 0], [1, 0, 2]),
        ([A, A, A], [0.5, 0.5, 0.5], None, [0]),
        ([A, A], [0.4, 0.5], [0, 10**6], [1, 0]),
    ],
)
def test_nms(rows, scores, classes, kept) -> None:
    class_id = None if classes is None else np.array(classes)
    found = nms(array(rows), np.array(scores, np.float32), 0.5, class_id)
    assert found.tolist() == kept


def test_nms_threshold_is_inclusive() -> None:
    """A box that overlaps by just the threshold stays."""
    half = [[0, 0, 10, 10], [0, 0, 10, 5]]
    assert len(nms(array(half), np.array([0.9, 0.8]), 0.5)) == 2
    assert len(nms(array(half), np.array([0.9, 0.8]), 0.49)) == 1


def test_nms_where_opencv_takes_whole_numbers_alone(monkeypatch) -> None:
    """As JetPack 4's; here its NMS is given whole numbers, to a 1/32 of a pixel."""
    monkeypatch.setattr(boxes, "_fractions", lambda: False)
    whole = []
    plain = cv2.dnn.NMSBoxes

    def asked(rows, *rest):
        whole.append(np.array(rows, float).reshape(-1, 4))
        assert np.array_equal(whole[-1], np.rint(whole[-1])) and np.abs(rows).max() < 2**31
        assert (whole[-1][:, 2] * whole[-1][:, 3]).max() * 2 < 2**31
        return plain(rows, *rest)

    monkeypatch.setattr(cv2.dnn, "NMSBoxes", asked)
    random = np.random.RandomState(0)
    for size, groups in ((1, 1), (30, 1), (600, 4), (1e5, 300)):
        corner = random.rand(100, 2) * size * 2
        rows = array(np.concatenate([corner, corner + size * (0.5 + random.rand(100, 2))], axis=1))
        scores, group = random.rand(100) + 0.01, random.randint(0, groups, 100)
        found = nms(rows, scores, 0.5, group)
        better = [found[:place] for place in range(len(found))]
        for row, before in zip(found, better):  # what is kept overlaps no better one of its own
            own = before[group[before] == group[row]]
            assert not len(own) or iou(rows[[row]], rows[own]).max() < 0.55
        for row in set(range(100)) - set(found.tolist()):  # what is not, does
            own = found[(group[found] == group[row]) & (scores[found] >= scores[row])]
            assert iou(rows[[row]], rows[own]).max() > 0.45
    assert whole[-1][:, 2:].max() > 2000, "as fine as it may be"


def test_boxes_without_an_area_never_come_so_far() -> None:
    """OpenCV's NMS takes two of them for one."""
    rows = array([A, [5, 5, 5, 5], [5, 5, 5, 9], [9, 5, 5, 9], B])
    assert real(rows, np.full(5, 0.5, np.float32)).tolist() == [0, 4]


def test_nms_chain() -> None:
    """A box pushed out does not push out another."""
    chain = [[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]]
    assert nms(array(chain), np.array([0.9, 0.8, 0.7]), 0.4).tolist() == [0, 2]


def test_nms_agrees_with_the_plain_way() -> None:
    random = np.random.RandomState(0)
    corner = random.rand(200, 2) * 50
    rows = np.concatenate([corner, corner + random.rand(200, 2) * 40 + 1], axis=1)
    scores = random.rand(200)
    order = np.argsort(-scores, kind="mergesort")
    kept: List[int] = []
    for row in order:
        if all(iou(rows[[row]], rows[[better]])[0, 0] <= 0.5 for better in kept):
            kept.append(int(row))
    assert nms(rows, scores, 0.5).tolist() == kept


@pytest.mark.parametrize(
    "box, margin, expected",
    [
        ((10, 20, 30, 60), 0.0, (10, 20, 30, 60)),
        ((10, 20, 30, 60), 0.5, (0, 0, 40, 80)),
        ((-50, 90, 500, 900), 0.1, (0, 9, 200, 100)),
        ((300, 300, 310, 310), 0.1, (199, 99, 200, 100)),
        ((5, 5, 5, 5), 0.1, (5, 5, 6, 6)),
    ],
)
def test_a_margin_stays_in_the_picture_and_leaves_a_pixel_at_least(box, margin, expected):
    grown = with_margin(np.array([box], np.float32), margin, (200, 100))
    np.testing.assert_allclose(grown, [expected], atol=1e-4)


def test_no_boxes_with_a_margin():
    assert with_margin(np.empty((0, 4), np.float32), 0.1, (200, 100)).shape == (0, 4)
