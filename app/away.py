"""away: whether a file is missing because the disk that it lies on is not mounted."""

import os
import re
from typing import Iterator

from app.errors import SourceError

TABLE = "/etc/fstab"


def check(path: str, table: str = TABLE) -> None:
    """
    Raise SourceError, upon which a service is started again, for a missing file that lies where
    fstab(5) has a disk and none is mounted.
    """
    whole = os.path.abspath(path)
    for point in _points(table):
        if os.path.commonpath([point, whole]) == point and not os.path.ismount(point):
            raise SourceError(
                f"{path}: is not there, as {point} is not mounted, which {table} names. "
                f"Run: sudo mount {point}"
            )


def _points(table: str) -> Iterator[str]:
    """Where disks belong; a blank in a name is written as its octal number."""
    try:
        with open(table, encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                fields = line.split()
                if len(fields) > 1 and fields[0][0] != "#" and fields[1].startswith("/"):
                    yield re.sub(
                        r"\\([0-7]{3})", lambda code: chr(int(code.group(1), 8)), fields[1]
                    )
    except OSError:
        return
