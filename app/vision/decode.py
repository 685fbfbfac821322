"""decode: a network's raw outputs to boxes, scores and classes: the table of all decoders."""

from typing import Callable, Dict, List, Mapping, NamedTuple, Tuple

import numpy as np

from app.vision import boxes, decode_cells, decode_sets, decode_yolo
from app.vision.found import Found

Decode = Callable[[Mapping[str, np.ndarray], Tuple[int, int], float], List[Found]]


class Decoder(NamedTuple):
    """``decode(outputs by role, input_wh, min_score)`` gives one Found per picture of the batch."""

    decode: Decode
    roles: Tuple[str, ...]  # the outputs it reads; with "output" alone, names do not matter
    suppress: bool  # whether NMS has still to be done


DECODERS: Dict[str, Decoder] = {
    "yolox": Decoder(decode_yolo.yolox, ("output",), True),
    "yolov5": Decoder(decode_yolo.yolov5, ("output",), True),
    "yolov8": Decoder(decode_yolo.yolov8, ("output",), True),
    "end2end": Decoder(decode_sets.end2end, ("output",), False),
    "efficient_nms": Decoder(
        decode_sets.efficient_nms, ("count", "boxes", "scores", "classes"), False
    ),
    "detr": Decoder(decode_sets.detr, ("labels", "boxes", "scores"), False),
    "detr_unit": Decoder(decode_sets.detr_unit, ("labels", "boxes", "scores"), False),
    "detr_logits": Decoder(decode_sets.detr_logits, ("logits", "boxes"), False),
    "detr_softmax": Decoder(decode_sets.detr_softmax, ("logits", "boxes"), False),
    "rtdetr": Decoder(decode_sets.rtdetr, ("output",), False),
    "nanodet": Decoder(decode_cells.nanodet, ("output",), True),
    "nanodet_plus": Decoder(decode_cells.nanodet_plus, ("output",), True),
    "picodet": Decoder(decode_cells.picodet, ("output",), True),
    "ssd": Decoder(decode_sets.ssd, ("scores", "boxes"), True),
    "ssd_tf": Decoder(decode_sets.ssd_tf, ("count", "boxes", "scores", "classes"), False),
    "centerface": Decoder(decode_cells.centerface, ("heat", "size", "offset"), True),
}


class Head(NamedTuple):
    """How to read one network's outputs."""

    decoder: str  # a key of DECODERS
    roles: Mapping[str, str]  # role -> output name; may be empty where names are roles, or one
    input_wh: Tuple[int, int]
    score: float
    iou: float


def find(outputs: Mapping[str, np.ndarray], head: Head) -> List[Found]:
    """The objects of each picture of a batch, best first, doubles of one class removed."""
    decoder = DECODERS[head.decoder]
    pictures = decoder.decode(bind(outputs, head.roles), head.input_wh, head.score)
    if not decoder.suppress:
        return pictures
    return [suppress(picture, head.iou) for picture in pictures]


def bind(outputs: Mapping[str, np.ndarray], roles: Mapping[str, str]) -> Dict[str, np.ndarray]:
    """Outputs by role. Without roles a single output is "output", and names stand for roles."""
    if roles:
        return {role: outputs[name] for role, name in roles.items()}
    if len(outputs) == 1:
        return {"output": next(iter(outputs.values()))}
    return dict(outputs)


def suppress(found: Found, max_overlap: float) -> Found:
    """Drop each box that overlaps a better one of its own class."""
    kept = boxes.nms(found.xyxy, found.score, max_overlap, found.class_id)
    return Found(found.xyxy[kept], found.score[kept], found.class_id[kept])
