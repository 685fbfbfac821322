"""guess: which decoder and preprocessing fit a network of which only names and shapes are known."""

import ast
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Tuple

from app.vision.cells import count, strides_for
from app.vision.looks import (
    CAFFE,
    CENTERFACE,
    IMAGENET,
    NANODET,
    TENSORFLOW,
    ULTRAFACE,
    UNIT_LETTERBOX,
    UNIT_STRETCH,
    YOLOX,
    Look,
)
from app.vision.names import COCO
from app.vision.tensors import Shape, Tensor, listed, picture_of, shape_of


class Hints(NamedTuple):
    """What else is known of the graph; all of it may be missing."""

    operators: FrozenSet[str] = frozenset()
    metadata: Mapping[str, str] = {}


NO_HINTS = Hints()


class Guess(NamedTuple):
    decoder: Optional[str]  # None for a classifier
    roles: Mapping[str, str]
    size_wh: Tuple[int, int]
    layout: str
    look: Look
    classes: Optional[int]  # how many the outputs tell apart, where their shape says so
    labels: Tuple[str, ...]
    reason: str  # a phrase for the log


class _Head(NamedTuple):
    decoder: Optional[str]
    roles: Mapping[str, str]
    look: Look
    classes: Optional[int]
    reason: str


class _Seen(NamedTuple):
    inputs: Tuple[Tensor, ...]
    outputs: Tuple[Tensor, ...]
    size_wh: Tuple[int, int]
    hints: Hints


def guess(
    inputs: Tuple[Tensor, ...], outputs: Tuple[Tensor, ...], hints: Hints = NO_HINTS
) -> Guess:
    """Raises ValueError, with the outputs listed, where nothing fits."""
    picture = picture_of(inputs)
    layout, size_wh = shape_of(picture)
    seen = _Seen(inputs, outputs, size_wh, hints)
    task = hints.metadata.get("task", "detect")
    if task not in ("detect", "classify"):
        raise ValueError(f"a {task} network; only boxes and classes are read: {listed(outputs)}")
    for rule in _RULES:
        head = rule(seen)
        if head:
            return Guess(
                decoder=head.decoder,
                roles=head.roles,
                size_wh=size_wh,
                layout=layout,
                look=head.look,
                classes=head.classes,
                labels=_labels(head, hints),
                reason=head.reason,
            )
    raise ValueError(f"no known reading of the outputs {listed(outputs)}")


def _classifier(seen: _Seen) -> Optional[_Head]:
    flat = [spec for spec in seen.outputs if _axes(spec) == 2]
    if len(seen.outputs) != 1 or len(flat) != 1:
        return None
    classes = _known(flat[0].shape[1])
    look, family = IMAGENET, "torchvision"
    if classes == 1001:
        look, family = TENSORFLOW, "TensorFlow"
    elif seen.inputs[0].name == "data":
        look, family = CAFFE, "Caffe"
    return _Head(None, {}, look, classes, f"one score per class: a classifier, {family} input")


def _four_lists(seen: _Seen) -> Optional[_Head]:
    counts = [spec for spec in seen.outputs if _axes(spec) <= 2 and "num" in spec.name.lower()]
    boxes = [spec for spec in seen.outputs if _axes(spec) == 3 and spec.shape[2] == 4]
    if len(seen.outputs) != 4 or len(counts) != 1 or len(boxes) != 1:
        return None
    rest = [spec for spec in seen.outputs if spec not in (counts[0], boxes[0])]
    classes = [spec for spec in rest if _is_label(spec)]
    if len(classes) != 1:
        return None
    scores = rest[1 - rest.index(classes[0])]
    roles = _names(count=counts[0], boxes=boxes[0], scores=scores, classes=classes[0])
    return _Head(
        "efficient_nms", roles, UNIT_LETTERBOX, None, "count, boxes, scores, classes: EfficientNMS"
    )


