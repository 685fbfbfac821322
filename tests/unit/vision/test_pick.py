"""pick: candidates against a slow reading of the contract, by hand and over every dense head."""

import math
import warnings
from typing import Any, Dict, List, NamedTuple, Tuple

import numpy as np
import pytest

from app.vision import decode
from app.vision.decode import DECODERS, Head
from app.vision.found import MOST, Found
from app.vision.pick import Level, Picked, Plan, View, pick

SIZE = (320, 256)  # wide, high: strides 8, 16, 32, 64 make 1280, 320, 80, 20 cells
CELLS = 1280 + 320 + 80
NAN = math.nan
INF = math.inf


class Shaped(NamedTuple):
    decoder: str
    shapes: Dict[str, Tuple[int, ...]]  # by role, for one picture

    def batch(self, pictures: int) -> Dict[str, Tuple[int, ...]]:
        return {role: (pictures,) + shape for role, shape in self.shapes.items()}


def split(bins: int, *strides: int) -> Dict[str, Tuple[int, ...]]:
    shapes: Dict[str, Tuple[int, ...]] = {}
    for stride in strides:
        rows = (SIZE[0] // stride) * (SIZE[1] // stride)
        shapes[f"scores_{stride}"] = (rows, 3)
        shapes[f"boxes_{stride}"] = (rows, 4 * bins)
    return shapes


HEADS = [
    Shaped("yolox", {"output": (CELLS, 8)}),
    Shaped("yolov5", {"output": (4000, 8)}),
    Shaped("yolov8", {"output": (7, CELLS)}),
    Shaped("yolov8", {"output": (CELLS, 7)}),
    Shaped("nanodet", split(11, 32, 8, 16)),  # in no useful order, as graphs list them
    Shaped("nanodet", {"output": (CELLS, 35)}),
    Shaped("nanodet_plus", {"output": (CELLS + 20, 35)}),
    Shaped("picodet", split(8, 8, 16, 32, 64)),
    Shaped("picodet", {"output": (CELLS, 35)}),
    Shaped("ssd", {"scores": (1900, 4), "boxes": (1900, 4)}),
    Shaped("rtdetr", {"output": (1900, 7)}),
    Shaped("detr_logits", {"logits": (700, 3), "boxes": (700, 4)}),
    Shaped("detr_softmax", {"logits": (1900, 4), "boxes": (1900, 4)}),
    Shaped("centerface", {"heat": (1, 64, 80), "size": (2, 64, 80), "offset": (2, 64, 80)}),
]
SHORT = ["end2end", "efficient_nms", "detr", "detr_unit", "ssd_tf"]
each_head = pytest.mark.parametrize("shaped", HEADS, ids=[head.decoder for head in HEADS])


def test_every_decoder_is_dense_or_short() -> None:
    assert {head.decoder for head in HEADS} == set(DECODERS) - set(SHORT)


def slowly(outputs: Dict[str, np.ndarray], plan: Plan, min_score: float, most: int) -> List[Picked]:
    """The contract, element by element."""
    pictures = []
    for picture in range(len(next(iter(outputs.values())))):
        flat = {role: array[picture].ravel().tolist() for role, array in outputs.items()}
        kept: List[Any] = []
        first = 0
        for level in plan.levels:
            for row in range(level.rows):
                values = [at(flat, level.scores, row, c) for c in range(level.classes + plan.rest)]
                class_id, score = best(values, level.classes, plan.activation)
                if level.objectness is not None:
                    objectness = at(flat, level.objectness, row, 0)
                    score = score * objectness if objectness >= np.float32(min_score) else NAN
                if np.isfinite(score) and score >= np.float32(min_score):
                    box_row = row // level.fan
                    box = [at(flat, v, box_row, c) for v, wide in level.boxes for c in range(wide)]
                    kept.append((first + row, class_id + row % level.fan, score, box))
            first += level.rows
        kept = sorted(sorted(kept, key=lambda one: (-one[2], one[0]))[:most])
        index, class_id, score, box = zip(*kept)
        pictures.append(Picked(*(np.array(column) for column in (index, class_id, score, box))))
    return pictures


def at(flat: Dict[str, List[float]], view: View, row: int, column: int) -> np.float32:
    place = view.first + row * view.down + column * view.across
    assert 0 <= place < len(flat[view.role])  # a kernel would read foreign memory
    return np.float32(flat[view.role][place])


def best(values: List[np.float32], classes: int, activation: str) -> Tuple[int, np.float32]:
    if any(map(math.isnan, values)):
        return 0, np.float32(NAN)
    class_id = values.index(max(values[:classes]))
    if activation == "sigmoid":
        return class_id, 1 / (1 + np.exp(-values[class_id]))
    if activation == "softmax":
        weights = np.exp(np.array(values) - max(values))
        return class_id, weights[class_id] / weights.sum()
    return class_id, values[class_id]


def random_outputs(shaped: Shaped, pictures: int, dtype: str) -> Dict[str, np.ndarray]:
    """Many ties, where arithmetic is exact; now and then what is no number; also below zero."""
    random = np.random.RandomState(pictures)
    outputs = {}
    for role, shape in shaped.batch(pictures).items():
        array = random.randint(-16, 17, shape) / 16
        if shaped.decoder == "detr_softmax":
            array = random.uniform(-1, 1, shape)
        bad = random.randint(0, 400, shape)
        for which, value in enumerate((NAN, INF, -INF)):
            array[bad == which] = value
        outputs[role] = array.astype(dtype)
    return outputs


@each_head
@pytest.mark.parametrize("dtype, pictures", [("float32", 3), ("float16", 1)])
@pytest.mark.parametrize("min_score, most", [(0.4, MOST), (0.3, 50)])
def test_every_head_as_the_contract_says(
    shaped: Shaped, dtype: str, pictures: int, min_score: float, most: int
) -> None:
    outputs = random_outputs(shaped, pictures, dtype)
    names = {role: f"name of {role}" for role in outputs}
    named = {names[role]: array for role, array in outputs.items()}
    shapes = {name: (-1,) + array.shape[1:] for name, array in named.items()}
    head = Head(shaped.decoder, names, SIZE, min_score, 0.5)
    plan = decode.plan(head, shapes)
    assert plan is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick = pick(outputs, plan, min_score, most)
        found = decode.find(named, head)
        picked = pick(outputs, plan, min_score)
        together = Picked(*(np.concatenate(columns) for columns in zip(*picked)))
        counts = np.array([len(picture.index) for picture in picked])
        also_found = decode.of_picked(together, counts, head, shapes)
    assert len(also_found) == pictures
    with np.errstate(all="ignore"):
        slow = slowly(outputs, plan, min_score, most)
    assert len(quick) == len(slow) == len(found) == pictures
    for one, other in zip(quick, slow):
        assert_typed(one, plan.width)
        assert one.index.tolist() == other.index.tolist()
        assert one.class_id.tolist() == other.class_id.tolist()
        assert np.allclose(one.score, other.score, rtol=1e-6, atol=0)
        assert np.array_equal(np.nan_to_num(one.box), np.nan_to_num(other.box))
    for whole, few in zip(found, also_found):
        assert all(np.array_equal(*columns) for columns in zip(whole, few))
        assert len(whole.score)


def assert_typed(picked: Picked, width: int) -> None:
    assert picked.index.dtype == picked.class_id.dtype == np.int32
    assert picked.score.dtype == picked.box.dtype == np.float32
    assert picked.box.shape == (len(picked.score), width)


def test_more_candidates_than_kept_are_among_the_heads() -> None:
    shaped = HEADS[2]
    plan = DECODERS["yolov8"].dense.plan(shaped.batch(1), SIZE)
    assert len(pick(random_outputs(shaped, 1, "float32"), plan, 0.4, 10**6)[0].score) > MOST


def by_hand(rows: List[List[float]], activation: str = "none", **level: Any) -> Tuple[Any, Plan]:
    """Rows of class scores, and a box column that holds the row's number."""
    table = np.array([row + [number] for number, row in enumerate(rows)], np.float32)
    down = table.shape[1]
    boxes = ((View("x", down - 1, down, 1), 1),)
    rest = level.pop("rest", 0)
    classes = level.pop("classes", down - 1 - rest)
    one = Level(len(rows), View("x", level.pop("first", 0), down, 1), classes, boxes, **level)
    return {"x": table[np.newaxis]}, Plan((one,), 1, activation, rest)


@pytest.mark.parametrize(
    "rows, index, class_id, score",
    [
        ([[0.1, 0.2]], [], [], []),
        ([[0.1, 0.5], [0.6, 0.2]], [0, 1], [1, 0], [0.5, 0.6]),
        ([[0.5, 0.5]], [0], [0], [0.5]),  # the first of equals
        ([[NAN, 0.5], [0.5, NAN], [0.5, -INF]], [2], [0], [0.5]),
        ([[INF, 0.5], [3e38, 0.5]], [1], [0], [3e38]),
        ([[0.3, 0], [0.29999, 0]], [0], [0], [0.3]),  # a floor, itself enough
        ([[0.5, 0], [0.7, 0], [0.5, 0], [0.7, 0], [0.5, 0]], [0, 1, 3], [0] * 3, [0.5, 0.7, 0.7]),
    ],
)
def test_by_hand(rows: Any, index: Any, class_id: Any, score: Any) -> None:
    outputs, plan = by_hand(rows)
    (picked,) = pick(outputs, plan, 0.3, 3)
    assert_typed(picked, 1)
    assert (picked.index.tolist(), picked.class_id.tolist()) == (index, class_id)
    assert picked.score.tolist() == pytest.approx(score)
    assert picked.box[:, 0].tolist() == index


def test_objectness_counts_alone_as_well() -> None:
    rows = [[0.5, 0.8], [0.2, 9], [-1, -1], [0.9, NAN], [NAN, 0.9], [INF, 0.0]]
    outputs, plan = by_hand(rows, objectness=View("x", 0, 3, 1), first=1, classes=1)
    (picked,) = pick(outputs, plan, 0.3)
    assert picked.index.tolist() == [0] and picked.score.tolist() == pytest.approx([0.4])


def test_a_fan_shares_its_box() -> None:
    logits = np.array([[[0, -9, 2], [NAN, 1, -9]]], np.float32)
    boxes = np.array([[[10], [20]]], np.float32)
    fan = Level(6, View("logits", 0, 1, 1), 1, ((View("boxes", 0, 1, 1), 1),), fan=3)
    (picked,) = pick({"logits": logits, "boxes": boxes}, Plan((fan,), 1, "sigmoid"), 0.5)
    assert picked.index.tolist() == [0, 2, 4] and picked.class_id.tolist() == [0, 2, 1]
    assert picked.box.ravel().tolist() == [10, 10, 20]


@pytest.mark.parametrize("min_score", [-1, 0, 1e-30, 0.3, 0.9995, 1 - 1e-7, 1, 1.1])
def test_a_sigmoid_keeps_what_reaches_the_score_afterwards(min_score: float) -> None:
    """What is sorted out before the sigmoid must be no more than what it would sort out."""
    values = np.concatenate([np.linspace(-100, 20, 5000), [NAN, INF, -INF]])
    outputs, plan = by_hand([[value] for value in values], "sigmoid")
    (picked,) = pick(outputs, plan, min_score, 10**6)
    with np.errstate(over="ignore"):
        score = 1 / (1 + np.exp(-values.astype(np.float32)))
    assert picked.index.tolist() == np.flatnonzero(score >= np.float32(min_score)).tolist()


def test_the_rest_of_a_softmax_is_no_class() -> None:
    rows = [[0, 1, 1], [5, 0, 9], [3, 0, NAN], [2, 0, INF], [2, 0, -INF]]
    outputs, plan = by_hand(rows, "softmax", rest=1)
    (picked,) = pick(outputs, plan, 0.3)
    assert picked.index.tolist() == [0, 4] and picked.class_id.tolist() == [1, 0]
    assert picked.score.tolist() == pytest.approx(
        [math.e / (1 + 2 * math.e), math.exp(2) / (1 + math.exp(2))]
    )


@each_head
def test_a_plan_depends_neither_on_the_batch_nor_on_the_order(shaped: Shaped) -> None:
    head = Head(shaped.decoder, {}, SIZE, 0.3, 0.5)
    turned = dict(reversed(list(shaped.batch(8).items())))
    assert decode.plan(head, shaped.batch(-1)) == decode.plan(head, turned)


@each_head
def test_there_is_no_plan_where_a_size_is_free(shaped: Shaped) -> None:
    for role, shape in shaped.batch(1).items():
        free = {**shaped.batch(1), role: shape[:-1] + (-1,)}
        assert decode.plan(Head(shaped.decoder, {}, SIZE, 0.3, 0.5), free) is None


@pytest.mark.parametrize("decoder", SHORT)
def test_there_is_no_plan_for_short_outputs(decoder: str) -> None:
    assert decode.plan(Head(decoder, {}, SIZE, 0.3, 0.5), {"output": (1, 300, 6)}) is None


@pytest.mark.parametrize(
    "decoder, shapes, told",
    [
        ("yolox", {"output": (1, 45, 8)}, "45 rows are no YOLOX grid"),
        ("yolov5", {"output": (1, 10)}, r"output is \(1, 10\) and not \(B, N, 5 \+ C\)"),
        ("yolov5", {"output": (1, 10, 5)}, "no column for a class"),
        ("yolov8", {"output": (1, 4, CELLS)}, "no column for a class"),
        ("nanodet", {"output": (1, 45, 112)}, "45 rows are no grid"),
        ("nanodet", {"heat": (1, 1), "size": (1, 1)}, "neither an output nor scores_S"),
        ("picodet", {"scores_8": (1, 1279, 3), "boxes_8": (1, 1279, 32)}, "has 1280 cells"),
        ("picodet", {"scores_8": (1, 1280, 3), "boxes_8": (1, 1279, 32)}, "boxes_8 1279"),
        ("picodet", {"scores_8": (1, 1280, 3), "boxes_8": (1, 1280, 33)}, "no multiple of 4"),
        ("ssd", {"scores": (1, 9, 3), "boxes": (1, 8, 4)}, r"boxes is \(1, 8, 4\)"),
        ("detr_logits", {"logits": (1, 9, 0), "boxes": (1, 9, 4)}, "no column for a class"),
        ("centerface", {"heat": (1, 1, 8, 8), "size": (1, 2, 8, 8), "offset": (1, 2, 8, 9)}, "off"),
    ],
)
def test_shapes_of_another_head_are_said(decoder: str, shapes: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        decode.plan(Head(decoder, {}, SIZE, 0.3, 0.5), shapes)


def test_no_rows_at_all() -> None:
    outputs = {"scores": np.zeros((2, 0, 4)), "boxes": np.zeros((2, 0, 4), np.float32)}
    found: List[Found] = decode.find(outputs, Head("ssd", {}, SIZE, 0.3, 0.5))
    assert [picture.xyxy.shape for picture in found] == [(0, 4), (0, 4)]
