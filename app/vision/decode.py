"""decode: a network's raw outputs to boxes, scores and classes: the table of all decoders."""

import functools
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple, TypeVar

import numpy as np

from app.vision import boxes, decode_cells, decode_sets, decode_yolo
from app.vision.found import NOTHING, Found, found, near, quiet, real
from app.vision.pick import Outputs, Picked, Plan, Shapes, pick

Decode = Callable[[Outputs, Tuple[int, int], float], List[Found]]
Anything = TypeVar("Anything")


class Dense(NamedTuple):
    """A head of many candidates, few of them picked: where they lie, and the boxes of the few."""

    plan: Callable[[Shapes, Tuple[int, int]], Plan]  # shapes by role, the batch first and not read
    boxes: Callable[[Picked, Shapes, Tuple[int, int]], np.ndarray]  # (N, 4) xyxy, network pixels


class Decoder(NamedTuple):
    """``decode(outputs by role, input_wh, min_score)`` gives one Found per picture of the batch."""

    decode: Decode
    roles: Tuple[str, ...]  # the outputs it reads; with "output" alone, names do not matter
    suppress: bool  # whether NMS has still to be done
    dense: Optional[Dense] = None  # None: the outputs are short, and read whole


def _decode(
    dense: Dense, outputs: Outputs, input_wh: Tuple[int, int], min_score: float
) -> List[Found]:
    shapes = {role: array.shape for role, array in outputs.items()}
    picked = pick(outputs, _planned(dense, shapes, input_wh), min_score)
    return [_boxed(picture, dense, shapes, input_wh) for picture in picked]


def _dense(
    plan: Callable[..., Plan], boxes_of: Callable[..., np.ndarray], roles: str, suppress: bool
) -> Decoder:
    dense = Dense(plan, boxes_of)
    return Decoder(functools.partial(_decode, dense), tuple(roles.split()), suppress, dense)


DECODERS: Dict[str, Decoder] = {
    "yolox": _dense(decode_yolo.yolox, decode_yolo.yolox_boxes, "output", True),
    "yolov5": _dense(decode_yolo.yolov5, decode_yolo.pixel_boxes, "output", True),
    "yolov8": _dense(decode_yolo.yolov8, decode_yolo.pixel_boxes, "output", True),
    "end2end": Decoder(decode_sets.end2end, ("output",), False),
    "efficient_nms": Decoder(
        decode_sets.efficient_nms, ("count", "boxes", "scores", "classes"), False
    ),
    "detr": Decoder(decode_sets.detr, ("labels", "boxes", "scores"), False),
    "detr_unit": Decoder(decode_sets.detr_unit, ("labels", "boxes", "scores"), False),
    "detr_logits": _dense(decode_sets.detr_logits, decode_sets.unit_centres, "logits boxes", False),
    "detr_softmax": _dense(
        decode_sets.detr_softmax, decode_sets.unit_centres, "logits boxes", False
    ),
    "rtdetr": _dense(decode_sets.rtdetr, decode_sets.unit_centres, "output", False),
    "nanodet": _dense(decode_cells.gfl, decode_cells.nanodet_boxes, "output", True),
    "nanodet_plus": _dense(decode_cells.gfl, decode_cells.nanodet_plus_boxes, "output", True),
    "picodet": _dense(decode_cells.gfl, decode_cells.picodet_boxes, "output", True),
    "ssd": _dense(decode_sets.ssd, decode_sets.unit_corners, "scores boxes", True),
    "ssd_tf": Decoder(decode_sets.ssd_tf, ("count", "boxes", "scores", "classes"), False),
    "centerface": _dense(
        decode_cells.centerface, decode_cells.centerface_boxes, "heat size offset", True
    ),
}


class Head(NamedTuple):
    """How to read one network's outputs."""

    decoder: str  # a key of DECODERS
    roles: Mapping[str, str]  # role -> output name; may be empty where names are roles, or one
    input_wh: Tuple[int, int]
    score: float
    iou: float


def find(outputs: Outputs, head: Head) -> List[Found]:
    """The objects of each picture of a batch, best first, doubles of one class removed."""
    decoder = DECODERS[head.decoder]
    pictures = decoder.decode(bind(outputs, head.roles), head.input_wh, head.score)
    return [suppress(one, head.iou) for one in pictures] if decoder.suppress else pictures


def plan(head: Head, shapes: Shapes) -> Optional[Plan]:
    """
    How to pick candidates from outputs by name, shapes with the batch first: ``of_picked`` then
    finds what ``find`` would. None where the decoder reads its outputs whole, or a size behind
    the batch is free (-1). Raises ValueError or KeyError where the shapes are not the head's.
    """
    dense, by_role = DECODERS[head.decoder].dense, bind(shapes, head.roles)
    if dense is None or any(size < 0 for shape in by_role.values() for size in shape[1:]):
        return None
    return _planned(dense, by_role, head.input_wh)


@quiet
def of_picked(picked: Picked, counts: np.ndarray, head: Head, shapes: Shapes) -> List[Found]:
    """
    The objects of each picture of a batch, whose candidates by ``plan(head, shapes)`` stand one
    picture after another, ``counts`` (B,) of each. One pass over all, which for four pictures
    takes little longer than for one.
    """
    if not len(picked.index):  # as of most pictures of a quiet place
        return [NOTHING] * len(counts)
    decoder = DECODERS[head.decoder]
    assert decoder.dense is not None  # or there had been no plan
    whose = np.repeat(np.arange(len(counts)), counts)
    xyxy = decoder.dense.boxes(picked, bind(shapes, head.roles), head.input_wh)
    rows = real(xyxy, picked.score)
    whole = Found(near(xyxy[rows]), picked.score[rows], picked.class_id[rows])
    whose = whose[rows]
    if decoder.suppress:
        group = whole.class_id * len(counts) + whose
        order = boxes.nms(whole.xyxy, whole.score, head.iou, group)
    else:
        order = np.argsort(-whole.score, kind="mergesort")
    order = order[np.argsort(whose[order], kind="mergesort")]  # by picture, each best first
    ends = np.searchsorted(whose[order], np.arange(len(counts) + 1)).tolist()
    columns = [column[order] for column in whole]
    return [Found(*(column[first:end] for column in columns)) for first, end in zip(ends, ends[1:])]


def bind(outputs: Mapping[str, Anything], roles: Mapping[str, str]) -> Dict[str, Anything]:
    """Outputs by role. Without roles a single output is "output", and names stand for roles."""
    if roles:
        return {role: outputs[name] for role, name in roles.items()}
    if len(outputs) == 1:
        return {"output": next(iter(outputs.values()))}
    return dict(outputs)


def suppress(picture: Found, max_overlap: float) -> Found:
    """Drop each box that overlaps a better one of its own class."""
    kept = boxes.nms(picture.xyxy, picture.score, max_overlap, picture.class_id)
    return Found(*(column[kept] for column in picture))


def _planned(dense: Dense, shapes: Shapes, input_wh: Tuple[int, int]) -> Plan:
    """Raises ValueError, or KeyError for a role not there, where the shapes are not the head's."""
    plan = dense.plan(shapes, input_wh)
    if min(min(level.classes, level.fan) for level in plan.levels) < 1:
        raise ValueError("there is no column for a class")
    return plan


@quiet
def _boxed(picked: Picked, dense: Dense, shapes: Shapes, input_wh: Tuple[int, int]) -> Found:
    return found(dense.boxes(picked, shapes, input_wh), picked.score, picked.class_id)
