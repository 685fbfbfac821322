"""atomic: a file is written whole or not at all."""

import contextlib
import errno
import os
import stat
import uuid

FULL = (errno.ENOSPC, errno.EDQUOT)  # a disk with no room for now


def write(path: str, content: bytes, durable: bool = True) -> None:
    """
    Make ``path`` a file of this content, or change nothing. Raises OSError, also for what is there
    and no plain file. A link stays: what it points to is written.

    ``durable`` waits for the disk: without it, a power cut soon after may leave the file empty. A
    process that is killed may leave a ``temporary`` behind.
    """
    _refuse_special(path)
    path = os.path.realpath(path)
    part = temporary(path)
    try:
        with open(part, "xb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def temporary(path: str) -> str:
    """A new hidden name in the folder of ``path``, for what is to become that file."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{uuid.uuid4().hex[:8]}.part")


def check(path: str, special: bool = False) -> None:
    """
    Raise OSError where a file of that name could not be written, with or without room for it.
    Changes nothing, but makes and removes an empty file: /proc says that root may write there.
    ``special``: a pipe or a device will do as well, as what is opened and not replaced.
    """
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not special:
        _refuse_special(path)
    place = os.path.realpath(path)
    if not os.path.exists(place):
        while not os.path.exists(place):
            place = os.path.dirname(place)
        if not os.path.isdir(place):
            raise NotADirectoryError(errno.ENOTDIR, f"{place} is no folder")
    if not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, "you may not write there")
    if os.path.isdir(place):
        _try_in(place)


def _refuse_special(path: str) -> None:
    """Raise OSError for a device, a pipe or a socket, which a new file would take the place of."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise OSError(errno.EINVAL, "it is no plain file")


def _try_in(folder: str) -> None:
    part = temporary(os.path.join(folder, "trial"))
    try:
        with open(part, "xb"):
            pass
    except OSError as error:
        if error.errno not in FULL:
            raise
    else:
        os.unlink(part)


def sync(path: str) -> None:
    """Have a file, or the names in a folder, outlive a power cut. Raises OSError."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def sync_folder_of(path: str) -> None:
    """Let a new name outlive a power cut, where the file system can."""
    with contextlib.suppress(OSError):
        sync(os.path.dirname(path) or os.curdir)
