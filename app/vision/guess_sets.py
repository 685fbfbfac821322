"""guess_sets: heads that name their boxes outright, told by names and shapes."""

from typing import Optional

from app.vision.clues import Head, Seen, axes, is_label, known, named
from app.vision.looks import IMAGENET, PIXELS, ULTRAFACE, UNIT_LETTERBOX, UNIT_STRETCH

_TENSORFLOW = {  # role -> name, as the exporter of TensorFlow's Object Detection API gives it
    "count": "num_detections",
    "boxes": "detection_boxes",
    "scores": "detection_scores",
    "classes": "detection_classes",
}


def tensorflow_lists(seen: Seen) -> Optional[Head]:
    by_name = {spec.name.split(":")[0]: spec for spec in seen.outputs}
    if not all(name in by_name for name in _TENSORFLOW.values()):
        return None
    if by_name["num_detections"].dtype.startswith("int"):
        return None  # EfficientNMS, in NVIDIA's examples under the same names
    roles = {role: by_name[name].name for role, name in _TENSORFLOW.items()}
    return Head(
        "ssd_tf", roles, PIXELS, None, "TensorFlow's four lists, boxes y, x, y, x 0..1: SSD"
    )


def four_lists(seen: Seen) -> Optional[Head]:
    counts = [spec for spec in seen.outputs if axes(spec) <= 2 and "num" in spec.name.lower()]
    boxes = [spec for spec in seen.outputs if axes(spec) == 3 and spec.shape[2] == 4]
    if len(seen.outputs) != 4 or len(counts) != 1 or len(boxes) != 1:
        return None
    rest = [spec for spec in seen.outputs if spec not in (counts[0], boxes[0])]
    classes = [spec for spec in rest if is_label(spec)]
    if len(classes) != 1:
        return None
    scores = rest[1 - rest.index(classes[0])]
    roles = named(count=counts[0], boxes=boxes[0], scores=scores, classes=classes[0])
    return Head(
        "efficient_nms", roles, UNIT_LETTERBOX, None, "count, boxes, scores, classes: EfficientNMS"
    )


def three_lists(seen: Seen) -> Optional[Head]:
    boxes = [spec for spec in seen.outputs if axes(spec) == 3 and spec.shape[2] == 4]
    labels = [spec for spec in seen.outputs if axes(spec) == 2 and is_label(spec)]
    if len(seen.outputs) != 3 or len(boxes) != 1 or len(labels) != 1:
        return None
    scores = [spec for spec in seen.outputs if spec not in (boxes[0], labels[0])]
    roles = named(labels=labels[0], boxes=boxes[0], scores=scores[0])
    if len(seen.inputs) > 1:
        return Head(
            "detr", roles, UNIT_STRETCH, None, "labels, boxes, scores and a size input: DETR"
        )
    return Head(
        "detr_unit", roles, UNIT_STRETCH, None, "labels, boxes, scores, no size input: DETR, 0..1"
    )


def two_lists(seen: Seen) -> Optional[Head]:
    boxes = [s for s in seen.outputs if axes(s) == 3 and s.shape[2] == 4]
    scores = [s for s in seen.outputs if axes(s) == 3 and s.shape[2] != 4]
    if len(seen.outputs) != 2 or len(boxes) != 1 or len(scores) != 1:
        return None
    width, rows = known(scores[0].shape[2]), boxes[0].shape[1]
    if "logit" in scores[0].name.lower() or 0 < rows <= 900 and (width or 0) >= 80:
        roles = named(logits=scores[0], boxes=boxes[0])
        if _counts_nothing(width, len(seen.hints.names)):
            reason = "logits, one of them for no object, and boxes 0..1: DETR with a softmax"
            return Head("detr_softmax", roles, IMAGENET, (width or 1) - 1, reason)
        return Head("detr_logits", roles, UNIT_STRETCH, width, "logits and boxes 0..1: DETR")
    roles = named(scores=scores[0], boxes=boxes[0])
    classes = width - 1 if width else None
    return Head("ssd", roles, ULTRAFACE, classes, "scores with background, and boxes 0..1: SSD")


def _counts_nothing(width: Optional[int], names: int) -> bool:
    """
    Whether logits have a last column for "no object": 91 + 1 for COCO in DETR, Conditional DETR's
    and RF-DETR's 91 have none.
    """
    return width == 92 or width != 91 and names > 0 and width == names + 1
