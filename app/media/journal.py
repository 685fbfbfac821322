"""journal: a file that lines are appended to, rotated by size; none lost, none half written."""

import collections
import contextlib
import errno
import logging
import os
import stat
import time
from typing import Callable, Deque, Optional, Sequence

from app import atomic
from app.core.sink import Sink
from app.errors import OutputError

logger = logging.getLogger(__name__)

WAITING = 10000  # lines kept for a disk that takes none, some 4 MB; then the oldest are lost
_SYNC_S = 1.0  # what is written is on the disk this much later
_RETRY_S = 1.0
_FULL = (*atomic.FULL, errno.EFBIG)  # what was written before is still there
_TAIL = 1 << 16  # bytes that are searched for the end of the last whole line


class Journal(Sink):
    """
    Appends to ``path``; before it would outgrow ``max_mb`` it becomes PATH.1, that PATH.2, and so
    on to PATH.``keep``, which must be 1 or more. Each file holds whole lines, in order.

    A line is the system's when send() returns, so it outlives the process, and on the disk a
    second later, so that a power cut costs the last second. Where the file cannot be written,
    lines wait and are written later. A line may be written twice, after a disk's error or where
    somebody moved the file away.

    The standard library's RotatingFileHandler prints what it could not write and forgets it, and
    leaves half a line behind when the disk is full.
    """

    def __init__(
        self, path: str, max_mb: float, keep: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.lost = 0  # lines that are nowhere
        self._path = path
        self._max_bytes = int(max_mb * 1e6)
        self._keep = keep
        self._now = now
        self._waiting: Deque[bytes] = collections.deque()
        self._unsynced: Deque[bytes] = collections.deque()  # written, not yet known to be safe
        self._file: Optional[int] = None
        self._synced = now()
        self._retry = self._synced
        self._failing = False
        self._lost_before = 0  # when it began to fail
        self._stuck = False  # cannot be rotated

    def send(self, lines: Sequence[bytes]) -> None:
        self._waiting.extend(lines)
        now = self._now()
        due = bool(self._unsynced) and now - self._synced >= _SYNC_S
        if (self._waiting or due or self._file is None) and now >= self._retry:
            self._deliver(now, due)
        if len(self._waiting) > WAITING:
            if self.lost == self._lost_before:
                logger.warning("%s: %d events wait, older ones are lost", self._path, WAITING)
            self.lost += len(self._waiting) - WAITING
            while len(self._waiting) > WAITING:  # the newest say how things stand
                self._waiting.popleft()

    def close(self) -> None:
        if self._waiting or self._unsynced:
            self._deliver(self._now(), True)
        self._let_go()
        if self._waiting:
            logger.warning("%s: %d events could not be written", self._path, len(self._waiting))
            self.lost += len(self._waiting)
            self._waiting.clear()

    def _deliver(self, now: float, sync: bool) -> None:
        try:
            self._open()
            while self._waiting:
                self._write(self._waiting[0])
                self._unsynced.append(self._waiting.popleft())
            if self._unsynced and (sync or now - self._synced >= _SYNC_S):
                self._sync()
                self._synced = now
        except OSError as error:
            self._let_go()
            if error.errno not in _FULL:
                self._write_again()
            self._retry = now + _RETRY_S
            if not self._failing:
                self._failing = True
                logger.warning(
                    "%s cannot be written (%s), events wait", self._path, error.strerror or error
                )
            return
        if self._failing:
            lost = self.lost - self._lost_before
            logger.warning("%s is written again, %d events are lost", self._path, lost)
            self._failing, self._lost_before = False, self.lost

    def _open(self) -> None:
        """Have the file of that name open, whole to its end."""
        if self._file is not None:
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.stat(self._path), os.fstat(self._file)):
                    return
            logger.warning("%s was moved or removed, a new one is begun", self._path)
            self._let_go()
            self._write_again()
        os.makedirs(os.path.dirname(self._path) or ".", exist_ok=True)
        _mend(self._path)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK  # novm: numbers
        self._file = os.open(self._path, flags, 0o666)
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        if not os.fstat(self._file).st_size:
            atomic.sync_folder_of(self._path)

    def _write(self, line: bytes) -> None:
        """Write all of a line, or none of it."""
        size = self._size()
        if size and size + len(line) > self._max_bytes:
            self._rotate()
            size = self._size()
        done = 0
        try:
            while done < len(line):
                done += os.write(self._number(), line[done:])
        except OSError:
            with contextlib.suppress(OSError):  # else it is mended when it is opened again
                os.ftruncate(self._number(), size)
            raise

    def _rotate(self) -> None:
        """Begin a new file. Where the folder does not allow it, the old one grows on."""
        self._sync()
        names = [self._path] + [f"{self._path}.{n}" for n in range(1, self._keep + 1)]
        places = range(1, self._keep + 1)
        free = next((n for n in places if not os.path.lexists(names[n])), self._keep)
        try:
            for number in range(free, 0, -1):
                os.replace(names[number - 1], names[number])
        except OSError as error:
            if not self._stuck:
                logger.warning("%s cannot be rotated (%s), it grows", self._path, error.strerror)
            self._stuck = True
            return
        self._stuck = False
        self._let_go()
        self._open()

    def _sync(self) -> None:
        try:
            self._wait_for_disk()
        except OSError:  # which of them the disk has is not known, and it is told once
            self._write_again()
            raise
        self._unsynced.clear()

    def _wait_for_disk(self) -> None:
        os.fdatasync(self._number())

    def _write_again(self) -> None:
        self._waiting.extendleft(reversed(self._unsynced))
        self._unsynced.clear()

    def _size(self) -> int:
        return os.fstat(self._number()).st_size

    def _number(self) -> int:
        assert self._file is not None
        return self._file

    def _let_go(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
        self._file = None


def check(path: str) -> None:
    """Raise OutputError where a journal could not be written. Changes nothing."""
    try:
        atomic.check(path)
        if os.path.exists(path):
            with open(path, "rb") as file:
                if file.read(10) not in (b"", b'{"version"', bytes(10)):
                    raise OSError(errno.EEXIST, "it is a file of something else")
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}. Choose another file for the events"
        ) from error


def _mend(path: str) -> None:
    """
    Cut what a power cut left behind the last whole line, or set the file aside where it is none of
    ours. Either is then found in PATH.bad.
    """
    if not os.path.isfile(path):
        return
    with open(path, "rb+") as file:
        first = file.read(1)
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - _TAIL)
        file.seek(start)
        tail = file.read()
        whole = _whole(tail)
        if first in (b"", b"{") and (whole or not start):
            if whole < len(tail):
                logger.warning(
                    "%s: its last line is not whole, %d bytes cut", path, len(tail) - whole
                )
                with contextlib.suppress(OSError):
                    atomic.write(path + ".bad", tail[whole:])
                file.truncate(start + whole)
            return
    os.replace(path, path + ".bad")
    logger.warning("%s is no file of events, it is now %s.bad", path, path)


def _whole(tail: bytes) -> int:
    """How many bytes reach to the end of the last line that is one; a power cut leaves zeros."""
    end = tail.rfind(b"\n") + 1
    while end:
        begin = tail.rfind(b"\n", 0, end - 1) + 1
        line = tail[begin:end]
        if line.startswith(b"{") and line.endswith(b"}\n") and b"\0" not in line:
            return end
        end = begin
    return 0
