"""decode_cells: heads that measure from a cell to the box's sides: NanoDet, PicoDet, CenterFace."""

import functools
from typing import Callable, Tuple

import numpy as np

from app.vision.cells import cells, count, strides_for
from app.vision.pick import Level, Picked, Plan, Shapes, View, axes

BINS = 8  # per side, where all levels share one output: PicoDet, NanoDet, NanoDet-Plus

Centre = Callable[[np.ndarray], np.ndarray]  # stride -> where in its cell a centre lies, in pixels


def gfl(shapes: Shapes, input_wh: Tuple[int, int]) -> Plan:
    """
    Scores and, for each side of the box, a distribution over distances of 0, 1, 2, ... strides.

    Either one (B, N, C + 4 * 8) "output" for all levels together, or "scores_S" (B, N, C) and
    "boxes_S" (B, N, 4 * bins) for each stride S.
    """
    strides = _strides(shapes, input_wh)
    if "output" in shapes:
        rows, width = axes(shapes, "output", "N, C + 32")
        classes = width - 4 * BINS
        scores, sides = View("output", 0, width, 1), View("output", classes, width, 1)
        return Plan((Level(rows, scores, classes, ((sides, 4 * BINS),)),), 4 * BINS)
    levels = tuple(_level(shapes, input_wh, stride) for stride in strides)
    widths = {width for level in levels for _, width in level.boxes}
    if len(widths) != 1:
        raise ValueError(f"boxes of {sorted(widths)} columns: all levels need the same")
    return Plan(levels, widths.pop())


def _gfl_boxes(
    centre: Centre, picked: Picked, shapes: Shapes, input_wh: Tuple[int, int]
) -> np.ndarray:
    """(N, 4) xyxy in pixels: for each side, the mean of its distribution away from the centre."""
    grid = cells(input_wh, _strides(shapes, input_wh))
    stride = grid.stride[picked.index]
    bins = picked.box.shape[1] // 4
    reach = _expected(picked.box.reshape(-1, 4, bins)) * stride
    middle = grid.at[picked.index] * stride + centre(stride)
    return np.concatenate([middle - reach[:, :2], middle + reach[:, 2:]], axis=1)


def _halfway(stride: np.ndarray) -> np.ndarray:
    return stride * np.float32(0.5)


def _middle_pixel(stride: np.ndarray) -> np.ndarray:
    return (stride - 1) * np.float32(0.5)


def _corner(stride: np.ndarray) -> np.ndarray:
    return stride * np.float32(0)


nanodet_boxes = functools.partial(_gfl_boxes, _middle_pixel)
nanodet_plus_boxes = functools.partial(_gfl_boxes, _corner)
picodet_boxes = functools.partial(_gfl_boxes, _halfway)


def centerface(shapes: Shapes, input_wh: Tuple[int, int]) -> Plan:
    """
    At stride 4: "heat" (B, 1, h, w), "size" (B, 2, h, w) as log of height and width in strides,
    "offset" (B, 2, h, w) y, x. The landmarks are not read.
    """
    _, high, wide = axes(shapes, "heat", "1, h, w")
    for role, maps in (("heat", 1), ("size", 2), ("offset", 2)):
        if axes(shapes, role, f"{maps}, h, w") != (maps, high, wide):
            raise ValueError(f"{role} is {tuple(shapes[role])} and not (B, {maps}, {high}, {wide})")
    rows = high * wide
    heat, size, offset = (View(role, 0, 1, rows) for role in ("heat", "size", "offset"))
    return Plan((Level(rows, heat, 1, ((size, 2), (offset, 2))),), 4)


def centerface_boxes(picked: Picked, shapes: Shapes, input_wh: Tuple[int, int]) -> np.ndarray:
    """(N, 4) xyxy in pixels."""
    wide = shapes["heat"][3]
    at = np.stack([picked.index % wide, picked.index // wide], axis=1).astype(np.float32)
    half_wh = np.exp(picked.box[:, [1, 0]]) * 2
    centre = (at + picked.box[:, [3, 2]] + np.float32(0.5)) * 4
    return np.concatenate([centre - half_wh, centre + half_wh], axis=1)


def _strides(shapes: Shapes, input_wh: Tuple[int, int]) -> Tuple[int, ...]:
    """Of all levels, in the order of their candidates."""
    if "output" in shapes:
        rows, _ = axes(shapes, "output", "N, C + 32")
        strides = strides_for(rows, input_wh)
        if strides is None:
            raise ValueError(f"{rows} rows are no grid over {input_wh}")
        return strides
    split = [role[len("scores_") :] for role in shapes if role.startswith("scores_")]
    if not split:
        raise ValueError("neither an output nor scores_S and boxes_S for each stride S")
    return tuple(sorted(int(stride) for stride in split))


def _level(shapes: Shapes, input_wh: Tuple[int, int], stride: int) -> Level:
    scores, boxes = f"scores_{stride}", f"boxes_{stride}"
    rows, classes = axes(shapes, scores, "N, C")
    box_rows, sides = axes(shapes, boxes, "N, 4 * bins")
    cells_there = count(input_wh, (stride,))
    if not rows == box_rows == cells_there:
        raise ValueError(
            f"{scores} has {rows} rows and {boxes} {box_rows}, where {input_wh} has "
            f"{cells_there} cells"
        )
    if sides < 4 or sides % 4:
        raise ValueError(f"{boxes} has {sides} columns, no multiple of 4")
    return Level(rows, View(scores, 0, classes, 1), classes, ((View(boxes, 0, sides, 1), sides),))


def _expected(logits: np.ndarray) -> np.ndarray:
    """The mean of a softmax over 0, 1, 2, ...: (N, 4, bins) to (N, 4)."""
    weight = np.exp(logits - logits.max(axis=2, keepdims=True))
    total = weight.sum(axis=2)
    return np.asarray(weight.dot(np.arange(logits.shape[2], dtype=np.float32)) / total)
