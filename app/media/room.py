"""room: a temporary folder, and the end of those that killed processes have left."""

from __future__ import generator_stop

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from typing import Iterator

_OLD_S = 600.0  # before that one may be about to be locked


@contextlib.contextmanager
def temporary(kind: str) -> Iterator[str]:
    """
    A new folder for the length of the ``with``. Those of this kind whose process was killed are
    removed first: while it lives it holds the folder's lock, in whatever container it runs. Raises
    OSError.
    """
    prefix = f"jetwatch-{kind}-"
    _sweep(prefix)
    place = tempfile.mkdtemp(prefix=prefix)
    try:
        with _locked(place):
            yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def _locked(place: str) -> Iterator[bool]:
    """Says whether the lock was to be had; some file systems have none for folders."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW  # novm: numbers
    at_once = fcntl.LOCK_EX | fcntl.LOCK_NB  # novm: numbers
    number = os.open(place, flags)
    try:
        try:
            fcntl.flock(number, at_once)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(number)


def _sweep(prefix: str) -> None:
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(prefix):
                with contextlib.suppress(OSError):
                    _remove_left(entry)


def _remove_left(entry: "os.DirEntry[str]") -> None:
    status = entry.stat(follow_symlinks=False)
    if status.st_uid != os.geteuid() or time.time() - status.st_mtime < _OLD_S:
        return
    with _locked(entry.path) as free:
        if free:
            shutil.rmtree(entry.path, ignore_errors=True)
