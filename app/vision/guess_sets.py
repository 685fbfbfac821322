"""guess_sets: heads that name their boxes outright, told by names and shapes."""

from typing import Optional

from app.vision.clues import Head, Seen, axes, is_label, known, named
from app.vision.looks import ULTRAFACE, UNIT_LETTERBOX, UNIT_STRETCH


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
        return Head("detr_logits", roles, UNIT_STRETCH, width, "logits and boxes 0..1: DETR")
    roles = named(scores=scores[0], boxes=boxes[0])
    classes = width - 1 if width else None
    return Head("ssd", roles, ULTRAFACE, classes, "scores with background, and boxes 0..1: SSD")
