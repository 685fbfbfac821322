"""decode: every decoder against values worked out by hand, the empty answer first."""

import warnings
from typing import Any, Dict, List, NamedTuple, Tuple

import numpy as np
import pytest

from app.vision import decode
from app.vision.decode import DECODERS, Head
from app.vision.found import MOST, Found

SIZE = (64, 32)  # wide, high: strides 8, 16, 32 make 8x4 + 4x2 + 2x1 = 42 cells
CELLS = 42
LOW = -20.0  # a logit of nothing


class Case(NamedTuple):
    """Outputs of a batch of two: nothing in the first picture, one box in the second."""

    decoder: str
    outputs: Dict[str, np.ndarray]
    xyxy: Tuple[float, ...]
    score: float
    class_id: int


def zeros(*shape: int) -> np.ndarray:
    return np.zeros((2,) + shape, np.float32)


def yolox() -> Case:
    output = zeros(CELLS, 5 + 3)
    # cell 13 is column 5, row 1 at stride 8: centre ((5 + .5) * 8, (1 + .25) * 8), 16 x 8 pixels
    output[1, 13] = [0.5, 0.25, np.log(2), 0, 0.8, 0.1, 0.5, 0.2]
    return Case("yolox", {"output": output}, (36, 6, 52, 14), 0.4, 1)


def yolov5() -> Case:
    output = zeros(10, 5 + 3)
    output[1, 4] = [30, 20, 20, 10, 0.8, 0.1, 0.2, 0.5]
    return Case("yolov5", {"output": output}, (20, 15, 40, 25), 0.4, 2)


def yolov8() -> Case:
    output = zeros(4 + 3, CELLS)
    output[1, :, 4] = [30, 20, 20, 10, 0.1, 0.2, 0.5]
    return Case("yolov8", {"output": output}, (20, 15, 40, 25), 0.5, 2)


def yolov8_rows() -> Case:
    case = yolov8()
    return case._replace(outputs={"output": case.outputs["output"].transpose(0, 2, 1)})


def end2end() -> Case:
    output = zeros(5, 6)
    output[1, 3] = [20, 15, 40, 25, 0.5, 2]
    return Case("end2end", {"output": output}, (20, 15, 40, 25), 0.5, 2)


def efficient_nms() -> Case:
    boxes, scores, classes = zeros(5, 4), zeros(5) + 0.9, zeros(5).astype(np.int32)
    boxes[1, 0], scores[1, 0], classes[1, 0] = [20, 15, 40, 25], 0.5, 2
    count = np.array([[0], [1]], np.int32)  # what lies beyond is padding, high as it scores
    outputs = {"count": count, "boxes": boxes, "scores": scores, "classes": classes}
    return Case("efficient_nms", outputs, (20, 15, 40, 25), 0.5, 2)


def detr() -> Case:
    labels, boxes, scores = zeros(5).astype(np.int64), zeros(5, 4), zeros(5)
    labels[1, 3], boxes[1, 3], scores[1, 3] = 2, [20, 15, 40, 25], 0.5
    outputs = {"labels": labels, "boxes": boxes, "scores": scores}
    return Case("detr", outputs, (20, 15, 40, 25), 0.5, 2)


def detr_unit() -> Case:
    case = detr()
    case.outputs["boxes"][1, 3] = [0.25, 0.5, 0.5, 0.75]
    return case._replace(decoder="detr_unit", xyxy=(16, 16, 32, 24))


def detr_logits() -> Case:
    logits, boxes = zeros(5, 3) + LOW, zeros(5, 4)
    logits[1, 3, 2], boxes[1, 3] = 0, [0.5, 0.5, 0.25, 0.5]
    return Case("detr_logits", {"logits": logits, "boxes": boxes}, (24, 8, 40, 24), 0.5, 2)


def ssd() -> Case:
    scores, boxes = zeros(5, 4), zeros(5, 4)
    scores[..., 0] = 0.9  # background
    scores[1, 3], boxes[1, 3] = [0.2, 0.1, 0.2, 0.5], [0.25, 0.5, 0.5, 0.75]
    return Case("ssd", {"scores": scores, "boxes": boxes}, (16, 16, 32, 24), 0.5, 2)


