import numpy as np
import pytest

from app.vision.agree import Agreement, TopAgreement, agreement, top_agreement
from app.vision.found import Found

LEFT, RIGHT = (0, 0, 10, 10), (100, 0, 110, 10)


def found(*rows):
    """Boxes of one picture from (xyxy, score, class_id)."""
    boxes, scores, classes = zip(*rows) if rows else ((), (), ())
    return Found(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array(classes, np.int32),
    )


def shifted(box, by):
    return (box[0] + by, box[1], box[2] + by, box[3])


NONE = found()
ONE = found((LEFT, 0.9, 0))

TABLE = {  # reference, candidate, (boxes, boxes, matched)
    "nothing": (NONE, NONE, (0, 0, 0)),
    "the same": (ONE, ONE, (1, 1, 2)),
    "lost": (ONE, NONE, (1, 0, 0)),
    "invented": (NONE, ONE, (0, 1, 0)),
    "another class": (ONE, found((LEFT, 0.9, 1)), (1, 1, 0)),
    "moved a little: IoU 8/12": (ONE, found((shifted(LEFT, 2), 0.9, 0)), (1, 1, 2)),
    "moved too far: IoU 6/14": (ONE, found((shifted(LEFT, 4), 0.9, 0)), (1, 1, 0)),
    "just below the threshold": (
        found((LEFT, 0.51, 0)),
        found((LEFT, 0.46, 0)),
        (1, 0, 1),
    ),
    "far below it": (found((LEFT, 0.51, 0)), found((LEFT, 0.44, 0)), (1, 0, 0)),
    "both below it": (found((LEFT, 0.49, 0)), found((LEFT, 0.48, 0)), (0, 0, 0)),
    "two ask for one": (
        found((LEFT, 0.9, 0), (shifted(LEFT, 1), 0.8, 0)),
        found((LEFT, 0.7, 0)),
        (2, 1, 2),
    ),
    "two of three": (
        found((LEFT, 0.9, 0), (RIGHT, 0.8, 1)),
        found((RIGHT, 0.8, 1)),
        (2, 1, 2),
    ),
}


@pytest.mark.parametrize("case", sorted(TABLE))
def test_boxes_of_one_picture(case):
    reference, candidate, (ours, theirs, matched) = TABLE[case]
    made = agreement([reference], [candidate], min_score=0.5)
    assert made[:4] == (1, ours, theirs, matched)
    if ours + theirs:
        assert made.share == matched / (ours + theirs)
    else:
        assert made.share is None


def test_nothing_to_compare_is_no_agreement():
    assert agreement([], [], 0.5) == Agreement(0, 0, 0, 0, None, None)
    assert agreement([ONE], [NONE], 0.5).mean_score_difference is None
    with pytest.raises(ValueError, match="1 pictures cannot be compared with 0"):
        agreement([ONE], [], 0.5)


def test_the_best_score_takes_the_box_nearest_to_it():
    """In the order of the rows, the second would have been left with nothing."""
    reference = found((LEFT, 0.6, 0), (shifted(LEFT, 3), 0.9, 0))
    candidate = found((shifted(LEFT, 3), 0.9, 0), (shifted(LEFT, -3), 0.6, 0))
    made = agreement([reference], [candidate], 0.5)
    assert made.matched == 4
    assert made.mean_score_difference == pytest.approx(0.0, abs=1e-6)


def test_the_score_difference_has_no_sign():
    reference = found((LEFT, 0.9, 0), (RIGHT, 0.6, 0))
    candidate = found((LEFT, 0.8, 0), (RIGHT, 0.7, 0))
    made = agreement([reference], [candidate], 0.5)
    assert made.mean_score_difference == pytest.approx(0.1, abs=1e-6)


def test_pictures_are_kept_apart():
    made = agreement([ONE, NONE], [NONE, ONE], 0.5)
    assert (made.pictures, made.matched, made.share) == (2, 0, 0.0)


def test_agreement_is_the_same_from_either_side():
    random = np.random.RandomState(3)
    sides = []
    for _ in range(2):
        corner = random.randint(0, 40, (20, 2))
        sides.append(
            Found(
                np.concatenate([corner, corner + 20], axis=1).astype(np.float32),
                random.uniform(0.3, 1, 20).astype(np.float32),
                random.randint(0, 2, 20),
            )
        )
    there, back = (agreement([a], [b], 0.5) for a, b in (sides, sides[::-1]))
    assert 0 < there.matched < there.reference_boxes + there.candidate_boxes
    assert (there.matched, there.share) == (back.matched, back.share)
    assert (there.reference_boxes, there.candidate_boxes) == back[2:0:-1]


TOPS = [  # reference, candidate, same, share, difference
    (np.empty((0, 3)), np.empty((0, 3)), 0, None, None),
    ([[0.1, 0.9]], [[0.2, 0.8]], 1, 1.0, 0.1),
    ([[0.1, 0.9]], [[0.9, 0.1]], 0, 0.0, 0.0),
    ([[0.1, 0.9], [0.6, 0.4]], [[0.4, 0.6], [0.4, 0.6]], 1, 0.5, 0.15),
    ([[0.1, 0.9], [0.6, 0.4]], [[np.nan, 0.6], [0.5, 0.5]], 1, 0.5, 0.1),
    ([[0.1, 0.9]], [[np.inf, 0.6]], 0, 0.0, None),
]


@pytest.mark.parametrize("reference, candidate, same, share, difference", TOPS)
def test_best_classes(reference, candidate, same, share, difference):
    made = top_agreement(np.array(reference), np.array(candidate))
    expected = None if difference is None else pytest.approx(difference)
    assert made == TopAgreement(len(reference), same, share, expected)


def test_scores_of_other_shapes_are_refused():
    for shape in ((1, 3), (2, 2), (4,), (2, 0)):
        with pytest.raises(ValueError, match="cannot be compared"):
            top_agreement(np.zeros((1, 2)), np.zeros(shape))


def test_a_half_precision_score_is_compared_in_full():
    """float16 near 1000 has steps of 0.5: the mean of differences must not be taken in it."""
    made = top_agreement(np.array([[1000.4, 0.0]]), np.array([[1000.4, 0.0]], np.float16))
    assert made.mean_score_difference == pytest.approx(0.1, abs=1e-6)
