"""decode_cells: heads that measure from a cell to the box's sides: NanoDet, PicoDet, CenterFace."""

import functools
from typing import Callable, List, Mapping, NamedTuple, Tuple

import numpy as np

from app.vision.cells import cells, strides_for
from app.vision.found import Found, found, quiet, sure

Outputs = Mapping[str, np.ndarray]

BINS = 8  # per side, where all levels share one output: PicoDet, NanoDet, NanoDet-Plus

Centre = Callable[[np.ndarray], np.ndarray]  # stride -> where in its cell a centre lies, in pixels


class _Level(NamedTuple):
    scores: np.ndarray  # (B, N, C)
    sides: np.ndarray  # (B, N, 4 * bins)
    at: np.ndarray  # (N, 2)
    stride: np.ndarray  # (N, 1)


def _halfway(stride: np.ndarray) -> np.ndarray:
    return stride * np.float32(0.5)


def _middle_pixel(stride: np.ndarray) -> np.ndarray:
    return (stride - 1) * np.float32(0.5)


def _corner(stride: np.ndarray) -> np.ndarray:
    return stride * np.float32(0)


@quiet
def gfl(
    centre: Centre, outputs: Outputs, input_wh: Tuple[int, int], min_score: float
) -> List[Found]:
    """
    Scores and, for each side of the box, a distribution over distances of 0, 1, 2, ... strides.

    Either one (B, N, C + 4 * 8) "output" for all levels together, or "scores_S" (B, N, C) and
    "boxes_S" (B, N, 4 * bins) for each stride S.
    """
    levels = _one_output(outputs, input_wh) if "output" in outputs else _split(outputs, input_wh)
    pictures = len(levels[0].scores)
    return [_gfl_picture(levels, row, centre, min_score) for row in range(pictures)]


nanodet = functools.partial(gfl, _middle_pixel)
nanodet_plus = functools.partial(gfl, _corner)
picodet = functools.partial(gfl, _halfway)


@quiet
def centerface(outputs: Outputs, input_wh: Tuple[int, int], min_score: float) -> List[Found]:
    """
    At stride 4: "heat" (B, 1, h, w), "size" (B, 2, h, w) as log of height and width in strides,
    "offset" (B, 2, h, w) y, x. The landmarks are not read.
    """
    made = []
    for heat, size, offset in zip(outputs["heat"], outputs["size"], outputs["offset"]):
        kept = sure(heat[0].reshape(-1), min_score)
        row, column = np.unravel_index(kept, heat[0].shape)
        half_wh = np.exp(np.stack([size[1, row, column], size[0, row, column]], axis=1)) * 2
        x = (column + offset[1, row, column] + 0.5) * 4
        y = (row + offset[0, row, column] + 0.5) * 4
        centre = np.stack([x, y], axis=1)
        xyxy = np.concatenate([centre - half_wh, centre + half_wh], axis=1)
        made.append(found(xyxy, heat[0, row, column], np.zeros(len(kept), np.int32)))
    return made


def _one_output(outputs: Outputs, input_wh: Tuple[int, int]) -> List[_Level]:
    output = outputs["output"]
    strides = strides_for(output.shape[1], input_wh)
    if strides is None:
        raise ValueError(f"{output.shape[1]} rows are no grid over {input_wh}")
    grid = cells(input_wh, strides)
    sides = 4 * BINS
    return [_Level(output[..., :-sides], output[..., -sides:], grid.at, grid.stride)]


def _split(outputs: Outputs, input_wh: Tuple[int, int]) -> List[_Level]:
    levels = []
    for role in outputs:
        if role.startswith("scores_"):
            stride = int(role[len("scores_") :])
            grid = cells(input_wh, (stride,))
            sides = outputs[f"boxes_{stride}"]
            levels.append(_Level(outputs[role], sides, grid.at, grid.stride))
    return levels


def _gfl_picture(levels: List[_Level], row: int, centre: Centre, min_score: float) -> Found:
    parts = [_gfl_level(level, row, centre, min_score) for level in levels]
    return found(*(np.concatenate(columns) for columns in zip(*parts)))


def _gfl_level(level: _Level, row: int, centre: Centre, min_score: float) -> Found:
    kept = sure(level.scores[row].max(axis=1), min_score)
    few = level.scores[row][kept]
    class_id = few.argmax(axis=1)
    stride = level.stride[kept]
    bins = level.sides.shape[-1] // 4
    reach = _expected(level.sides[row][kept].reshape(-1, 4, bins)) * stride
    middle = level.at[kept] * stride + centre(stride)
    xyxy = np.concatenate([middle - reach[:, :2], middle + reach[:, 2:]], axis=1)
    return Found(xyxy, few[np.arange(len(few)), class_id], class_id)


def _expected(logits: np.ndarray) -> np.ndarray:
    """The mean of a softmax over 0, 1, 2, ...: (N, 4, bins) to (N, 4)."""
    weight = np.exp(logits - logits.max(axis=2, keepdims=True))
    total = weight.sum(axis=2)
    return np.asarray(weight.dot(np.arange(logits.shape[2], dtype=np.float32)) / total)