def ssd_tf() -> Case:
    boxes, scores, classes = zeros(5, 4), zeros(5) + 0.9, zeros(5) + 1
    boxes[1, 0], scores[1, 0], classes[1, 0] = [0.5, 0.25, 0.75, 0.5], 0.5, 3  # y first, from 1
    count = np.array([0, 1], np.float32)
    outputs = {"count": count, "boxes": boxes, "scores": scores, "classes": classes}
    return Case("ssd_tf", outputs, (16, 16, 32, 24), 0.5, 2)


def detr_softmax() -> Case:
    logits, boxes = zeros(5, 4) + LOW, zeros(5, 4)
    logits[..., 3] = 0  # no object
    logits[1, 3], boxes[1, 3] = [LOW, LOW, 3, 3], [0.5, 0.5, 0.25, 0.5]
    return Case("detr_softmax", {"logits": logits, "boxes": boxes}, (24, 8, 40, 24), 0.5, 2)


def rtdetr() -> Case:
    output = zeros(5, 4 + 3)
    output[1, 3] = [0.5, 0.5, 0.25, 0.5, 0.1, 0.2, 0.5]
    return Case("rtdetr", {"output": output}, (24, 8, 40, 24), 0.5, 2)


def nanodet() -> Case:
    outputs = {}
    for stride, count in ((8, 32), (16, 8), (32, 2)):
        outputs[f"scores_{stride}"] = zeros(count, 3)
        outputs[f"boxes_{stride}"] = zeros(count, 4 * 11)
    outputs["scores_16"][1, 5] = [0.1, 0.2, 0.5]  # column 1, row 1: centre 1 * 16 + 7.5
    outputs["boxes_16"][1, 5].reshape(4, 11)[range(4), [0, 1, 1, 0]] = 50  # sure of these bins
    return Case("nanodet", outputs, (23.5, 7.5, 39.5, 23.5), 0.5, 2)


def concatenated(decoder: str, centre: float) -> Case:
    output = zeros(CELLS, 3 + 4 * 8)
    output[1, 32 + 5, :3] = [0.1, 0.2, 0.5]
    output[1, 32 + 5, 3:].reshape(4, 8)[range(4), [0, 1, 1, 0]] = 50
    x = y = 16 + centre
    return Case(decoder, {"output": output}, (x, y - 16, x + 16, y), 0.5, 2)


def centerface() -> Case:
    heat, size, offset = zeros(1, 8, 16), zeros(2, 8, 16), zeros(2, 8, 16)
    heat[1, 0, 3, 5] = 0.5
    size[1, :, 3, 5] = np.log([2, 4])  # 8 high, 16 wide
    offset[1, :, 3, 5] = [0.5, 0.25]
    outputs = {"heat": heat, "size": size, "offset": offset}
    return Case("centerface", outputs, (15, 12, 31, 20), 0.5, 0)


CASES = [
    yolox(), yolov5(), yolov8(), yolov8_rows(), end2end(), efficient_nms(), detr(), detr_unit(),
    detr_logits(), detr_softmax(), rtdetr(), ssd(), ssd_tf(), nanodet(),
    concatenated("nanodet", 7.5), concatenated("picodet", 8), concatenated("nanodet_plus", 0),
    centerface(),
]  # fmt: skip
each_case = pytest.mark.parametrize("case", CASES, ids=[case.decoder for case in CASES])


def run(case: Case, outputs: Any = None, score: float = 0.3) -> List[Found]:
    found = DECODERS[case.decoder].decode(outputs or case.outputs, SIZE, score)
    for picture in found:
        assert picture.xyxy.dtype == np.float32 and picture.xyxy.shape == (len(picture.score), 4)
        assert picture.score.dtype == np.float32 and picture.class_id.dtype == np.int32
    return found


def test_every_decoder_has_a_case() -> None:
    assert {case.decoder for case in CASES} == set(DECODERS)


