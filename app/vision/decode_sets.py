"""decode_sets: heads that name their boxes outright: end-to-end YOLO, EfficientNMS, DETR, SSD."""

from typing import List, Tuple

import numpy as np

from app.vision.found import Found, found, from_centres, quiet, sure
from app.vision.pick import Level, Outputs, Picked, Plan, Shapes, View, axes


@quiet
def end2end(outputs: Outputs, input_wh: Tuple[int, int], min_score: float) -> List[Found]:
    """(B, N, 6): x1, y1, x2, y2 in pixels, score, class. Already free of doubles."""
    made = []
    for rows in outputs["output"]:
        rows = rows[sure(rows[:, 4], min_score)]
        made.append(found(rows[:, :4], rows[:, 4], whole(rows[:, 5])))
    return made


@quiet
def efficient_nms(outputs: Outputs, input_wh: Tuple[int, int], min_score: float) -> List[Found]:
    """Count (B, 1), boxes (B, K, 4) in pixels, scores (B, K), classes (B, K); K is padding."""
    return [found(*columns) for columns in _counted(outputs, min_score)]


@quiet
def ssd_tf(outputs: Outputs, input_wh: Tuple[int, int], min_score: float) -> List[Found]:
    """
    Count (B,), boxes (B, K, 4) y1, x1, y2, x2 from 0 to 1, scores (B, K), classes (B, K) from 1:
    TensorFlow's models, research/object_detection/exporter.py.
    """
    size = np.array(input_wh * 2, np.float32)
    return [
        found(boxes[:, [1, 0, 3, 2]] * size, scores, np.maximum(classes, 1) - 1)
        for boxes, scores, classes in _counted(outputs, min_score)
    ]


@quiet
def detr(outputs: Outputs, input_wh: Tuple[int, int], min_score: float) -> List[Found]:
    """Labels (B, Q), boxes (B, Q, 4) xyxy in pixels, scores (B, Q)."""
    return _labelled(outputs, np.ones(4, np.float32), min_score)


@quiet
def detr_unit(outputs: Outputs, input_wh: Tuple[int, int], min_score: float) -> List[Found]:
    """As detr, with boxes from 0 to 1."""
    return _labelled(outputs, np.array(input_wh * 2, np.float32), min_score)


def detr_logits(shapes: Shapes, input_wh: Tuple[int, int]) -> Plan:
    """Logits (B, Q, C), each class on its own, and boxes (B, Q, 4) cx, cy, w, h from 0 to 1."""
    queries, classes = axes(shapes, "logits", "Q, C")
    every = Level(
        queries * classes, View("logits", 0, 1, 1), 1, _four(shapes, queries), fan=classes
    )
    return Plan((every,), 4, "sigmoid")


def detr_softmax(shapes: Shapes, input_wh: Tuple[int, int]) -> Plan:
    """
    Logits (B, Q, C + 1), the last for "no object", and boxes (B, Q, 4) cx, cy, w, h from 0 to 1:
    facebookresearch/detr, models/detr.py, PostProcess.
    """
    queries, width = axes(shapes, "logits", "Q, C + 1")
    logits = View("logits", 0, width, 1)
    return Plan((Level(queries, logits, width - 1, _four(shapes, queries)),), 4, "softmax", 1)


def rtdetr(shapes: Shapes, input_wh: Tuple[int, int]) -> Plan:
    """
    (B, Q, 4 + C): cx, cy, w, h from 0 to 1, class scores. Already free of doubles:
    ultralytics/models/rtdetr/predict.py.
    """
    queries, width = axes(shapes, "output", "Q, 4 + C")
    scores, box = View("output", 4, width, 1), View("output", 0, width, 1)
    return Plan((Level(queries, scores, width - 4, ((box, 4),)),), 4)


def ssd(shapes: Shapes, input_wh: Tuple[int, int]) -> Plan:
    """Scores (B, N, 1 + C), background first, and boxes (B, N, 4) xyxy from 0 to 1."""
    rows, width = axes(shapes, "scores", "N, 1 + C")
    return Plan((Level(rows, View("scores", 1, width, 1), width - 1, _four(shapes, rows)),), 4)


def unit_centres(picked: Picked, shapes: Shapes, input_wh: Tuple[int, int]) -> np.ndarray:
    """(N, 4) xyxy in pixels of centres and sizes from 0 to 1."""
    return from_centres(picked.box) * np.array(input_wh * 2, np.float32)


def unit_corners(picked: Picked, shapes: Shapes, input_wh: Tuple[int, int]) -> np.ndarray:
    """(N, 4) xyxy in pixels of xyxy from 0 to 1."""
    return picked.box * np.array(input_wh * 2, np.float32)


def whole(classes: np.ndarray) -> np.ndarray:
    """Class numbers as integers; what is no number counts as class 0."""
    if np.issubdtype(classes.dtype, np.integer):
        return classes
    number = np.where(np.isfinite(classes), classes, 0).astype(np.float32)
    return np.asarray(number.round().clip(0, 1 << 20).astype(np.int32))


def _labelled(outputs: Outputs, scale: np.ndarray, min_score: float) -> List[Found]:
    made = []
    for labels, boxes, scores in zip(outputs["labels"], outputs["boxes"], outputs["scores"]):
        kept = sure(scores, min_score)
        made.append(found(boxes[kept] * scale, scores[kept], whole(labels[kept])))
    return made


def _counted(outputs: Outputs, min_score: float) -> List[Found]:
    """What stands before the padding, the scores that will do."""
    made = []
    for row, count in enumerate(whole(np.asarray(outputs["count"]).reshape(-1))):
        boxes, scores, classes = (
            outputs[role][row][: max(0, count)] for role in ("boxes", "scores", "classes")
        )
        kept = sure(scores, min_score)
        made.append(Found(boxes[kept], scores[kept], whole(classes[kept])))
    return made


def _four(shapes: Shapes, rows: int) -> Tuple[Tuple[View, int], ...]:
    """Where "boxes" (B, rows, 4) lie. Raises ValueError where they are others."""
    if axes(shapes, "boxes", "N, 4") != (rows, 4):
        raise ValueError(f"boxes is {tuple(shapes['boxes'])} and not (B, {rows}, 4)")
    return ((View("boxes", 0, 4, 1), 4),)
