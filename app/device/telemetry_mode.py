"""telemetry_mode: the power mode that nvpmodel has set, asked for without waiting."""

import contextlib
import os
import re
import shutil
import subprocess
import time
from typing import Any, Callable, List, Optional

_EVERY_S = 60.0
_LIMIT_S = 5.0
_NAME = re.compile(r"NV Power Mode:\s*(\S[^\r\n]*)")


def named(text: str) -> Optional[str]:
    """
    The mode in what `nvpmodel -q` says: a line "NV Power Mode: MAXN", its number in the next. On
    JetPack 4 the fan's mode comes first; asked for more, the line begins with "NVPM VERB:".
    """
    found = _NAME.search(text)
    return found.group(1).strip() if found else None


def program(root: str = "/") -> Optional[str]:
    """Where nvpmodel is, under ``root`` or on the PATH; None on what is no Jetson."""
    places = [os.path.join(root, place) for place in ("usr/sbin", "usr/bin")]
    if root == "/":
        places += os.environ.get("PATH", "").split(os.pathsep)
    return shutil.which("nvpmodel", path=os.pathsep.join(places))


def ask(root: str = "/") -> str:
    """The mode, waited for; nothing where nvpmodel does not say it."""
    path = program(root)
    if path is None:
        return ""
    try:
        told = subprocess.run(
            [path, "-q"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_LIMIT_S,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return named(told.decode("utf-8", "replace")) or ""


class PowerMode:
    """Asks once a minute. The answer of one reading is known at the next."""

    def __init__(self, root: str = "/", clock: Callable[[], float] = time.monotonic) -> None:
        self._command: List[str] = [path for path in [program(root)] if path]
        self._clock = clock
        self._asked = float("-inf")
        self._process: Any = None
        self._mode: Optional[str] = None

    def read(self) -> Optional[str]:
        """The mode as it was when it last was told; None before, and where nvpmodel is not."""
        if not self._command:
            return None
        now = self._clock()
        if self._process is not None:
            if self._process.poll() is not None:
                with self._process.stdout as told:
                    self._mode = named(os.read(told.fileno(), 1 << 16).decode("utf-8", "replace"))
                self._process = None
            elif now - self._asked > _LIMIT_S:
                self.close()
                self._mode = None
        elif now - self._asked >= _EVERY_S:
            self._asked = now
            self._ask()
        return self._mode

    def close(self) -> None:
        """Leave no process behind, unless it is stuck in the kernel."""
        if self._process is not None:
            self._process.kill()
            self._process.stdout.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.2)
            self._process = None

    def _ask(self) -> None:
        try:
            self._process = subprocess.Popen(
                self._command + ["-q"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except FileNotFoundError:  # it has gone, for good
            self._command = []
        except OSError:  # no memory or no file left to begin it with: later there may be
            self._mode = None
