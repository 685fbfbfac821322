"""decode_yolo: the YOLO family, one row (or column) of box and class scores per cell."""

from typing import Sequence, Tuple

import numpy as np

from app.vision.cells import cells, strides_for
from app.vision.found import from_centres
from app.vision.pick import Level, Picked, Plan, Shapes, View, axes

_RAW = 32  # far above YOLOX's undecoded values, 4 at most, and far below pixels, 400 and more


def yolox(shapes: Shapes, input_wh: Tuple[int, int]) -> Plan:
    """(B, N, 5 + C): centre offset in cells, log size in cells, objectness, class scores."""
    _strides(shapes, input_wh)
    return yolov5(shapes, input_wh)


def yolox_boxes(picked: Picked, shapes: Shapes, input_wh: Tuple[int, int]) -> np.ndarray:
    """(N, 4) xyxy in pixels: Megvii-BaseDetection/YOLOX, yolox/models/yolo_head.py."""
    grid = cells(input_wh, _strides(shapes, input_wh))
    stride = grid.stride[picked.index]
    centre = (picked.box[:, :2] + grid.at[picked.index]) * stride
    return from_centres(np.concatenate([centre, np.exp(picked.box[:, 2:]) * stride], axis=1))


def yolov5(shapes: Shapes, input_wh: Tuple[int, int]) -> Plan:
    """(B, N, 5 + C): cx, cy, w, h in pixels, objectness, class scores."""
    rows, width = axes(shapes, "output", "N, 5 + C")
    scores, box = View("output", 5, width, 1), View("output", 0, width, 1)
    objectness = View("output", 4, width, 1)
    return Plan((Level(rows, scores, width - 5, ((box, 4),), objectness),), 4)


def yolov8(shapes: Shapes, input_wh: Tuple[int, int]) -> Plan:
    """(B, 4 + C, N), or its transpose: cx, cy, w, h in pixels, class scores."""
    width, rows = axes(shapes, "output", "4 + C, N")
    down, across = 1, rows
    if rows_first(shapes["output"], input_wh):
        rows, width = width, rows
        down, across = width, 1
    scores, box = View("output", 4 * across, down, across), View("output", 0, down, across)
    return Plan((Level(rows, scores, width - 4, ((box, 4),)),), 4)


def pixel_boxes(picked: Picked, shapes: Shapes, input_wh: Tuple[int, int]) -> np.ndarray:
    """(N, 4) xyxy of centres and sizes, all in pixels."""
    return from_centres(picked.box)


def rows_first(shape: Sequence[int], input_wh: Tuple[int, int]) -> bool:
    """Whether (B, a, b) has a cell per row, and not per column."""
    if strides_for(shape[2], input_wh):
        return False
    return strides_for(shape[1], input_wh) is not None or shape[1] > shape[2]


def in_pixels(output: np.ndarray) -> bool:
    """Whether (B, N, 5 + C) holds decoded boxes: only in pixels are there such large values."""
    return bool((np.abs(np.nan_to_num(output[..., :4])) > _RAW).any())


def _strides(shapes: Shapes, input_wh: Tuple[int, int]) -> Tuple[int, ...]:
    rows, _ = axes(shapes, "output", "N, 5 + C")
    strides = strides_for(rows, input_wh)
    if strides is None:
        raise ValueError(f"{rows} rows are no YOLOX grid over {input_wh}")
    return strides
