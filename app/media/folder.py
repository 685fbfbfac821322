"""folder: pictures of a folder, by name; or a single one."""

from __future__ import generator_stop

import logging
import os
import threading
import time
from typing import Any, List, Optional

import numpy as np

from app.core.frame import Frame
from app.core.stage import Frames, Source
from app.errors import SourceError
from app.media.camera import Camera
from app.media.uri import Kind

logger = logging.getLogger(__name__)

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


class Folder(Source):
    """Each picture is a frame whose time is its number; ``skipped`` counts those not readable."""

    live = False

    def __init__(self, camera: Camera) -> None:
        self.camera = camera.name
        self.state = "playing"
        self.reconnects = 0
        self.skipped = 0
        self._path = camera.uri.location
        self._only = ""
        if camera.uri.kind is Kind.FILE:
            self._path, self._only = os.path.split(camera.uri.location)
        self._loop = camera.loop

    def frames(self, stop: threading.Event) -> Frames:
        import cv2

        names = self._names()
        number = 0
        while True:
            self.skipped = 0
            first = number
            for name in names:
                if stop.is_set():
                    return
                image = read(cv2, os.path.join(self._path, name))
                if image is None:
                    self._skip(name, first)
                    continue
                now = time.monotonic()
                yield Frame(self.camera, number, now, image, time=float(number), file=name)
                number += 1
            if number == first:
                if self._only:
                    path = os.path.join(self._path, self._only)
                    raise SourceError(f"{path}: no picture that can be read")
                raise SourceError(f"{self._path}: none of its {len(names)} pictures can be read")
            if first == 0 and self.skipped > 1:
                logger.warning(
                    "%s: left out %d of %d pictures", self._path, self.skipped, len(names)
                )
            if not self._loop:
                return

    def _names(self) -> List[str]:
        if self._only:
            if not os.path.exists(os.path.join(self._path, self._only)):
                raise SourceError(f"{os.path.join(self._path, self._only)}: no such file")
            return [self._only]
        return names_in(self._path)

    def _skip(self, name: str, first: int) -> None:
        self.skipped += 1
        if first == 0 and self.skipped == 1 and not self._only:
            logger.warning("%s: cannot be read, left out", os.path.join(self._path, name))


def names_in(path: str) -> List[str]:
    """The names of a folder's pictures, in order. Raises SourceError where there are none."""
    try:
        names = sorted(os.listdir(path))
    except OSError as exc:
        raise SourceError(f"{path}: cannot be read: {exc.strerror}") from exc
    pictures = [name for name in names if is_picture(name)]
    if not pictures:
        raise SourceError(f"{path}: no picture in it. It takes {' '.join(SUFFIXES)}")
    return pictures


def is_picture(name: str) -> bool:
    """Say whether a file is one of the pictures that Folder reads, by its name."""
    return name.lower().endswith(SUFFIXES)


def read(cv2: Any, path: str) -> Optional[np.ndarray]:
    """(H, W, 3) BGR, turned upright by its EXIF; None where there is no picture."""
    try:
        content = np.fromfile(path, np.uint8)
    except OSError:
        return None
    if not content.size:
        return None
    try:
        image: Optional[np.ndarray] = cv2.imdecode(content, cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return image