@each_case
def test_nothing_then_one_box(case: Case) -> None:
    nothing, one = run(case)
    assert nothing.xyxy.shape == (0, 4)
    assert np.allclose(one.xyxy, [case.xyxy], atol=1e-4)
    assert one.score.tolist() == pytest.approx([case.score])
    assert one.class_id.tolist() == [case.class_id]


@each_case
def test_no_picture_at_all(case: Case) -> None:
    empty = {role: array[:0] for role, array in case.outputs.items()}
    assert run(case, empty) == []


@each_case
def test_the_score_is_a_floor(case: Case) -> None:
    assert len(run(case, score=case.score - 1e-3)[1].score) == 1
    assert len(run(case, score=case.score + 1e-3)[1].score) == 0


@each_case
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, -3e38])
def test_what_is_no_number_is_no_box(case: Case, value: float) -> None:
    """A broken FP16 engine gives such outputs: no crash, no warning, nothing that is not finite."""
    outputs = {}
    for role, array in case.outputs.items():
        whole = np.issubdtype(array.dtype, np.integer)
        outputs[role] = array if whole else np.full_like(array, value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for picture in run(case, outputs):
            assert np.isfinite(picture.xyxy).all() and np.isfinite(picture.score).all()
            assert len(picture.score) <= MOST


@each_case
def test_one_bad_number_spoils_one_row_only(case: Case) -> None:
    outputs = {role: array.copy() for role, array in case.outputs.items()}
    for array in outputs.values():
        if array.dtype == np.float32:
            array[0].reshape(-1)[0] = np.nan
    assert len(run(case, outputs)[1].score) == 1


@each_case
def test_half_precision_outputs(case: Case) -> None:
    outputs = {
        role: array.astype(np.float16) if array.dtype == np.float32 else array
        for role, array in case.outputs.items()
    }
    one = run(case, outputs)[1]
    assert np.allclose(one.xyxy, [case.xyxy], atol=0.1)


def test_candidates_are_bounded_and_the_best() -> None:
    output = np.zeros((1, 6, 5000), np.float32)
    output[0, :4] = [[10], [10], [5], [5]]
    output[0, 4] = np.linspace(0.1, 0.9, 5000)
    case = yolov8()._replace(outputs={"output": output})
    found = run(case, score=0.0)[0]
    assert len(found.score) == MOST
    assert found.score[0] == np.float32(0.9) and found.score.min() > 0.7


def test_suppression_is_within_a_class() -> None:
    output = zeros(4 + 3, CELLS)
    for column, scores in ((4, [0.1, 0.2, 0.5]), (5, [0, 0, 0.6]), (6, [0.4, 0, 0])):
        output[1, :, column] = [30, 20, 20, 10] + scores
    head = Head("yolov8", {"output": "any name"}, SIZE, 0.3, 0.5)
    nothing, found = decode.find({"any name": output}, head)
    assert len(nothing.score) == 0
    assert found.class_id.tolist() == [2, 0]
    assert found.score.tolist() == pytest.approx([0.6, 0.4])


def test_suppression_is_skipped_where_the_network_did_it() -> None:
    output = zeros(2, 6)
    output[1] = [20, 15, 40, 25, 0.5, 2]
    assert len(decode.find({"o": output}, Head("end2end", {}, SIZE, 0.3, 0.5))[1].score) == 2


@pytest.mark.parametrize(
    "names, roles, bound",
    [
        (["x"], {}, {"output": "x"}),
        (["x"], {"heat": "x"}, {"heat": "x"}),
        (["scores", "boxes"], {}, {"scores": "scores", "boxes": "boxes"}),
        (["a", "b", "c"], {"scores": "b", "boxes": "a"}, {"scores": "b", "boxes": "a"}),
    ],
)
def test_bind(names: List[str], roles: Dict[str, str], bound: Dict[str, str]) -> None:
    arrays = {name: np.array([row]) for row, name in enumerate(names)}
    expected = {role: arrays[name] for role, name in bound.items()}
    assert decode.bind(arrays, roles) == expected


def test_a_grid_that_does_not_fit_is_said() -> None:
    with pytest.raises(ValueError, match="45 rows"):
        run(yolox(), {"output": zeros(45, 8)})
