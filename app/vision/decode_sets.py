"""decode_sets: heads that name their boxes outright: end-to-end YOLO, EfficientNMS, DETR, SSD."""

from typing import List, Mapping, NamedTuple, Tuple

import numpy as np

from app.vision.found import Found, found, from_centres, quiet, sigmoid, sure

Outputs = Mapping[str, np.ndarray]


class _Best(NamedTuple):
    """The rows that will do, with the score and number of the best class of each."""

    index: np.ndarray
    score: np.ndarray
    class_id: np.ndarray


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


@quiet
def detr_logits(outputs: Outputs, input_wh: Tuple[int, int], min_score: float) -> List[Found]:
    """Logits (B, Q, C), each class on its own, and boxes (B, Q, 4) cx, cy, w, h from 0 to 1."""
    size = np.array(input_wh * 2, np.float32)
    made = []
    for logits, boxes in zip(outputs["logits"], outputs["boxes"]):
        scores = sigmoid(logits)
        kept = sure(scores.reshape(-1), min_score)
        query, class_id = np.unravel_index(kept, scores.shape)
        boxes = np.asarray(boxes, np.float32)[query]
        made.append(found(from_centres(boxes) * size, scores[query, class_id], class_id))
    return made


@quiet
def detr_softmax(outputs: Outputs, input_wh: Tuple[int, int], min_score: float) -> List[Found]:
    """
    Logits (B, Q, C + 1), the last for "no object", and boxes (B, Q, 4) cx, cy, w, h from 0 to 1:
    facebookresearch/detr, models/detr.py, PostProcess.
    """
    size = np.array(input_wh * 2, np.float32)
    made = []
    for logits, boxes in zip(outputs["logits"], outputs["boxes"]):
        logits = np.asarray(logits, np.float32)
        weight = np.exp(logits - logits.max(axis=1, keepdims=True))
        best = _best(weight[:, :-1] / weight.sum(axis=1, keepdims=True), min_score)
        xyxy = from_centres(np.asarray(boxes, np.float32)[best.index]) * size
        made.append(found(xyxy, best.score, best.class_id))
    return made


@quiet
def rtdetr(outputs: Outputs, input_wh: Tuple[int, int], min_score: float) -> List[Found]:
    """
    (B, Q, 4 + C): cx, cy, w, h from 0 to 1, class scores. Already free of doubles:
    ultralytics/models/rtdetr/predict.py.
    """
    size = np.array(input_wh * 2, np.float32)
    made = []
    for rows in outputs["output"]:
        best = _best(rows[:, 4:], min_score)
        xyxy = from_centres(np.asarray(rows[best.index, :4], np.float32)) * size
        made.append(found(xyxy, best.score, best.class_id))
    return made


@quiet
def ssd(outputs: Outputs, input_wh: Tuple[int, int], min_score: float) -> List[Found]:
    """Scores (B, N, 1 + C), background first, and boxes (B, N, 4) xyxy from 0 to 1."""
    size = np.array(input_wh * 2, np.float32)
    made = []
    for scores, boxes in zip(outputs["scores"], outputs["boxes"]):
        best = _best(scores[:, 1:], min_score)
        made.append(found(boxes[best.index] * size, best.score, best.class_id))
    return made


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


def _best(scores: np.ndarray, min_score: float) -> _Best:
    """Of scores (N, C)."""
    kept = sure(scores.max(axis=1), min_score)
    few = scores[kept]
    class_id = few.argmax(axis=1)
    return _Best(kept, few[np.arange(len(few)), class_id], class_id)
