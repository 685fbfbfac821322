"""cgroup: the memory that the kernel grants this process, beyond which it kills."""

import os
from typing import Iterator, Optional

_MOST_BYTES = 1 << 16
_NONE = 1 << 60  # v1 has no word for "no limit", but a number that no machine has


def granted(root: str = "/") -> Optional[int]:
    """
    Bytes: the least of the limits of its control group and of those above it, of version 2 or 1;
    None where there is none, or where the kernel does not tell. ``root`` stands for /.
    """
    limits = []
    for line in _text(root, "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            places = ("sys/fs/cgroup", "memory.max")
        elif "memory" in controllers.split(","):
            places = ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        else:
            continue
        for group in _upwards(path.strip("/")):
            said = _text(root, os.path.join(places[0], group, places[1])).strip()
            if said.isdigit() and 0 < int(said) < _NONE:  # v2 says "max"
                limits.append(int(said))
    return min(limits) if limits else None


def _upwards(path: str) -> Iterator[str]:
    """A group and those above it; in a container the first of them may not be there."""
    while path:
        yield path
        path = os.path.dirname(path)
    yield path


def _text(root: str, path: str) -> str:
    try:
        with open(os.path.join(root, path), "rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
