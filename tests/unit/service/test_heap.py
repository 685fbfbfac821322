"""test_heap: memory that was freed is the system's again; in a process of its own, with glibc."""

import ctypes
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library is not glibc"
)

# Frees 64 MB in pieces, each below something small that stays, and says in MB how much memory the
# process has before there were any, with them, once they are free, and given back.
PROGRAM = """
import ctypes
from app.service import heap
from app.service.budget import resident
from tests.unit.test_steward import Service

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
heap.limit_arenas()
service = Service()
told = [resident()]
pieces, small = [], []
for _ in range(1024):
    pieces.append(libc.malloc(ctypes.c_size_t(65536)))
    ctypes.memset(pieces[-1], 1, 65536)
    small.append(libc.malloc(ctypes.c_size_t(2000)))
told.append(resident())
for piece in pieces:
    libc.free(piece)
told.append(resident())
{then}
told.append(resident())
print(*(number >> 20 for number in told))
"""


def told(then):
    said = subprocess.check_output(
        [sys.executable, "-c", PROGRAM.format(then=then)], universal_newlines=True
    )
    return [int(word) for word in said.split()]


def test_free_memory_among_what_stays_is_given_back():
    before, with_them, free, after = told("heap.give_back()")
    assert with_them >= before + 60
    assert free >= before + 60  # or there would be nothing to give back
    assert after <= before + 10


def test_the_steward_gives_it_back_while_it_looks():
    before, _, free, after = told('for _ in range(30): service.second("a", "b")')
    assert free >= before + 60
    assert after <= before + 10
