"""guess: names and shapes in, a decoder out, or a refusal that lists them."""

from typing import Any, Optional, Tuple

import pytest

from app.vision.clues import Hints
from app.vision.guess import Guess, guess
from app.vision.names import COCO
from app.vision.tensors import Tensor, shape_of

IMAGES = Tensor("images", (-1, 3, 416, 416), "float32")
SIZES = Tensor("orig_target_sizes", (-1, 2), "int64")
GRID, GRID4, ANCHORS = 3549, 3598, 3 * 3549  # cells of 416 x 416


def look(*outputs: Tuple[Any, ...], inputs: Any = (IMAGES,), **hints: Any) -> Guess:
    specs = tuple(Tensor(o[0], o[1], o[2] if len(o) > 2 else "float32") for o in outputs)
    return guess(tuple(inputs), specs, Hints(**hints))


@pytest.mark.parametrize(
    "decoder, classes, outputs",
    [
        (None, 1000, [("prob", (-1, 1000))]),
        ("yolox", 80, [("output", (-1, GRID, 85))]),
        ("yolox", 1, [("output", (-1, GRID, 6))]),
        ("yolov8", 80, [("output0", (-1, 84, GRID))]),
        ("yolov8", 80, [("output0", (-1, 84, GRID4))]),
        ("yolov8", 80, [("output0", (-1, GRID, 84))]),
        ("yolov8", 1, [("output0", (1, 5, GRID))]),
        ("yolov5", 80, [("output", (-1, ANCHORS, 85))]),
        (
            "yolov5",
            80,
            [("output", (1, ANCHORS, 85))] + [(str(n), (1, 3, n, n, 85)) for n in (52, 26, 13)],
        ),
        ("end2end", None, [("output0", (1, 300, 6))]),
        ("nanodet_plus", 80, [("output", (1, GRID4, 112))]),
        ("picodet", 80, [("output", (1, GRID, 112))]),
        (
            "efficient_nms",
            None,
            [
                ("num_dets", (-1, 1), "int32"),
                ("det_boxes", (-1, 100, 4)),
                ("det_scores", (-1, 100)),
                ("det_classes", (-1, 100), "int32"),
            ],
        ),
        (
            "detr_unit",
            None,
            [("labels", (-1, 300), "int64"), ("boxes", (-1, 300, 4)), ("scores", (-1, 300))],
        ),
        ("detr_logits", 80, [("logits", (-1, 300, 80)), ("pred_boxes", (-1, 300, 4))]),
        ("ssd", 1, [("scores", (1, 4420, 2)), ("boxes", (1, 4420, 4))]),
        (
            "centerface",
            1,
            [(str(n), (-1, c, -1, -1)) for n, c in ((537, 1), (538, 2), (539, 2), (540, 10))],
        ),
        (
            "nanodet",
            80,
            [(f"s{n}", (1, n, 80)) for n in (2704, 676, 169)]
            + [(f"b{n}", (1, n, 44)) for n in (169, 676, 2704)],
        ),
        (
            "picodet",
            80,
            [(f"s{n}", (1, n, 80)) for n in (2704, 676, 169, 49)]
            + [(f"b{n}", (1, n, 32)) for n in (2704, 676, 169, 49)],
        ),
    ],
)
def test_guess(decoder: Optional[str], classes: Optional[int], outputs: Any) -> None:
    found = look(*outputs)
    assert (found.decoder, found.classes) == (decoder, classes)
    assert found.reason
    assert found.labels == (COCO if classes == 80 and decoder else found.labels)


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [("a", (1, 2, 3, 4))],
        [("a", (1, 100, 7))],
        [("a", (-1, -1, -1))],
        [("a", (1, 10)), ("b", (1, 10))],
        [("output0", (1, 116, GRID)), ("output1", (1, 32, 104, 104))],
    ],
)
def test_a_stranger_is_refused_with_its_outputs(outputs: Any) -> None:
    with pytest.raises(ValueError) as raised:
        look(*outputs)
    assert all(output[0] in str(raised.value) for output in outputs)


def test_a_size_input_means_pixels() -> None:
    outputs = [("labels", (-1, 9), "int64"), ("boxes", (-1, 9, 4)), ("scores", (-1, 9))]
    assert look(*outputs, inputs=(IMAGES, SIZES)).decoder == "detr"


def test_roles_are_bound_whatever_the_order() -> None:
    outputs = [("x5", (1, 169, 44)), ("x2", (1, 169, 80))] + [
        (f"{letter}{n}", (1, n, width))
        for n in (676, 2704)
        for letter, width in (("s", 80), ("b", 44))
    ]
    assert look(*outputs).roles == {
        "scores_32": "x2", "boxes_32": "x5", "scores_16": "s676", "boxes_16": "b676",
        "scores_8": "s2704", "boxes_8": "b2704",
    }  # fmt: skip


def test_metadata_gives_labels_and_refuses_other_tasks() -> None:
    output = ("output0", (-1, 6, GRID))
    assert look(output, metadata={"names": "{1: 'b', 0: 'a'}"}).labels == ("a", "b")
    assert look(output, metadata={"names": "{1: "}).labels == ()
    with pytest.raises(ValueError, match="pose"):
        look(output, metadata={"task": "pose"})


def test_operators_tell_a_decoded_yolox() -> None:
    output = ("output", (-1, GRID, 85))
    assert look(output, operators=frozenset({"Exp"})).decoder == "yolov5"


@pytest.mark.parametrize(
    "shape, layout, size_wh",
    [
        ((1, 3, 240, 320), "nchw", (320, 240)),
        ((1, 240, 320, 3), "nhwc", (320, 240)),
        ((-1, 3, -1, -1), "nchw", (640, 640)),
        ((-1, -1, -1, 3), "nhwc", (640, 640)),
    ],
)
def test_shape_of(shape: Any, layout: str, size_wh: Any) -> None:
    assert shape_of(Tensor("images", shape, "float32")) == (layout, size_wh)


@pytest.mark.parametrize("inputs", [(), (SIZES,), (IMAGES, IMAGES)])
def test_one_picture_is_wanted(inputs: Any) -> None:
    with pytest.raises(ValueError, match="one picture input"):
        look(("prob", (1, 10)), inputs=inputs)
