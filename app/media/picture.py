"""picture: one picture as a JPEG file, and the folder that such files are kept in."""

import contextlib
import errno
import hashlib
import logging
import os
import re
from collections import OrderedDict
from typing import Optional

import cv2
import numpy as np

from app import atomic
from app.errors import OutputError

logger = logging.getLogger(__name__)

QUALITY = 85
_FREED = 3  # times what is needed; where that does not help, somebody else takes it
SUFFIX = ".event.jpg"  # by which an album knows its own

_TICK_NS = 1000000  # more than file systems round

_PART = re.compile(r"\..+" + re.escape(SUFFIX) + r"\.[0-9a-f]{8}\.part")


class Album:
    """
    A folder of JPEG files. The oldest are removed so that all take at most ``most_mb``; the newest
    is always kept, and so is every file that is not the album's. On a full disk, too, the oldest
    make room. A later run learns which they are from the files' times, which grow whatever the
    clock does. A power cut may leave the newest empty.
    """

    def __init__(self, folder: str, most_mb: float) -> None:
        self._folder = folder
        self._most = int(most_mb * 1e6)
        self._kept: Optional["OrderedDict[str, int]"] = None  # path -> bytes, oldest first
        self._bytes = 0
        self._newest_ns = 0  # the time of the newest file
        self._failing = False

    def add(self, name: str, image: np.ndarray) -> str:
        """
        Keep (H, W, 3) uint8, BGR, and return its path; one of the same name is replaced. Returns
        nothing where that fails, which is logged once until it works again.
        """
        path = os.path.join(self._folder, file_name(name))
        try:
            content = jpeg(image)
            os.makedirs(self._folder, exist_ok=True)
            kept = self._listed()
            before = self._bytes
            while not self._fits(path, content, before - self._bytes):
                self._remove_oldest()
        except (OSError, OutputError) as error:
            if not self._failing:
                reason = getattr(error, "strerror", None) or error
                logger.warning("%s: not written (%s), events go without a picture", path, reason)
            self._failing = True
            return ""
        if self._failing:
            logger.warning("%s: pictures are written again", self._folder)
        self._failing = False
        self._bytes += len(content) - kept.pop(path, 0)
        kept[path] = len(content)
        self._in_order(path)
        while self._bytes > self._most and len(kept) > 1:
            self._remove_oldest()
        return path

    def _fits(self, path: str, content: bytes, freed: int) -> bool:
        """Write it; False where the disk is full and to remove more can help."""
        try:
            atomic.write(path, content, durable=False)
        except OSError as error:
            if error.errno in atomic.FULL and self._kept and freed < _FREED * len(content):
                return False
            raise
        return True

    def _in_order(self, path: str) -> None:
        """Make the newest file's time the latest, so that a later run knows the order."""
        with contextlib.suppress(OSError):
            when_ns = os.stat(path).st_mtime_ns
            if when_ns <= self._newest_ns:  # the clock was set back
                when_ns = self._newest_ns + _TICK_NS
                os.utime(path, ns=(when_ns, when_ns))
            self._newest_ns = when_ns

    def _remove_oldest(self) -> None:
        assert self._kept is not None
        oldest, size = self._kept.popitem(last=False)
        self._bytes -= size
        with contextlib.suppress(OSError):
            os.unlink(oldest)

    def _listed(self) -> "OrderedDict[str, int]":
        """What is there, with what earlier runs left; their temporary files are swept."""
        if self._kept is None:
            found = []
            for entry in os.scandir(self._folder):
                with contextlib.suppress(OSError):
                    if _PART.fullmatch(entry.name):
                        os.unlink(entry.path)
                    elif entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
                        status = entry.stat(follow_symlinks=False)
                        found.append((status.st_mtime_ns, entry.path, status.st_size))
            self._newest_ns = max([0] + [when_ns for when_ns, _, _ in found])
            self._kept = OrderedDict((path, size) for _, path, size in sorted(found))
            self._bytes = sum(self._kept.values())
        return self._kept


def check(folder: str) -> None:
    """Raise OutputError where an album could not be. Changes nothing."""
    try:
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise NotADirectoryError(errno.ENOTDIR, "it is no folder")
        atomic.check(os.path.join(folder, "picture"))
    except OSError as error:
        raise OutputError(
            f"{folder} cannot take pictures: {error.strerror}. Choose another in events.snapshots"
        ) from error


def jpeg(image: np.ndarray, quality: int = QUALITY) -> bytes:
    """(H, W, 3) uint8, BGR, as a JPEG file. Raises OutputError where it cannot be one."""
    try:
        done, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        done, content = False, error
    if not done:
        raise OutputError(f"a picture of {image.shape} cannot be a JPEG file: {content}")
    return bytes(content)


def file_name(name: str) -> str:
    """The name where it can be a file's everywhere, else as much of it as can, and its hash."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:100].lstrip(".")
    if plain != name:
        plain += "-" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return plain + SUFFIX
