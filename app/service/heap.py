"""heap: keep glibc's malloc from holding memory that nobody uses."""

import contextlib
import ctypes
import functools
from typing import Any

_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h


def limit_arenas(count: int = 1) -> None:
    """
    Keep glibc to one memory arena; call before threads are made.

    Each viewer comes with new threads, each thread may open a new arena, and an arena that has
    grown stays: without a limit 200 viewers that came and went leave the process twice as large.
    """
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        _libc().mallopt(_ARENA_MAX, count)


def give_back() -> None:
    """
    Give the system the whole pages that lie free in the heap, and keep the addresses.

    Unasked, glibc gives back only what is free at the heap's very end. An encoder that has gone
    leaves its megabytes below something small that stays, and the next one, of another size, may
    find no place among them. It takes some milliseconds, in which others wait that want memory.
    """
    with contextlib.suppress(OSError, AttributeError):
        _libc().malloc_trim(ctypes.c_size_t(0))


@functools.lru_cache(maxsize=None)
def _libc() -> Any:
    return ctypes.CDLL(None)
