"""test_gate: how far two networks agree on pictures, and what is made of it."""

import json

import numpy as np
import pytest

from app import gate
from app.device.backend import Network, TensorSpec
from app.errors import SourceError
from tests import stand_in
from tests.fake_backend import FakeBackend

LABELS = ("dark", "bright")


def boxes(*rows):
    """A detector's answer in YOLOv8's form, of (left, top, right, bottom, scores...)."""
    made = np.zeros((1, 6, 40), np.float32)
    for number, (left, top, right, bottom, *scores) in enumerate(rows):
        sides = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
        made[0, :, number] = sides + tuple(scores)
    return {"output": made}


MANY = [(column, row, column + 2, row + 2, 0.9, 0.1) for column in (0, 3, 6) for row in (0, 3)] + [
    (column, row, column + 1, row + 1, 0.2, 0.8) for column in (0, 3, 6) for row in (0, 3)
]


def shifted(rows, by=0.0, score=0.0):
    return [
        (a + by, b, c + by, d) + tuple(s + score for s in scores) for a, b, c, d, *scores in rows
    ]


def side(name, answer, **rest):
    """One that answers every picture alike."""
    backend = FakeBackend({"tiny": lambda tensor: answer})
    network = backend.load(stand_in.model("tiny.onnx", **rest))
    assert isinstance(network, Network)
    return gate.Side(name, backend, network._replace(outputs=(TensorSpec("output", (), ""),)))


def measured(ours, theirs, pictures, at_least=0.95, **rest):
    told = []
    report = gate.measure(
        side("fp16", ours, **rest), side("FP32", theirs, **rest), pictures, 0.5, at_least,
        lambda *what: told.append(what),
    )  # fmt: skip
    assert told == [("comparing with FP32", n + 1, len(pictures)) for n in range(len(pictures))]
    assert (report.accuracy.precision, report.accuracy.reference) == ("fp16", "FP32")
    return report


@pytest.fixture
def pictures(tmp_path):
    return stand_in.folder(tmp_path / "check", 3)


DETECTORS = {  # our answer -> (agreement, mean difference of scores, whether it passes)
    "the same": (MANY, 1.0, 0.0, True),
    "scores a little off": (shifted(MANY, score=-0.03), 1.0, 0.03, True),
    "moved a little": (shifted(MANY, by=0.1), 1.0, 0.0, True),
    "moved far": (shifted(MANY, by=40), 0.0, None, False),
    "a few lost": (MANY[1:], 22 / 23, 0.0, True),
    "many lost": (MANY[6:], 12 / 18, 0.0, False),
    "another class": ([row[:4] + row[:3:-1] for row in MANY], 0.0, None, False),
    "nothing at all": ([], 0.0, None, False),
}


@pytest.mark.parametrize("case", sorted(DETECTORS))
def test_detectors_agree_by_their_objects(pictures, case):
    ours, share, difference, passed = DETECTORS[case]
    report = measured(boxes(*ours), boxes(*MANY), pictures)
    assert report.accuracy.agreement == pytest.approx(share)
    assert report.accuracy.mean_score_difference == (
        None if difference is None else pytest.approx(difference, abs=1e-5)
    )
    assert report.passed is passed and report.accuracy.pictures == 3
    assert report.accuracy.verdict.endswith("kept" if passed else "refused")
    assert report.accuracy.ap is None


def test_the_level_that_is_asked_for_decides(pictures):
    for at_least, passed in ((0.9, True), (0.96, False)):
        assert measured(boxes(*MANY[1:]), boxes(*MANY), pictures, at_least).passed is passed


@pytest.mark.parametrize("rows", [[], MANY[:6]])
def test_what_sees_too_little_has_proven_nothing(pictures, rows):
    report = measured(boxes(*rows), boxes(*rows), pictures)
    assert report.passed is None
    assert report.accuracy.verdict == (
        f"only {3 * len(rows)} objects were seen in 3 pictures: nothing is proven"
    )


@pytest.mark.parametrize("flips, passed", [(False, True), (True, False)])
def test_classifiers_agree_by_their_best_class(tmp_path, flips, passed):
    paths = stand_in.folder(tmp_path / "check", gate.LEAST_SEEN)
    logits = np.array([[0.0, 3.0, 1.0]], np.float32)
    ours = logits[:, ::-1] if flips else logits + 0.01
    if flips:
        ours = np.array([[3.0, 0.0, 1.0]], np.float32)
    report = measured({"output": ours}, {"output": logits}, paths, decoder=None, labels=())
    assert report.passed is passed and report.accuracy.agreement == float(passed)
    few = measured({"output": ours}, {"output": logits}, paths[:5], decoder=None, labels=())
    assert few.passed is None and "only 5 pictures" in few.accuracy.verdict


def labelled(folder, paths, categories=2):
    """COCO's file, in which every picture shows MANY."""
    names = [path.rpartition("/")[2] for path in paths]
    document = {
        "images": [{"id": n, "file_name": name} for n, name in enumerate(names)],
        "categories": [{"id": n + 1, "name": str(n)} for n in range(categories)],
        "annotations": [
            {
                "id": 100 * n + k, "image_id": n,
                "category_id": 1 if scores[0] > 0.5 else categories,
                "bbox": [left, top, right - left, bottom - top], "iscrowd": 0,
            }
            for n in range(len(names))
            for k, (left, top, right, bottom, *scores) in enumerate(MANY)
        ],
    }  # fmt: skip
    (folder / "instances.json").write_text(json.dumps(document))


def test_with_labels_beside_the_pictures_ap_is_told_too(tmp_path, pictures):
    labelled(tmp_path / "check", pictures)
    report = measured(boxes(*MANY[3:]), boxes(*MANY), pictures)
    assert report.accuracy.ap_reference == pytest.approx(1.0)
    assert report.accuracy.ap == pytest.approx(0.75, abs=0.03)
    model = stand_in.model("tiny.onnx")
    assert gate.wanted(model, pictures).score == gate.FOR_AP


def test_labels_of_other_classes_or_pictures_are_not_taken(tmp_path, pictures):
    model = stand_in.model("tiny.onnx")
    assert gate.wanted(model, pictures).score == pytest.approx(0.45)
    labelled(tmp_path / "check", pictures, categories=90)
    assert gate.wanted(model, pictures).score == pytest.approx(0.45)
    assert measured(boxes(*MANY), boxes(*MANY), pictures).accuracy.ap is None
    labelled(tmp_path / "check", pictures[1:])
    assert measured(boxes(*MANY), boxes(*MANY), pictures).accuracy.ap is None
    low = stand_in.model("tiny.onnx", score=0.02)
    assert gate.wanted(low, pictures).score == pytest.approx(0.001)


def test_a_picture_that_cannot_be_read_is_one_line(tmp_path, pictures):
    with open(pictures[1], "wb") as file:
        file.write(b"no picture")
    with pytest.raises(SourceError, match="001.png: no picture that can be read. Take it out"):
        measured(boxes(*MANY), boxes(*MANY), pictures)
