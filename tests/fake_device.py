"""
fake_device: the memory and the streams of a GPU that is not there, as its stand-ins share them.

Device memory is memory of this process; an address on the device is its own. What was freed stays
taken and is watched, so that who uses it is found out instead of going unnoticed.
"""

import itertools
import weakref
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import numpy as np

ALIGNED = 256
_GUARD = 256  # bytes before and after each block
_FENCE, _FREED = 0xA5, 0xDB


class Fault(Exception):
    """What a real GPU answers with an illegal address, or with wrong pictures."""


class Block(NamedTuple):
    address: int
    count: int
    whole: np.ndarray  # with the fences around it


class Space:
    """The blocks of one device."""

    def __init__(self) -> None:
        self.live: Dict[int, Block] = {}
        self.dead: List[Block] = []
        _SPACES.add(self)

    def take(self, count: int) -> int:
        """The address of a new block, which begins as noise."""
        raw = np.full(count + 2 * _GUARD + ALIGNED, _FENCE, np.uint8)
        first = -(raw.ctypes.data + _GUARD) % ALIGNED
        whole = raw[first : first + count + 2 * _GUARD]
        whole[_GUARD : _GUARD + count] = 0x7F  # as float32: 3.4e38
        block = Block(whole.ctypes.data + _GUARD, count, whole)
        self.live[block.address] = block
        return block.address

    def give(self, address: int) -> None:
        """Free a block. Raises Fault where there is none, or what lies around it was changed."""
        block = self.live.pop(address, None)
        if block is None:
            raise Fault("{:#x} is freed, and is no block".format(address))
        _unharmed(block)
        block.whole[_GUARD : _GUARD + block.count] = _FREED
        self.dead.append(block)

    def at(self, address: int, count: int) -> np.ndarray:
        """(count,) uint8, in place. Raises Fault unless all of it lies in one live block."""
        block = self.block(address)
        if block is None:
            raise Fault("{:#x} lies in no memory of the device".format(address))
        if address + count > block.address + block.count or count < 0:
            raise Fault("{} bytes at {:#x} reach over their block's end".format(count, address))
        first = address - block.address + _GUARD
        return block.whole[first : first + count]

    def block(self, address: int) -> Optional[Block]:
        """The live block that an address lies in. Raises Fault where it was freed."""
        for block in self.live.values():
            if block.address <= address < block.address + block.count:
                return block
        for block in self.dead:
            if block.address <= address < block.address + block.count:
                raise Fault("{:#x} is used after it was freed".format(address))
        return None

    def check(self) -> None:
        """Raise Fault where something was written beyond a block, or after it was freed."""
        for block in list(self.live.values()) + self.dead:
            _unharmed(block)
        for block in self.dead:
            if (block.whole[_GUARD : _GUARD + block.count] != _FREED).any():
                raise Fault("{:#x} was written to after it was freed".format(block.address))


def touch(address: int, count: int) -> None:
    """As TensorRT does. Raises Fault where a block of any device ends before, or is freed."""
    for space in list(_SPACES):
        if space.block(address) is not None:
            space.at(address, count)
            if address % ALIGNED:
                raise Fault("{:#x} is not aligned to {} bytes".format(address, ALIGNED))


class Stream:
    """Does at once what it is given, or keeps it while it is captured."""

    def __init__(self) -> None:
        self.handle = next(_HANDLES)
        self.captured: Optional[List[Callable[[], None]]] = None
        STREAMS[self.handle] = self

    def do(self, work: Callable[[], None]) -> None:
        if self.captured is None:
            work()
        else:
            self.captured.append(work)


def on_stream(handle: int, work: Callable[[], None]) -> None:
    """As TensorRT, which is given the handle; 0 is CUDA's own stream."""
    if handle:
        STREAMS[handle].do(work)
    else:
        work()


def _unharmed(block: Block) -> None:
    if (block.whole[:_GUARD] != _FENCE).any() or (block.whole[-_GUARD:] != _FENCE).any():
        raise Fault("the block at {:#x} was written beyond its ends".format(block.address))


_HANDLES = itertools.count(0x5000)
_SPACES: Any = weakref.WeakSet()
STREAMS: Any = weakref.WeakValueDictionary()  # by handle
