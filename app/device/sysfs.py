"""sysfs: what the kernel tells in small files, found by pattern; their root may be a copy."""

import glob
import os
import time
from typing import Callable, Dict, List, Optional, Tuple

_MOST_BYTES = 1 << 16


class Tree:
    """The files under one root. What a pattern finds is kept for a minute: looking is slow."""

    def __init__(
        self,
        root: str = "/",
        clock: Callable[[], float] = time.monotonic,
        kept_s: float = 60.0,
    ) -> None:
        self.root = root
        self._clock = clock
        self._kept_s = kept_s
        self._found: Dict[str, Tuple[float, List[str]]] = {}

    def find(self, pattern: str) -> List[str]:
        """The paths that a pattern without a leading / finds, in order, of numbers as well."""
        now = self._clock()
        when, paths = self._found.get(pattern, (float("-inf"), []))
        if now - when >= self._kept_s:
            paths = sorted(glob.glob(os.path.join(glob.escape(self.root), pattern)), key=_in_order)
            self._found[pattern] = (now, paths)
        return paths

    def text(self, path: str) -> str:
        """A file's content without white space around it; empty where it cannot be read."""
        try:
            # unbuffered: a sensor that answers EAGAIN or EINVAL is asked once
            with open(os.path.join(self.root, path), "rb", 0) as file:
                content = file.read(_MOST_BYTES)
        except (OSError, ValueError):
            return ""
        return (content or b"").decode("utf-8", "replace").strip(" \t\r\n\0")

    def number(self, path: str) -> Optional[int]:
        """The whole number that a file holds; None where there is none."""
        try:
            return int(self.text(path))
        except ValueError:
            return None


def beside(path: str, name: str) -> str:
    """The file of that name in the same folder."""
    return os.path.join(os.path.dirname(path), name)


def _in_order(path: str) -> Tuple[int, str]:
    return len(path), path  # zone10 after zone9