def _three_lists(seen: _Seen) -> Optional[_Head]:
    boxes = [spec for spec in seen.outputs if _axes(spec) == 3 and spec.shape[2] == 4]
    labels = [spec for spec in seen.outputs if _axes(spec) == 2 and _is_label(spec)]
    if len(seen.outputs) != 3 or len(boxes) != 1 or len(labels) != 1:
        return None
    scores = [spec for spec in seen.outputs if spec not in (boxes[0], labels[0])]
    roles = _names(labels=labels[0], boxes=boxes[0], scores=scores[0])
    if len(seen.inputs) > 1:
        return _Head(
            "detr", roles, UNIT_STRETCH, None, "labels, boxes, scores and a size input: DETR"
        )
    return _Head(
        "detr_unit", roles, UNIT_STRETCH, None, "labels, boxes, scores, no size input: DETR, 0..1"
    )


def _two_lists(seen: _Seen) -> Optional[_Head]:
    boxes = [s for s in seen.outputs if _axes(s) == 3 and s.shape[2] == 4]
    scores = [s for s in seen.outputs if _axes(s) == 3 and s.shape[2] != 4]
    if len(seen.outputs) != 2 or len(boxes) != 1 or len(scores) != 1:
        return None
    width, rows = _known(scores[0].shape[2]), boxes[0].shape[1]
    if "logit" in scores[0].name.lower() or 0 < rows <= 900 and (width or 0) >= 80:
        roles = _names(logits=scores[0], boxes=boxes[0])
        return _Head("detr_logits", roles, UNIT_STRETCH, width, "logits and boxes 0..1: DETR")
    roles = _names(scores=scores[0], boxes=boxes[0])
    classes = width - 1 if width else None
    return _Head("ssd", roles, ULTRAFACE, classes, "scores with background, and boxes 0..1: SSD")


def _centre_maps(seen: _Seen) -> Optional[_Head]:
    if sorted(s.shape[1] for s in seen.outputs if _axes(s) == 4) != [1, 2, 2, 10]:
        return None
    heat = [s for s in seen.outputs if s.shape[1] == 1][0]
    size, offset = [s for s in seen.outputs if s.shape[1] == 2]
    reason = "maps of 1, 2, 2, 10 channels: CenterFace, the first pair taken for the size"
    roles = _names(heat=heat, size=size, offset=offset)
    return _Head("centerface", roles, CENTERFACE, 1, reason)


def _distributions(seen: _Seen) -> Optional[_Head]:
    if any(_axes(spec) != 3 for spec in seen.outputs) or len(seen.outputs) < 4:
        return None
    by_rows: Dict[int, List[Tensor]] = {}
    for spec in seen.outputs:
        by_rows.setdefault(spec.shape[1], []).append(spec)
    widths = {tuple(sorted(s.shape[2] for s in pair)) for pair in by_rows.values()}
    strides = {rows: _stride(rows, seen.size_wh) for rows in by_rows}
    if len(widths) != 1 or None in strides.values():
        return None
    sides = _sides(widths.pop())
    if not sides:
        return None
    roles = {}
    for rows, pair in by_rows.items():
        box = pair[0] if pair[0].shape[2] == sides else pair[1]
        score = pair[1] if box is pair[0] else pair[0]
        roles[f"scores_{strides[rows]}"] = score.name
        roles[f"boxes_{strides[rows]}"] = box.name
        classes = _known(score.shape[2])
    family, look = ("nanodet", NANODET) if len(by_rows) == 3 else ("picodet", IMAGENET)
    return _Head(
        family, roles, look, classes, f"{len(by_rows)} pairs of scores and {sides} side bins: GFL"
    )


def _one_list(seen: _Seen) -> Optional[_Head]:
    lists = [spec for spec in seen.outputs if _axes(spec) == 3]
    if len(lists) != 1 or any(_axes(spec) != 5 for spec in seen.outputs if spec is not lists[0]):
        return None  # YOLOv5 may carry its raw maps, five axes each, beside the list
    roles = {"output": lists[0].name}
    _, first, second = lists[0].shape
    strides = strides_for(second, seen.size_wh)
    if strides:
        return _columns(seen, roles, first, strides)
    strides = strides_for(first, seen.size_wh)
    if strides:
        return _rows(seen, roles, second, strides)
    if second == 6:
        return _Head(
            "end2end", roles, UNIT_LETTERBOX, None, f"{first} rows of box, score, class: end to end"
        )
    if _anchored(first, seen.size_wh):
        reason = f"three anchors in each of {first // 3} cells: YOLOv5"
        return _Head("yolov5", roles, UNIT_LETTERBOX, second - 5, reason)
    if "names" in seen.hints.metadata:
        names = len(_names_in(seen.hints.metadata))
        return _Head("yolov8", roles, UNIT_LETTERBOX, names or None, "Ultralytics' own metadata")
    if 4 < first < second:
        return _Head(
            "yolov8", roles, UNIT_LETTERBOX, first - 4, "columns of box and scores: YOLOv8"
        )
    return None


