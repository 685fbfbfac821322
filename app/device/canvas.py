"""canvas: where pictures are resized, placed and normalised for a network on the CPU."""

import threading
from typing import Any, Callable, List, Tuple

import cv2
import numpy as np

from app.device.backend import InputSpec
from app.vision import letterbox

_MUCH = 16  # inputs: a picture resized to more than that is only sampled where it is seen


def edges(image_wh: Tuple[int, int], window: np.ndarray) -> Tuple[int, int, int, int]:
    """A window in whole pixels, xyxy: rounded, kept inside the picture, one pixel at least."""
    wide, high = image_wh
    x1, y1, x2, y2 = (int(round(float(edge))) for edge in window)
    x1, y1 = min(max(x1, 0), wide - 1), min(max(y1, 0), high - 1)
    return x1, y1, min(max(x1 + 1, x2), wide), min(max(y1 + 1, y2), high)


def cut(image: np.ndarray, window: np.ndarray) -> np.ndarray:
    """The window's pixels, (h, w, 3 or 4) BGR or BGRx. A view, but for NV12."""
    wide, high = letterbox.size_of(image)
    x1, y1, x2, y2 = edges((wide, high), window)
    if image.ndim == 3:
        return image[y1:y2, x1:x2]
    # four pixels share their colour, so whole fours are converted
    left, top, right, bottom = x1 & ~1, y1 & ~1, x2 + 1 & ~1, y2 + 1 & ~1
    planes = image[top:bottom, left:right], image[high + top // 2 : high + bottom // 2, left:right]
    picture = cv2.cvtColor(np.concatenate(planes), cv2.COLOR_YUV2BGR_NV12)
    return np.asarray(picture[y1 - top : y2 - top, x1 - left : x2 - left])


def cast(batch: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A batch as its network takes it: whole numbers are rounded, and kept in range."""
    if dtype == np.float32:
        return batch
    if dtype.kind in "iu":  # a cast cuts off fractions, and wraps around at the ends
        limits = np.iinfo(dtype)
        batch = np.rint(batch).clip(limits.min, limits.max)
    return batch.astype(dtype)


def _ordinary(shape: Tuple[int, ...]) -> np.ndarray:
    return np.empty(shape, np.float32)


class Canvas(threading.local):
    """A network's input buffer; each thread has one of its own, which holds one batch at a time."""

    def __init__(
        self, spec: InputSpec, room: Callable[[Tuple[int, ...]], np.ndarray] = _ordinary
    ) -> None:
        """``room`` gives the buffer's memory, float32 of a shape, in place of the one before."""
        self._room = room
        self._spec = spec
        self._swap = spec.colour == "rgb"
        self._scale = [np.float32(1 / std) for std in spec.std]
        self._shift = [np.float32(mean / std) for mean, std in zip(spec.mean, spec.std)]
        self._buffer = np.empty((0, 0, 0, 0), np.float32)
        self._planes: np.ndarray = self._buffer  # the same memory, channels second
        self._fits: List[Any] = []

    @property
    def rows(self) -> int:
        """How many there are, once the first batch was placed."""
        return len(self._buffer)

    def batch(self, rows: int) -> np.ndarray:
        """The first rows of the buffer, which grows to the largest batch seen."""
        if rows > len(self._buffer):
            wide, high = self._spec.size_wh
            nhwc = self._spec.layout == "nhwc"
            shape = (rows, high, wide, 3) if nhwc else (rows, 3, high, wide)
            self._buffer = self._room(shape)
            self._planes = self._buffer.transpose(0, 3, 1, 2) if nhwc else self._buffer
            self._fits = [None] * rows
        return self._buffer[:rows]

    def place(self, row: int, picture: np.ndarray) -> None:
        """Resize a picture into its row and normalise it, one pass per channel."""
        fit = self._spec.fit((picture.shape[1], picture.shape[0]))
        if fit != self._fits[row]:  # else the border is already there
            self._fits[row] = fit
            for plane, scale, shift in zip(self._planes[row], self._scale, self._shift):
                plane[...] = self._spec.pad * scale - shift
        channels = cv2.split(self._resized(picture, fit))[:3]
        top, left = max(fit.top, 0), max(fit.left, 0)
        high, wide = channels[0].shape
        inside = self._planes[row, :, top : top + high, left : left + wide]
        for number, channel in enumerate(channels[::-1] if self._swap else channels):
            np.multiply(channel, self._scale[number], out=inside[number])
            if self._shift[number]:
                inside[number] -= self._shift[number]

    def _resized(self, picture: np.ndarray, fit: letterbox.Fit) -> np.ndarray:
        """What is seen of the picture resized to its fit."""
        rows, columns = letterbox.visible(fit, self._spec.size_wh)
        if fit.wide * fit.high > _MUCH * self._spec.size_wh[0] * self._spec.size_wh[1]:
            return letterbox.sampled(picture, fit, rows, columns)
        if picture.shape[:2] != (fit.high, fit.wide):
            picture = cv2.resize(picture, (fit.wide, fit.high), interpolation=cv2.INTER_LINEAR)
        return picture[rows, columns]
