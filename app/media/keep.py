"""keep: what has to survive a restart, as counters do, in a small JSON file."""

import contextlib
import errno
import functools
import json
import logging
import os
from typing import Any, Callable, Dict, Optional

from app import atomic
from app.core.aside import Aside, Patience
from app.core.outage import Outage
from app.errors import OutputError, SourceError

logger = logging.getLogger(__name__)

VERSION = 1  # of the file
EVERY_S = 10.0

_LEAVING_S = 0.5

_MOST = 1 << 24  # bytes of a file that can be one of ours

State = Dict[str, Any]  # what JSON can write


class Kept:
    """
    The state at ``path``: read once at the start, written whole every ``every_s`` seconds and at
    close() where it has changed. A kill or a power cut loses what came after the last writing.

    A file that cannot be trusted is set aside as PATH.bad, and one that cannot be written is tried
    again, also where the disk hangs, which is waited for a second at most; of either one line is
    logged, and the state is then empty or old. One that cannot be read raises OutputError, for it
    may be good.
    """

    def __init__(self, path: str, every_s: float = EVERY_S) -> None:
        self._path = path
        self._every_s = every_s
        self._state: Optional[Callable[[], State]] = None
        self._tried: Optional[float] = None
        self._content = b""  # of the file
        self._failing = False
        self._aside = Aside(Outage(path, "states", pause_s=0), Patience())

    def read(self) -> State:
        """What was kept; empty where nothing was, or nothing that can be trusted."""
        try:
            content = _content(self._path)
            state = _parsed(content)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _unusable(self._path, error) from error
        except (ValueError, RecursionError) as error:
            with contextlib.suppress(OSError):
                os.replace(self._path, self._path + ".bad")
            reason = str(error)
            logger.warning(
                "%s is set aside as %s.bad (%s): counting from zero",
                self._path,
                self._path,
                reason,
            )
            return {}
        self._content = content
        return state

    def keep(self, state: Callable[[], State], when: float) -> None:
        """
        Write what ``state()`` returns, if the last time is ``every_s`` ago; ``when`` is
        ``frame.captured``. It is asked once more at close(), and not before it is to be written.
        """
        self._state = state
        if self._tried is None:
            self._tried = when
        elif when - self._tried >= self._every_s:
            self._tried = when
            if self._aside.do(functools.partial(self._write, _written(state()))):
                self._aside.settled()

    def close(self) -> None:
        state, self._state = self._state, None
        if state is None:
            self._aside.end()
        else:
            self._aside.end(functools.partial(self._write, _written(state())))
        if not self._aside.left(_LEAVING_S):
            logger.error("%s: the disk hangs, what was last counted is left behind", self._path)

    def _write(self, content: bytes) -> None:
        if content == self._content and os.path.exists(self._path):
            return
        try:
            os.makedirs(os.path.dirname(self._path) or ".", exist_ok=True)
            atomic.write(self._path, content)
        except OSError as error:
            if not self._failing:
                logger.warning(
                    "%s cannot be written (%s): a restart would count from what was last kept",
                    self._path,
                    error.strerror or error,
                )
            self._failing = True
            return
        if self._failing:
            logger.warning("%s is written again", self._path)
        self._content, self._failing = content, False


def check(path: str) -> None:
    """Raise OutputError where no counters could be kept, or another file be lost."""
    try:
        atomic.check(path)
        content = _content(path) if os.path.exists(path) else b""
        if content.strip(b"\0") and not content.startswith(b'{"version"'):
            raise OSError(errno.EEXIST, "it is a file of something else")
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: str, error: OSError) -> OutputError:
    return OutputError(
        f"{path} cannot be used for counters: {error.strerror}. Choose another file in counters:"
    )


def saved(path: str) -> State:
    """What is kept at ``path``, for another process to see. Raises SourceError."""
    try:
        return _parsed(_content(path))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(
            f"{path}: no counters can be read: {reason}. Run the config first; it keeps them there"
        ) from error


def _written(state: State) -> bytes:
    whole = {"version": VERSION, "state": state}
    return json.dumps(whole, allow_nan=False).encode("ascii") + b"\n"


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(_MOST + 1)


def _parsed(content: bytes) -> State:
    """Raises ValueError for what is no state of this version."""
    if len(content) > _MOST:
        raise ValueError("it is too large")
    whole = json.loads(content.decode("ascii"))
    if not isinstance(whole, dict) or whole.get("version") != VERSION:
        raise ValueError(f"it is not of version {VERSION}")
    state = whole.get("state")
    if not isinstance(state, dict):
        raise ValueError("it holds no state")
    return state
