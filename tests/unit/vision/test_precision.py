"""test_precision: by hand, and against the definition's own code on real pictures' truth."""

import contextlib
import io
import json

import numpy as np
import pytest

from app.vision.found import Found
from app.vision.precision import Precision, Truth, average_precision
from tests.data import data

NOTHING = (None, None, 0, 0)
HERE, THERE, ELSE = (0, 0, 10, 10), (100, 0, 110, 10), (200, 0, 210, 10)


def truth(*rows):
    """What is in one picture from (xyxy, class_id, crowd)."""
    boxes, classes, crowd = zip(*rows) if rows else ((), (), ())
    return Truth(
        np.array(boxes, float).reshape(-1, 4), np.array(classes, int), np.array(crowd, bool)
    )


def found(*rows):
    """What was found in one picture from (xyxy, score, class_id)."""
    boxes, scores, classes = zip(*rows) if rows else ((), (), ())
    return Found(np.array(boxes, float).reshape(-1, 4), np.array(scores), np.array(classes, int))


def one(made, expected):
    assert made[:2] == tuple(pytest.approx(value, abs=1e-9) for value in expected)


def test_nothing():
    assert average_precision([], []) == Precision(*NOTHING)
    assert average_precision([truth()], [found((HERE, 0.9, 0))]) == Precision(None, None, 1, 0)
    crowd_alone = [truth((HERE, 0, True))]
    assert average_precision(crowd_alone, [found((HERE, 0.9, 0))]) == Precision(None, None, 1, 0)
    with pytest.raises(ValueError, match="1 pictures with truth, 0 with boxes"):
        average_precision([truth()], [])


def test_all_found_none_found():
    one(average_precision([truth((HERE, 0, False))], [found((HERE, 0.3, 0))]), (1, 1))
    one(average_precision([truth((HERE, 0, False))], [found()]), (0, 0))
    one(average_precision([truth((HERE, 0, False))], [found((HERE, 0.3, 1))]), (0, 0))


def test_half_found():
    """Recall 0.5 covers 51 of the 101 points: 0, 0.01, ... 0.5."""
    both = [truth((HERE, 0, False), (THERE, 0, False))]
    one(average_precision(both, [found((HERE, 0.9, 0))]), (51 / 101, 51 / 101))


def test_a_wrong_box_costs_by_its_score():
    wanted = [truth((HERE, 0, False), (THERE, 0, False))]
    first = [found((ELSE, 0.9, 0), (HERE, 0.8, 0), (THERE, 0.7, 0))]
    last = [found((HERE, 0.9, 0), (THERE, 0.8, 0), (ELSE, 0.7, 0))]
    middle = [found((HERE, 0.9, 0), (ELSE, 0.8, 0), (THERE, 0.7, 0))]
    one(average_precision(wanted, first), (2 / 3, 2 / 3))
    one(average_precision(wanted, last), (1, 1))
    expected = (51 + 50 * 2 / 3) / 101
    one(average_precision(wanted, middle), (expected, expected))


def test_an_iou_counts_up_to_its_threshold():
    """8 of 12 pixels shared, 0.667: right at .50, .55, .60 and .65, wrong at six others."""
    made = average_precision([truth((HERE, 0, False))], [found(((2, 0, 12, 10), 0.9, 0))])
    one(made, (0.4, 1))


def test_a_second_box_for_one_object_is_wrong():
    wanted = [truth((HERE, 0, False), (THERE, 0, False))]
    twice = [found((HERE, 0.9, 0), (HERE, 0.8, 0), (THERE, 0.7, 0))]
    expected = (51 + 50 * 2 / 3) / 101
    one(average_precision(wanted, twice), (expected, expected))


def test_what_is_found_in_a_crowd_is_ignored():
    """A crowd takes any number of boxes that lie in it, but none that is right by itself."""
    wanted = [truth(((0, 0, 200, 100), 0, True), (HERE, 0, False))]
    boxes = [found((THERE, 0.9, 0), ((150, 50, 160, 60), 0.8, 0), (HERE, 0.7, 0))]
    one(average_precision(wanted, boxes), (1, 1))
    assert average_precision(wanted, boxes).boxes == 1


def test_the_mean_is_over_classes_with_truth():
    wanted = [truth((HERE, 0, False)), truth((HERE, 3, False))]
    boxes = [found((HERE, 0.9, 0), (HERE, 0.9, 7)), found()]
    assert average_precision(wanted, boxes) == Precision(0.5, 0.5, 2, 2)


def test_only_the_best_hundred_of_a_class_count():
    noise = [((300 + n, 300, 310 + n, 310), 0.5, 0) for n in range(100)]
    wanted = [truth((HERE, 0, False))]
    one(average_precision(wanted, [found(*noise, (HERE, 0.1, 0))]), (0, 0))
    one(average_precision(wanted, [found(*noise[1:], (HERE, 0.1, 0))]), (0.01, 0.01))


@pytest.mark.parametrize("seed, jitter", [(1, 0.02), (2, 0.1), (3, 0.3)])
def test_as_pycocotools_on_real_truth(seed, jitter):
    """Found: the truth moved by part of its size, some of it lost, some invented, some twice."""
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    path = data("images", "coco_val2017_64", "instances.json")
    said = json.loads(path.read_text())
    truths, boxes = [], []
    random = np.random.RandomState(seed)
    for picture in said["images"]:
        rows = [row for row in said["annotations"] if row["image_id"] == picture["id"]]
        truths.append(_truth(rows))
        boxes.append(_jittered(truths[-1], random, jitter))
    results = [
        {"image_id": picture["id"], "category_id": int(c), "score": float(s), "bbox": _xywh(b)}
        for picture, each in zip(said["images"], boxes)
        for b, s, c in zip(*each)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = coco.COCO(str(path))
        scorer = cocoeval.COCOeval(theirs, theirs.loadRes(results), "bbox")
        scorer.evaluate()
        scorer.accumulate()
        scorer.summarize()
    made = average_precision(truths, boxes)
    assert 0.01 < made.ap < 0.99 and made.boxes == sum(
        not r["iscrowd"] for r in said["annotations"]
    )
    assert made.ap == pytest.approx(scorer.stats[0], abs=1e-9)
    assert made.ap50 == pytest.approx(scorer.stats[1], abs=1e-9)


def _truth(rows):
    box = np.array([row["bbox"] for row in rows], float).reshape(-1, 4)
    box[:, 2:] += box[:, :2]
    classes = np.array([row["category_id"] for row in rows], int)
    return Truth(box, classes, np.array([row["iscrowd"] for row in rows], bool))


def _jittered(true, random, jitter):
    rows = np.repeat(np.arange(len(true.xyxy)), random.randint(0, 4, len(true.xyxy)))
    size = true.xyxy[rows, 2:] - true.xyxy[rows, :2]
    moved = true.xyxy[rows] + random.normal(0, jitter, (len(rows), 4)) * np.tile(size, 2)
    keep = (moved[:, 2:] > moved[:, :2]).all(axis=1)
    classes = true.class_id[rows]
    strange = random.uniform(size=len(rows)) < 0.1
    classes[strange] = random.choice(true.class_id, strange.sum()) if strange.any() else 0
    return Found(moved[keep], random.uniform(0.01, 1, len(rows))[keep], classes[keep])


def _xywh(box):
    return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]
