"""pattern: the test:// camera, a moving picture that says when it was made."""

from __future__ import generator_stop

import threading
import time
from typing import Any, Tuple

import numpy as np

from app.core.frame import Frame
from app.core.stage import Frames, Source
from app.media import stamp
from app.media.camera import Camera

_SIZE_WH = (1280, 720)
_FPS = 30.0
_SCROLL = 4  # pixels to the left with each picture
_PERIOD = 256  # the background repeats after so many pixels


class Pattern(Source):
    """
    A live camera made of numbers: a textured ground that scrolls, a ball, a clock and a stamp
    (stamp.py) with the picture's number and the monotonic time of its making.
    """

    live = True

    def __init__(self, camera: Camera) -> None:
        self.camera = camera.name
        self.state = "playing"
        self.reconnects = 0
        self._size_wh = camera.wanted_wh or _SIZE_WH
        self._fps = camera.wanted_fps or _FPS
        self._frames = int(camera.uri.options.get("frames", 0))

    def frames(self, stop: threading.Event) -> Frames:
        import cv2

        ground = background(self._size_wh)
        due = time.monotonic()
        number = 0
        while not self._frames or number < self._frames:
            if stop.wait(max(0.0, due - time.monotonic())):
                return
            now = time.monotonic()
            image = draw(cv2, ground, self._size_wh, number, now)
            yield Frame(self.camera, number, now, image, time=time.time())
            number += 1
            # A camera keeps its rhythm; after a pause it does not make up for what nobody took.
            due = max(due + 1.0 / self._fps, now)


def background(size_wh: Tuple[int, int]) -> np.ndarray:
    """(H, W + 256, 3): blocks over a slope, wide enough to scroll in; the left and right agree."""
    width, height = size_wh
    x = np.arange(width + _PERIOD)[None, :]
    y = np.arange(height)[:, None]
    blocks = np.random.RandomState(7).randint(0, 96, ((height + 31) // 32, _PERIOD // 32, 3))
    texture = np.kron(blocks, np.ones((32, 32, 1), np.int64))[:height]
    texture = np.tile(texture, (1, width // _PERIOD + 2, 1))[:, : width + _PERIOD]
    slope = 64 + (x * 0 + y * 96 // max(1, height))[..., None]
    return (texture + slope).astype(np.uint8)


def draw(
    cv2: Any, ground: np.ndarray, size_wh: Tuple[int, int], number: int, monotonic: float
) -> np.ndarray:
    """One picture, (H, W, 3) BGR, owned by the caller."""
    width, height = size_wh
    shift = number * _SCROLL % _PERIOD
    image = np.ascontiguousarray(ground[:, shift : shift + width])
    radius = max(4, min(width, height) // 12)
    centre = (_bounce(number * 7, width, radius), _bounce(number * 5, height, radius))
    cv2.circle(image, centre, radius, (40, 200, 250), -1)
    text = f"{number:06d}  {monotonic:.3f}"
    place = (8, height - 12)
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    if width >= stamp.WIDTH and height >= stamp.HEIGHT:
        stamp.draw_stamp(image, number, monotonic)
    return image


def _bounce(distance: int, length: int, radius: int) -> int:
    """Where something that goes to and fro between two walls is."""
    span = max(1, length - 2 * radius)
    place = distance % (2 * span)
    return radius + (place if place < span else 2 * span - place)
