"""
fake_cuda: a GPU that is not there: a stand-in for pycuda.driver, beneath the real device/cuda.py.

``gpu()`` is a Cuda on it. Each thread must be attached, streams do at once what they are given,
kernels run in numpy (fake_kernels), and memory is watched (fake_device). Orders make it fail.
"""

import threading
import types
import weakref
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.device import kernels
from app.device.cuda import Cuda
from tests import fake_kernels
from tests.fake_device import Space, Stream
from tests.fake_graphs import Library


class Orders(NamedTuple):
    """What the GPU is, and what is to go wrong."""

    name: str = "Fake 3060"
    sm: Tuple[int, int] = (8, 6)
    integrated: bool = False
    memory: int = 1 << 30
    release: int = 11040  # of CUDA
    absent: bool = False


NANO = Orders("NVIDIA Tegra X1", (5, 3), True, 4 << 30, 10020)
XAVIER = Orders("Xavier", (7, 2), True, 8 << 30, 11040)
ORIN = Orders("Orin", (8, 7), True, 8 << 30, 12060)


def gpu(orders: Optional[Orders] = None, library: Optional[Any] = None) -> Cuda:
    """The real Cuda on a stand-in; ``cuda._driver`` is that."""
    return Cuda(0, Driver(orders or Orders()), Library() if library is None else library)


def code(file: str) -> bytes:
    """A .cu file "compiled"."""
    return b"\x7fELF" + file.encode()


def keep_kernels(folder: Any, sm: Tuple[int, int]) -> None:
    """As a build leaves them there."""
    for file in fake_kernels.FILES:
        kernels.place(file, sm, str(folder)).write_bytes(code(file))


class Error(Exception):
    pass


class LogicError(Error):
    pass


class NoMemory(Error):
    pass


class Driver:
    """As far as device/cuda.py goes. ``left``: how many blocks can still be had, None for all."""

    Error = Error

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.space = Space()
        self.left: Optional[int] = None
        self.copied: List[str] = []  # names of the copies that were made
        self.fault = ""  # of every launch
        self.streams: Any = weakref.WeakSet()
        self._attached = threading.local()
        self.device_attribute = types.SimpleNamespace(
            MULTIPROCESSOR_COUNT="count", INTEGRATED="one"
        )
        self.host_alloc_flags = types.SimpleNamespace(DEVICEMAP=2)
        self.event_flags = types.SimpleNamespace(DISABLE_TIMING=2, BLOCKING_SYNC=1)
        self.Context = types.SimpleNamespace(pop=self._pop, synchronize=self._synchronize)

    def init(self) -> None:
        if self.orders.absent:
            raise Error("cuInit failed: no CUDA-capable device is detected")

    def get_version(self) -> Tuple[int, int, int]:
        release = self.orders.release
        return release // 1000, release % 1000 // 10, 0

    def Device(self, number: int) -> Any:  # noqa: N802 is pycuda's
        orders = self.orders
        attributes = {"count": 2, "one": int(orders.integrated)}
        return types.SimpleNamespace(
            name=lambda: orders.name,
            compute_capability=lambda: orders.sm,
            total_memory=lambda: orders.memory,
            get_attribute=attributes.__getitem__,
            retain_primary_context=lambda: types.SimpleNamespace(push=self._push),
        )

    def mem_get_info(self) -> Tuple[int, int]:
        self._here()
        used = sum(block.count for block in self.space.live.values())
        return self.orders.memory - used, self.orders.memory

    def mem_alloc(self, count: int) -> "Allocation":
        return Allocation(self, self._take(count))

    def pagelocked_empty(self, count: int, dtype: Any, mem_flags: int = 0) -> np.ndarray:
        """Of bytes; its base knows its address on the device, if it has one."""
        return np.asarray(Pinned(self, self._take(count), count, bool(mem_flags & 2)))

    def memcpy_htod(self, address: int, array: np.ndarray) -> None:
        self._copy("htod", None, self._device(address, array.nbytes), _bytes(array))

    def memcpy_dtoh(self, array: np.ndarray, address: int) -> None:
        self._copy("dtoh", None, _bytes(array), self._device(address, array.nbytes))

    def memcpy_htod_async(self, address: int, array: np.ndarray, stream: Any) -> None:
        there = self._device(address, array.nbytes)
        self._copy("htod", self._pinned(array, stream), there, _bytes(array))

    def memcpy_dtoh_async(self, array: np.ndarray, address: int, stream: Any) -> None:
        self._copy("dtoh", self._pinned(array, stream), array, self._device(address, array.nbytes))

    def Stream(self, flags: int = 0) -> "DriverStream":  # noqa: N802 is pycuda's
        self._here()
        assert flags == 1, "it would wait for the default stream, and copies not overlap"
        return DriverStream(self)

    def Event(self, flags: int = 0) -> Any:  # noqa: N802 is pycuda's
        self._here()
        return types.SimpleNamespace(record=self._on, synchronize=self._here, flags=flags)

    def module_from_buffer(self, binary: bytes) -> "Module":
        self._here()
        if binary[4:].decode("ascii", "replace") not in fake_kernels.FILES:
            raise LogicError("cuModuleLoadDataEx failed: device kernel image is invalid")
        return Module(self, binary[4:].decode())

    def _push(self) -> None:
        self._attached.depth = getattr(self._attached, "depth", 0) + 1

    def _pop(self) -> None:
        self._here()
        self._attached.depth -= 1

    def _here(self) -> None:
        if not getattr(self._attached, "depth", 0):
            raise LogicError("failed: invalid device context")

    def _synchronize(self) -> None:
        self._here()
        if any(stream.captured is not None for stream in self.streams):
            raise LogicError("cuCtxSynchronize failed: operation not permitted when capturing")

    def _on(self, stream: Any) -> None:
        self._here()
        assert isinstance(stream, DriverStream)

    def _take(self, count: int) -> int:
        self._here()
        if self.left == 0 or self.mem_get_info()[0] < count:
            raise NoMemory("cuMemAlloc failed: out of memory")
        if any(stream.captured is not None for stream in self.streams):
            raise LogicError("cuMemAlloc failed: operation not permitted when stream is capturing")
        if self.left is not None:
            self.left -= 1
        return self.space.take(count)

    def _device(self, address: int, count: int) -> np.ndarray:
        self._here()
        return self.space.at(address, count)

    def _pinned(self, array: np.ndarray, stream: Any) -> Any:
        """The stream; only copies from and to pinned memory can be captured on it."""
        self._on(stream)
        if stream.captured is not None and self.space.block(array.ctypes.data) is None:
            raise LogicError("operation not permitted when stream is capturing")
        return stream

    def _copy(self, name: str, stream: Any, target: np.ndarray, given: np.ndarray) -> None:
        def work() -> None:
            self.copied.append(name)
            target[:] = given

        work() if stream is None else stream.do(work)


