"""guess: names and shapes in, a decoder out, or a refusal that lists them."""

from typing import Any, Optional, Tuple

import pytest

from app.vision.clues import Hints
from app.vision.guess import Guess, guess
from app.vision.looks import UNIT_STRETCH
from app.vision.names import COCO, COCO_91
from app.vision.tensors import Tensor, shape_of

IMAGES = Tensor("images", (-1, 3, 416, 416), "float32")
SIZES = Tensor("orig_target_sizes", (-1, 2), "int64")
GRID, GRID4, ANCHORS = 3549, 3598, 3 * 3549  # cells of 416 x 416

TENSORFLOW = [
    ("detection_boxes:0", (1, 100, 4)),
    ("detection_classes:0", (1, 100)),
    ("detection_scores:0", (1, 100)),
    ("num_detections:0", (1,)),
]


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
        ("yolov5", 1, [("output", (1, ANCHORS, 6))]),
        ("yolox", 80, [("output", (1, GRID4, 85))]),
        ("end2end", None, [("output0", (1, 300, 6))]),
        ("nanodet_plus", 80, [("output", (1, GRID4, 112))]),
        ("nanodet_plus", 7, [("output", (1, GRID4, 39))]),
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
        ("detr_logits", 91, [("dets", (-1, 300, 4)), ("labels", (-1, 300, 91))]),
        ("detr_softmax", 91, [("logits", (-1, 100, 92)), ("pred_boxes", (-1, 100, 4))]),
        ("ssd_tf", None, TENSORFLOW),
        ("ssd_tf", None, TENSORFLOW + [("raw_detection_boxes", (1, 1917, 4))]),
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


@pytest.mark.parametrize(
    "decoder, shape, metadata",
    [
        ("yolov8", (-1, 84, -1), {}),
        ("yolov8", (-1, -1, -1), {}),
        ("yolov5", (-1, -1, 85), {}),
        ("yolov5", (1, 1234, 85), {}),
        ("rtdetr", (1, 300, 84), {}),
        ("rtdetr", (-1, 300, -1), {"description": "Ultralytics rtdetr-l model trained on COCO"}),
        ("yolov8", (-1, 84, -1), {"description": "Ultralytics YOLO trained on detrac.yaml"}),
        ("rtdetr", (1, 300, 6), {"description": "RT-DETR", "names": "['a', 'b']"}),
        ("end2end", (-1, 300, -1), {"end2end": "True"}),
        ("end2end", (1, 300, 6), {"names": "['a']"}),
        ("yolov5", (-1, -1, 6), {"names": "['a']"}),
        ("yolov8", (1, GRID, 6), {"names": "['a', 'b']"}),
        ("yolox", (1, GRID4, 40), {"names": str(["a"] * 35)}),
    ],
)
def test_names_in_the_metadata_tell(decoder: str, shape: Any, metadata: Any) -> None:
    """Where the number of classes is known, so is what else a row holds."""
    found = look(("output0", shape), metadata=dict({"names": str(list(COCO))}, **metadata))
    assert found.decoder == decoder
    assert found.look == UNIT_STRETCH or decoder != "rtdetr"


def test_names_that_fit_no_shape_are_no_reading() -> None:
    with pytest.raises(ValueError, match="no known reading"):
        look(("output0", (-1, 300, -1)), metadata={"names": str(list(COCO))})


def test_labels_tell_a_softmax() -> None:
    outputs = [("logits", (1, 100, 8)), ("boxes", (1, 100, 4))]
    assert look(*outputs).decoder == "detr_logits"
    assert look(*outputs, labels=("a",) * 8).decoder == "detr_logits"
    assert look(*outputs, labels=("a",) * 7).decoder == "detr_softmax"
    assert look(("logits", (1, 9, 92)), outputs[1]).labels == COCO_91
    assert COCO_91[:2] == ("N/A", "person") and COCO_91[90] == "toothbrush"


def test_efficient_nms_under_tensorflows_names() -> None:
    """NVIDIA's examples keep them, and count in whole numbers."""
    outputs = TENSORFLOW[:3] + [("num_detections", (1, 1), "int32")]
    assert look(*outputs).decoder == "efficient_nms"


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_whole_numbers_are_pixels(dtype: str) -> None:
    """Divided by 255, they were all 0."""
    found = look(("output0", (1, 84, GRID)), inputs=[IMAGES._replace(dtype=dtype)])
    assert (found.look.mean, found.look.std) == ((0,) * 3, (1,) * 3)


@pytest.mark.parametrize(
    "imgsz, size_wh",
    [("[320, 480]", (480, 320)), ("320", (320, 320)), ("[1]", (640, 640)), ("x", (640, 640))],
)
def test_a_free_size_is_the_metadatas(imgsz: str, size_wh: Any) -> None:
    free = IMAGES._replace(shape=(-1, 3, -1, -1))
    metadata = {"imgsz": imgsz, "names": "{0: 'a'}"}
    found = look(("output0", (-1, 5, -1)), inputs=[free], metadata=metadata)
    assert found.size_wh == size_wh
    fixed = look(("output0", (-1, 5, GRID)), metadata=metadata)
    assert fixed.size_wh == (416, 416)


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
        ((-1, 3, 480, -1), "nchw", (640, 480)),
        ((-1, -1, -1, 3), "nhwc", (640, 640)),
    ],
)
def test_shape_of(shape: Any, layout: str, size_wh: Any) -> None:
    assert shape_of(Tensor("images", shape, "float32")) == (layout, size_wh)


@pytest.mark.parametrize("inputs", [(), (SIZES,), (IMAGES, IMAGES)])
def test_one_picture_is_wanted(inputs: Any) -> None:
    with pytest.raises(ValueError, match="one picture input"):
        look(("prob", (1, 10)), inputs=inputs)
