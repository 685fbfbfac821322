"""decode_yolo: the YOLO family, one row (or column) of box and class scores per cell."""

from typing import List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np

from app.vision.cells import Cells, cells, strides_for
from app.vision.found import Found, found, from_centres, quiet, sure

Outputs = Mapping[str, np.ndarray]

_RAW = 32  # far above YOLOX's undecoded values, 4 at most, and far below pixels, 400 and more


class _Rows(NamedTuple):
    index: np.ndarray
    score: np.ndarray
    class_id: np.ndarray


@quiet
def yolox(outputs: Outputs, input_wh: Tuple[int, int], min_score: float) -> List[Found]:
    """(B, N, 5 + C): centre offset in cells, log size in cells, objectness, class scores."""
    output = outputs["output"]
    strides = strides_for(output.shape[1], input_wh)
    if strides is None:
        raise ValueError(f"{output.shape[1]} rows are no YOLOX grid over {input_wh}")
    grid = cells(input_wh, strides)
    return [_yolox_picture(rows, grid, min_score) for rows in output]


@quiet
def yolov5(outputs: Outputs, input_wh: Tuple[int, int], min_score: float) -> List[Found]:
    """(B, N, 5 + C): cx, cy, w, h in pixels, objectness, class scores."""
    made = []
    for rows in outputs["output"]:
        kept = _objects(rows, min_score)
        boxes = np.asarray(rows[kept.index, :4], np.float32)
        made.append(found(from_centres(boxes), kept.score, kept.class_id))
    return made


@quiet
def yolov8(outputs: Outputs, input_wh: Tuple[int, int], min_score: float) -> List[Found]:
    """(B, 4 + C, N), or its transpose: cx, cy, w, h in pixels, class scores."""
    output = outputs["output"]
    if rows_first(output.shape, input_wh):
        output = output.transpose(0, 2, 1)
    return [_yolov8_picture(columns, min_score) for columns in output]


def rows_first(shape: Sequence[int], input_wh: Tuple[int, int]) -> bool:
    """Whether (B, a, b) has a cell per row, and not per column."""
    if strides_for(shape[2], input_wh):
        return False
    return strides_for(shape[1], input_wh) is not None or shape[1] > shape[2]


def in_pixels(output: np.ndarray) -> bool:
    """Whether (B, N, 5 + C) holds decoded boxes: only in pixels are there such large values."""
    return bool((np.abs(np.nan_to_num(output[..., :4])) > _RAW).any())


def _yolox_picture(rows: np.ndarray, grid: Cells, min_score: float) -> Found:
    kept = _objects(rows, min_score)
    boxes = np.asarray(rows[kept.index, :4], np.float32)
    stride = grid.stride[kept.index]
    boxes[:, :2] = (boxes[:, :2] + grid.at[kept.index]) * stride
    boxes[:, 2:] = np.exp(boxes[:, 2:]) * stride
    return found(from_centres(boxes), kept.score, kept.class_id)


def _objects(rows: np.ndarray, min_score: float) -> _Rows:
    """The rows whose objectness times best class score will do."""
    likely = np.flatnonzero(rows[:, 4] >= min_score)  # a class score is 1 at most
    classes = rows[likely, 5:]
    class_id = classes.argmax(axis=1)
    score = rows[likely, 4] * classes[np.arange(len(likely)), class_id]
    kept = sure(score, min_score)
    return _Rows(likely[kept], score[kept], class_id[kept])


def _yolov8_picture(columns: np.ndarray, min_score: float) -> Found:
    kept = sure(columns[4:].max(axis=0), min_score)
    rows = np.asarray(columns[:, kept].T, np.float32)
    class_id = rows[:, 4:].argmax(axis=1)
    score = rows[np.arange(len(rows)), 4 + class_id]
    return found(from_centres(rows[:, :4]), score, class_id)