def _bytes(array: np.ndarray) -> np.ndarray:
    assert array.flags.c_contiguous
    return array.reshape(-1).view(np.uint8)


class Allocation:
    """Device memory, as pycuda gives it."""

    def __init__(self, driver: Driver, address: int) -> None:
        self._driver = driver
        self._address = address

    def __int__(self) -> int:
        return self._address

    def free(self) -> None:
        self._driver._here()
        self._driver.space.give(self._address)


class Pinned:
    """Pinned memory, which goes with its last view."""

    def __init__(self, driver: Driver, address: int, count: int, mapped: bool) -> None:
        self._driver = driver
        self._address = address
        self._mapped = mapped
        self.__array_interface__ = {
            "data": (address, False), "shape": (count,), "typestr": "|u1", "version": 3,
        }  # fmt: skip

    def get_device_pointer(self) -> int:
        if not self._mapped:
            raise LogicError("cuMemHostGetDevicePointer failed: invalid argument")
        return self._address

    def __del__(self) -> None:
        self._driver.space.give(self._address)


class DriverStream(Stream):
    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self._driver = driver
        driver.streams.add(self)

    def synchronize(self) -> None:
        self._driver._here()

    def wait_for_event(self, event: Any) -> None:
        self._driver._here()


class Module:
    def __init__(self, driver: Driver, file: str) -> None:
        self._driver = driver
        self._code = fake_kernels.Code(file)

    def get_function(self, name: str) -> "Function":
        if name not in self._code.arguments:
            raise LogicError("cuModuleGetFunction failed: named symbol not found")
        return Function(self._driver, self._code, name)


class Function:
    def __init__(self, driver: Driver, code: Any, name: str) -> None:
        self._driver = driver
        self._code = code
        self._name = name
        self._formats = ""

    def prepare(self, arg_types: Sequence[str]) -> "Function":
        self._formats = "".join(arg_types)
        return self

    def prepared_async_call(self, grid: Any, block: Any, stream: Any, *given: Any) -> None:
        driver, name = self._driver, self._name
        driver._on(stream)
        if driver.fault:
            raise LogicError(driver.fault)
        arguments = self._code.read(name, self._formats, given)
        run = fake_kernels.KERNELS[name]
        stream.do(lambda: run(self._code, driver.space, grid, block[0], arguments))