def _columns(seen: _Seen, roles: Mapping[str, str], width: int, strides: Tuple[int, ...]) -> _Head:
    classes = width - 4 if width > 4 else None
    if len(strides) == 4 and not seen.hints.metadata:
        reason = "a column of box and scores per cell of 4 levels: PicoDet with its decoding inside"
        return _Head("yolov8", roles, UNIT_STRETCH, classes, reason)
    return _Head(
        "yolov8", roles, UNIT_LETTERBOX, classes, "a column of box and scores per cell: YOLOv8"
    )


def _rows(seen: _Seen, roles: Mapping[str, str], width: int, strides: Tuple[int, ...]) -> _Head:
    if width == 80 + 32:
        family, look = ("nanodet_plus", NANODET) if len(strides) == 4 else ("picodet", NANODET)
        return _Head(family, roles, look, 80, "80 scores and 4 x 8 side bins per cell: NanoDet")
    if width == 84:
        return _Head("yolov8", roles, UNIT_LETTERBOX, 80, "a row of box and 80 scores: YOLOv8")
    if "Exp" in seen.hints.operators:
        return _Head(
            "yolov5", roles, YOLOX, width - 5, "YOLOX with its decoding inside, as it uses Exp"
        )
    return _Head(
        "yolox", roles, YOLOX, width - 5, "a row of box, objectness, scores per cell: YOLOX"
    )


_RULES: Tuple[Callable[[_Seen], Optional[_Head]], ...] = (
    _classifier,
    _four_lists,
    _three_lists,
    _two_lists,
    _centre_maps,
    _distributions,
    _one_list,
)


def _labels(head: _Head, hints: Hints) -> Tuple[str, ...]:
    named = _names_in(hints.metadata)
    if named:
        return named
    if head.decoder and head.classes == len(COCO):
        return COCO
    return ("face",) if head.decoder in ("centerface", "ssd") and head.classes == 1 else ()


def _names_in(metadata: Mapping[str, str]) -> Tuple[str, ...]:
    """Ultralytics writes its class names as a Python dictionary."""
    try:
        names: Any = ast.literal_eval(metadata.get("names", "{}"))
        return tuple(str(names[key]) for key in sorted(names))
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        return ()


def _names(**roles: Tensor) -> Dict[str, str]:
    return {role: spec.name for role, spec in roles.items()}


def _axes(spec: Tensor) -> int:
    return len(spec.shape)


def _known(size: int) -> Optional[int]:
    return size if size > 0 else None


def _is_label(spec: Tensor) -> bool:
    named = any(word in spec.name.lower() for word in ("label", "class"))
    return named or spec.dtype.startswith("int")


def _stride(rows: int, size_wh: Tuple[int, int]) -> Optional[int]:
    for stride in (4, 8, 16, 32, 64, 128):
        if count(size_wh, (stride,)) == rows:
            return stride
    return None


def _anchored(rows: int, size_wh: Tuple[int, int]) -> bool:
    return rows > 0 and rows % 3 == 0 and strides_for(rows // 3, size_wh) is not None


def _sides(widths: Shape) -> Optional[int]:
    """Which of two widths is 4 x bins: 8, 11 or 17 bins are in use; else the divisible one."""
    usual = [width for width in widths if width in (32, 44, 68)]
    fitting = [width for width in widths if width > 4 and width % 4 == 0]
    found = usual if len(usual) == 1 else fitting
    return found[0] if len(widths) == 2 and len(found) == 1 else None
