"""terminal: one status line at the bottom of a stream, with log lines and text above it."""

import contextlib
import logging
import os
import threading
from typing import TextIO


class Terminal(logging.Handler):
    """
    Writes lines to a stream that another program may have closed. On a terminal the status line
    is written over; in a file or a pipe it becomes an ordinary line every ``quiet_s`` seconds.
    """

    def __init__(self, stream: TextIO, quiet_s: float = 10.0) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        self._stream = stream
        self._quiet_s = quiet_s
        self._live = stream.isatty()
        self._guard = threading.RLock()
        self._status = ""
        self._written = float("-inf")

    def line(self, text: str = "") -> None:
        """One line of text, above the status line."""
        with self._guard:
            shown, self._status = self._status, ""
            self._write(self._over(shown) + text + "\n")

    def status(self, text: str, now: float) -> None:
        """Replace the status line. ``now`` is in seconds, from any clock that goes forward."""
        with self._guard:
            if self._live:
                # A line that wraps could not be written over as a whole.
                shown, self._status = self._status, text[: self._columns() - 1]
                self._write(self._over(shown) + self._status)
            elif now - self._written >= self._quiet_s:
                self._written = now
                self._write(text + "\n")

    def end_status(self) -> None:
        """Leave the status line as it is and go on below it."""
        with self._guard:
            if self._status:
                self._status = ""
                self._write("\n")

    def emit(self, record: logging.LogRecord) -> None:
        self.line(self.format(record))

    def _over(self, shown: str) -> str:
        return "\r\x1b[K" if shown else ""

    def _columns(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        return 80

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # whoever read it has gone; the work goes on
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                self._stream.write(text.encode("ascii", "backslashreplace").decode("ascii"))
            self._stream.flush()
