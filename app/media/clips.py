"""clips: the files that a recording is cut into: their names, their order and their room."""

from __future__ import generator_stop

import contextlib
import logging
import os
import re
import shutil
import threading
import time
from collections import OrderedDict
from typing import Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

from app.errors import OutputError
from app.media.mp4 import part_of, salvaged

logger = logging.getLogger(__name__)

_FULL_BYTES = 16 << 20  # less than this is a full disk
_PARTS = 4  # a clip takes no more than this part of what all of its camera may take
_MANY = 64  # and twice as many as there were: a look at all of them is then rare
_STAMP = r"[0-9]{8}T[0-9]{6}Z-([0-9]{6,})"


class Bounds(NamedTuple):
    keep_bytes: Optional[int] = None  # of all clips together, unfinished ones too
    free_bytes: int = 0  # that are left for others


class Clips:
    """
    Those of some cameras, named by a template: "{camera}" in it is the camera, "{time}" the UTC
    time of the first picture and a number, as in gate-20261124T112000Z-000042.mp4.

    The number grows from clip to clip of all cameras, also over restarts, and it alone says which
    is the oldest: a clock may be set back, and then neither the time in the name nor the file's
    own grows. Files of other names, and of cameras that are not among these, are never touched.

    Each camera's clips may be of a thread of their own.
    """

    def __init__(self, template: str, cameras: Sequence[str], bounds: Bounds) -> None:
        self._bounds = bounds
        self._paths = {one: template.replace("{camera}", plain(one)) for one in cameras}
        self._finished: "OrderedDict[str, int]" = OrderedDict()  # path -> bytes, oldest first
        self._most = _MANY  # that are finished, until it is looked whether they are still there
        self._growing: Dict[str, int] = {}  # camera -> bytes of its unfinished clip
        self._number = 0  # of the newest
        self._begun = False
        self._lock = threading.Lock()  # of all these

    def begin(self) -> None:
        """
        See what earlier runs left, the first time that it is asked for. What a crash left
        unfinished is made whole, or removed.
        """
        with self._lock:
            if not self._begun:
                self._list(mend=True)
            self._begun = True

    def new(self, camera: str, when: float) -> str:
        """A path that no clip has had; ``when``: UNIX time of its first picture."""
        with self._lock:
            self._number += 1
            number = self._number
        return self._paths[camera].replace("{time}", f"{utc(when)}-{number:06d}")

    def finish(self, camera: str, path: Optional[str]) -> None:
        """This camera's unfinished clip has its name; None: nothing of it was kept."""
        with self._lock:
            self._growing.pop(camera, None)
            if path is not None:
                with contextlib.suppress(OSError):
                    self._finished[path] = os.path.getsize(path)
            if len(self._finished) > self._most:  # others may have taken clips away
                self._list(mend=False)

    @property
    def largest(self) -> float:
        """The most bytes of one clip, so that ``keep_bytes`` can be kept by removing others."""
        keep = self._bounds.keep_bytes
        return float("inf") if keep is None else keep / _PARTS / len(self._paths)

    def make_room(self, camera: str, growing: int) -> None:
        """
        Remove the oldest clips until what is allowed is kept; ``growing``: bytes of this camera's
        unfinished one. Raises OutputError where the disk has too little room all the same.
        """
        keep = self._bounds.keep_bytes
        with self._lock:
            self._growing[camera] = growing
            over = 0 if keep is None else self._bytes() - keep
        # Counted rather than asked for after each: a disk may take its time to give room back.
        self._remove(over, self._bounds.free_bytes - self.free(camera))
        free = self.free(camera)
        if free < self._bounds.free_bytes:
            raise OutputError(
                f"{os.path.dirname(self._paths[camera]) or os.curdir}: {free / 1e9:.2f} GB of the "
                f"disk are free, less than record.free_gb, {self._bounds.free_bytes / 1e9:g}, and "
                "no clip is left to remove. Free some, or choose another disk in record.path"
            )

    def make_room_on_full_disk(self, camera: str) -> None:
        """Remove the oldest clip, if the disk is full."""
        with contextlib.suppress(OutputError):
            if self.free(camera) < _FULL_BYTES:
                self._remove(0, 1)

    def free(self, camera: str) -> int:
        """Bytes that may still be written where this camera's clips are."""
        folder = os.path.dirname(self._paths[camera]) or os.curdir
        while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
            folder = os.path.dirname(folder) or os.curdir
        try:
            return shutil.disk_usage(folder).free
        except OSError as error:  # a disk that went away; of another nothing may be removed
            raise OutputError(
                f"{folder}: cannot be asked for its room: {error.strerror}. Check the disk"
            ) from error

    def _list(self, mend: bool) -> None:
        found = []
        for path in self._paths.values():
            for number, whole in _those_of(path, mend):
                self._number = max(self._number, number)
                with contextlib.suppress(OSError):
                    found.append((number, whole, os.path.getsize(whole)))
        self._finished = OrderedDict((path, size) for _, path, size in sorted(found))
        self._most = 2 * len(found) + _MANY

    def _bytes(self) -> int:
        return sum(self._finished.values()) + sum(self._growing.values())

    def _remove(self, over: int, short: int) -> None:
        """Remove the oldest until there are ``over`` bytes fewer and ``short`` are freed."""
        for _ in range(len(self._finished)):
            if over <= 0 and short <= 0:
                return
            with self._lock:  # not while a disk is asked: it may be another one's that hangs
                if not self._finished:  # any more
                    return
                path, size = self._finished.popitem(last=False)
            try:
                os.unlink(path)
                short -= size
            except FileNotFoundError:  # somebody else did
                pass
            except OSError as error:
                logger.debug("%s cannot be removed: %s", path, error.strerror)
                with self._lock:
                    self._finished[path] = size  # it counts on, and is tried after the others
                continue
            over -= size


def plain(camera: str) -> str:
    """A camera's name as part of a file's."""
    return camera.replace("/", "_")


def utc(when: float) -> str:
    """UNIX time as 20261124T112000Z."""
    try:
        return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(when))
    except (OverflowError, ValueError, OSError):  # of a clock that is none
        return "00000000T000000Z"


def _those_of(template: str, mend: bool) -> Iterator[Tuple[int, str]]:
    """
    The number and path of each clip of one camera; with ``mend``, those that a crash left
    unfinished are made whole first.
    """
    folder, name = os.path.split(template)
    whole = re.compile(_STAMP.join(re.escape(part) for part in name.split("{time}")))
    part = re.compile(_STAMP.join(re.escape(p) for p in part_of(name).split("{time}")))
    try:
        names = os.listdir(folder or os.curdir)
    except OSError:
        return
    for one in names:
        left = part.fullmatch(one)
        if left is not None:
            if not mend:
                continue
            one = left.group(0)[1 : -len(".part.mp4")] + name[-4:]
            if not _made_whole(os.path.join(folder, left.group(0)), os.path.join(folder, one)):
                continue
        named = whole.fullmatch(one)
        if named is not None:
            yield int(named.group(1)), os.path.join(folder, one)


def _made_whole(part: str, path: str) -> bool:
    try:
        if salvaged(part, path):
            logger.warning("%s: was not finished; what there is of it can be played", path)
            return True
        os.unlink(part)
        logger.warning("%s: was not finished and holds nothing, removed", path)
    except OSError as error:
        logger.warning("%s: was not finished and stays so: %s", part, error.strerror)
    return False
