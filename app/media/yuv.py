"""yuv: BGR pictures of any size into the I420 that encoders take."""

from typing import Tuple

import cv2
import numpy as np


def encoded_size(image: np.ndarray) -> Tuple[int, int]:
    """Width and height of a picture once encoded: even, and no smaller than encoders take."""
    height, width = image.shape[:2]
    return max(64, width - width % 2), max(64, height - height % 2)


def i420(image: np.ndarray, size_wh: Tuple[int, int]) -> np.ndarray:
    """(h * 3 / 2, w) uint8 from a (H, W, 3|4) picture, letterboxed where its size is another."""
    width, height = size_wh
    fits = 0 <= image.shape[1] - width <= 1 and 0 <= image.shape[0] - height <= 1
    placed = image[:height, :width] if fits else letterboxed(image, size_wh)
    code = cv2.COLOR_BGR2YUV_I420 if placed.shape[2] == 3 else cv2.COLOR_BGRA2YUV_I420
    return cv2.cvtColor(placed, code)


def letterboxed(image: np.ndarray, size_wh: Tuple[int, int]) -> np.ndarray:
    """The whole picture, centred on black, in another size."""
    width, height = size_wh
    scale = min(width / image.shape[1], height / image.shape[0])
    wide = max(1, min(width, int(round(image.shape[1] * scale))))
    tall = max(1, min(height, int(round(image.shape[0] * scale))))
    left, top = (width - wide) // 2, (height - tall) // 2
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.zeros((height, width, image.shape[2]), np.uint8)
    canvas[top : top + tall, left : left + wide] = cv2.resize(
        image, (wide, tall), interpolation=way
    )
    return canvas
