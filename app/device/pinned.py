"""pinned: memory for pictures that the GPU reaches by itself, taken once and used again."""

import collections
import logging
import threading
import weakref
from typing import Any, Deque, Dict, Optional, Tuple

import numpy as np

from app.device.cuda import Cuda, Memory
from app.errors import DeviceError

logger = logging.getLogger(__name__)

_MOST = 512 << 20  # bytes; beyond, pictures lie in ordinary memory, which is slower and no fault


class Pinned:
    """
    Gives pictures, each its taker's until the last array on it is gone; then the block is used
    for the next of that size. Any thread may take one. The memory is the Cuda's to free, which
    must not happen before the readers have ended.
    """

    def __init__(self, cuda: Cuda, turn: threading.Lock) -> None:
        """``turn`` is held while memory is allocated, which would disturb a graph's capture."""
        self._cuda = cuda
        self._turn = turn
        self._taken = 0  # bytes, in use or not
        self._closed = False
        self._free: Dict[int, Deque[Memory]] = {}

    def picture(self, shape: Tuple[int, ...]) -> np.ndarray:
        """A uint8 array of that shape. Its content is not set."""
        size = int(np.prod(shape))
        if self._closed:
            return np.empty(shape, np.uint8)
        free = self._free.setdefault(size, collections.deque())  # one step, whatever the thread
        try:
            block: Optional[Memory] = free.pop()
        except IndexError:
            block = self._more(size)
        if block is None or block.host.nbytes < size:  # or it was freed just now
            return np.empty(shape, np.uint8)
        lent = _Lent(block, shape)
        weakref.finalize(lent, self._back, block).atexit = False
        return np.asarray(lent)

    def close(self) -> None:
        """Lend no more; before the memory is freed. What is lent lives on with its arrays."""
        self._closed = True
        self._free.clear()

    def _back(self, block: Memory) -> None:
        if not self._closed:
            self._free.setdefault(block.count, collections.deque()).append(block)

    def _more(self, size: int) -> Optional[Memory]:
        with self._turn:
            if self._taken + size > _MOST:
                return None
            self._taken += size
        try:
            with self._cuda.attached(), self._turn:
                return self._cuda.readable(size)
        except DeviceError as error:
            logger.debug("pictures lie in ordinary memory: %s", error)
            self._taken = _MOST
            return None


class _Lent:
    """What numpy arrays on a block hold on to, themselves and all their views."""

    def __init__(self, block: Memory, shape: Tuple[int, ...]) -> None:
        self.block = block
        self.host = block.host  # which lives on here, when the block is freed first
        data = block.host.__array_interface__["data"]
        self.__array_interface__: Dict[str, Any] = {
            "shape": shape, "typestr": "|u1", "data": data, "version": 3,
        }  # fmt: skip


def address_of(image: np.ndarray) -> Optional[int]:
    """Where the GPU finds a picture by itself; None where it must be brought."""
    lent = image.base
    if isinstance(lent, _Lent) and image.nbytes == lent.block.count:
        return lent.block.address or None
    return None
