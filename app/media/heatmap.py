"""heatmap: where things were for how long, as colours over a picture."""

import math
from typing import List, Optional, Tuple

import cv2
import numpy as np

from app.media.draw_letters import pen_for

_LEVELS = np.arange(256, dtype=np.uint8).reshape(256, 1)
COLOURS = cv2.applyColorMap(_LEVELS, cv2.COLORMAP_VIRIDIS).reshape(256, 3)
"""(256, 3) uint8, BGR: from purple over green to yellow. Evenly spaced to the eye, also to one
that tells red from green badly: Smith and van der Walt, "A better default colormap for
matplotlib", SciPy 2015."""

_LAYER, _LAYER_S = 0.55, 1.0  # most of the picture that a layer hides; seconds
_GREY = 40  # the ground where there is no picture
_WHITE = (255, 255, 255)
_COVER = (0.6, 0.85)  # of the picture hidden, where least and where most was
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_STEPS = (0, 1, 10, 60, 600, 3600, 36000, 360000, 3600000)  # seconds that the legend names


def heatmap(image: Optional[np.ndarray], grid: np.ndarray, size_wh: Tuple[int, int]) -> np.ndarray:
    """
    (H, W, 3) uint8, BGR: a new picture of that size, ``image`` where nothing was.

    ``image``: (h, w, 3) uint8, BGR, of any size, not changed; None: grey. ``grid``: (rows,
    columns) float32, seconds summed in each cell of an even grid over the picture; what is
    negative or no number counts as nothing. Colours follow log(1 + seconds), as one parked car
    would else hide all that moved; the legend at the right edge has the seconds.
    """
    width, height = size_wh
    seconds = np.where(np.isfinite(grid), grid, 0).clip(0).astype(np.float32)
    most = float(seconds.max()) if seconds.size else 0.0
    shown = _ground(image, width, height)
    if most > 0:
        cells = np.log1p(seconds) / np.float32(np.log1p(most))
        level = cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR)
        _blend(shown, level)
    _legend(shown, most)
    return shown


class Layer:
    """A camera's heat over its picture, its colours made anew once a second."""

    def __init__(self) -> None:
        self._made = -math.inf
        self._colours = self._rest = np.zeros((0, 0, 3), np.uint8)

    def draw(self, image: np.ndarray, grid: np.ndarray, when: float) -> None:
        """On (H, W, 3) uint8, BGR, in place; ``when``: the frame's ``captured``."""
        if when - self._made >= _LAYER_S or self._rest.shape != image.shape:
            self._make(grid, image.shape[1], image.shape[0])
            self._made = when
        cv2.multiply(image, self._rest, dst=image, scale=1 / 255)
        cv2.add(image, self._colours, dst=image)

    def _make(self, grid: np.ndarray, width: int, height: int) -> None:
        most = float(grid.max())
        level = np.log1p(grid) / np.log1p(most) if most > 0 else np.zeros(grid.shape)
        level = np.minimum(level, 1)
        cover = (_LAYER * np.minimum(1, level * 4))[..., None]
        colours = COLOURS[(level * 255).round().astype(np.uint8)] * cover
        both = (colours, np.broadcast_to(255 * (1 - cover), colours.shape))
        self._colours, self._rest = (
            cv2.resize(one.round().astype(np.uint8), (width, height)) for one in both
        )


def _ground(image: Optional[np.ndarray], width: int, height: int) -> np.ndarray:
    if image is None:
        return np.full((height, width, 3), _GREY, np.uint8)
    if image.shape[:2] == (height, width):
        return image.copy()
    ground: np.ndarray = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return ground


def _blend(image: np.ndarray, level: np.ndarray) -> None:
    """Lay colours of (H, W) 0..1 over (H, W, 3), in place; 0 is not touched."""
    least, most = _COVER
    cover = (least + (most - least) * level) * np.minimum(1, level * 20)  # no hard edge
    colours = COLOURS[(level * 255).round().astype(np.uint8)]
    mixed = image + cover[..., None] * (colours.astype(np.float32) - image)
    image[...] = mixed.round().clip(0, 255).astype(np.uint8)


def _legend(image: np.ndarray, most: float) -> None:
    """A bar at the right edge, with the seconds beside it; none where there is no room."""
    height, width = image.shape[:2]
    pen = pen_for(width, height)
    marks = _marks(most)
    words = [_word(mark) for mark in marks]
    wide = max(cv2.getTextSize(word, _FONT, pen.font_scale, pen.stroke)[0][0] for word in words)
    bar = 2 * pen.margin + pen.plate_height // 2
    tall = height // 2
    left = width - wide - bar - 4 * pen.margin
    top = (height - tall) // 2
    if left < 0 or tall < len(marks) * pen.plate_height:
        return
    plate = image[top - pen.plate_height : top + tall + pen.plate_height, left:]
    plate[...] = plate // 4
    x = left + pen.margin
    ramp = COLOURS[np.linspace(255, 0, tall).round().astype(np.uint8)]
    image[top : top + tall, x : x + bar] = ramp[:, None]
    for mark, word in zip(marks, words):
        share = float(np.log1p(mark) / np.log1p(most)) if most > 0 else 0.0
        y = top + int(round((1 - share) * (tall - 1)))
        cv2.line(image, (x, y), (x + bar + pen.margin, y), _WHITE, 1)
        place = (x + bar + 2 * pen.margin, y + (pen.baseline - pen.margin) // 2)
        cv2.putText(image, word, place, _FONT, pen.font_scale, _WHITE, pen.stroke, cv2.LINE_AA)


def _marks(most: float) -> List[float]:
    """Seconds to name: the most, and round ones that are well below it."""
    if most <= 0:
        return [0.0]
    round_ones = [float(step) for step in _STEPS if np.log1p(step) < 0.88 * np.log1p(most)]
    return round_ones + [most]


def _word(seconds: float) -> str:
    return f"{seconds:.1f} s" if 0 < seconds < 10 and seconds % 1 else f"{seconds:.0f} s"
