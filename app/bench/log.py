"""log: what the processes of a benchmark say beside their figures."""

import contextlib
import os
import time
from typing import Optional

_MOST = 4 << 20  # bytes, when a part begins


class Log:
    """
    A file that one process after another writes to, each below a title. What one of them said is
    removed when the next begins, unless it was to be kept; once there is too much, the oldest is.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._part: Optional[int] = None  # where what may be removed begins

    def begin(self, title: str) -> None:
        """Raises nothing: the process itself says where it cannot be written."""
        with contextlib.suppress(OSError), open(self.path, "a+b") as file:
            if self._part is not None:
                file.truncate(self._part)
            if file.seek(0, os.SEEK_END) > _MOST:
                file.seek(-_MOST // 2, os.SEEK_END)
                tail = file.read().partition(b"\n")[2]
                file.truncate(0)
                file.write(tail)
            self._part = file.seek(0, os.SEEK_END)
            when = time.strftime("%Y-%m-%d %H:%M:%S")
            file.write(f"=== {when} {title}\n".encode("utf-8", "replace"))

    def keep(self) -> None:
        """Leave what the latest process said."""
        self._part = None
