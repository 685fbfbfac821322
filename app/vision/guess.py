"""guess: which decoder and preprocessing fit a network of which only names and shapes are known."""

from typing import Callable, Mapping, NamedTuple, Optional, Tuple

from app.vision.clues import Head, Hints, Seen, axes, known, names_in, size_in
from app.vision.guess_cells import centre_maps, distributions, one_list
from app.vision.guess_sets import four_lists, tensorflow_lists, three_lists, two_lists
from app.vision.looks import CAFFE, TENSORFLOW, TORCHVISION, ULTRALYTICS, Look, for_type
from app.vision.names import COCO, COCO_91
from app.vision.tensors import FREE_SIZE_WH, Tensor, listed, picture_of, shape_of

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


def guess(
    inputs: Tuple[Tensor, ...], outputs: Tuple[Tensor, ...], hints: Hints = NO_HINTS
) -> Guess:
    """Raises ValueError, with the outputs listed, where nothing fits."""
    picture = picture_of(inputs)
    layout, size_wh = shape_of(picture, size_in(hints.metadata) or FREE_SIZE_WH)
    seen = Seen(inputs, outputs, size_wh, hints)
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
                look=for_type(head.look, picture.dtype),
                classes=head.classes,
                labels=_labels(head, hints),
                reason=head.reason,
            )
    raise ValueError(f"no known reading of the outputs {listed(outputs)}")


def _classifier(seen: Seen) -> Optional[Head]:
    flat = [spec for spec in seen.outputs if axes(spec) == 2]
    if len(seen.outputs) != 1 or len(flat) != 1:
        return None
    classes = known(flat[0].shape[1])
    look, family = TORCHVISION, "torchvision"
    if classes == 1001:
        look, family = TENSORFLOW, "TensorFlow"
    elif "task" in seen.hints.metadata:
        look, family = ULTRALYTICS, "Ultralytics"
    elif seen.inputs[0].name == "data":
        look, family = CAFFE, "Caffe"
    return Head(None, {}, look, classes, f"one score per class: a classifier, {family} input")


_RULES: Tuple[Callable[[Seen], Optional[Head]], ...] = (
    _classifier,
    tensorflow_lists,
    four_lists,
    three_lists,
    two_lists,
    centre_maps,
    distributions,
    one_list,
)


def _labels(head: Head, hints: Hints) -> Tuple[str, ...]:
    named = names_in(hints.metadata)
    if named:
        return named
    if head.decoder and head.classes == len(COCO):
        return COCO
    if head.decoder in ("detr_logits", "detr_softmax") and head.classes == len(COCO_91):
        return COCO_91
    return ("face",) if head.decoder in ("centerface", "ssd") and head.classes == 1 else ()
