"""cuda: one GPU through pycuda: its primary context, memory that is counted, streams, kernels."""

import contextlib
from typing import Any, ContextManager, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from app.device.graph import Graphs
from app.errors import DeviceError

_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING
_COHERENT_SM = (7, 2)  # from Xavier on, integrated GPUs read pinned memory through the CPU's cache


class Gpu(NamedTuple):
    """What a GPU is. ``integrated``: it shares its memory with the CPU, as on every Jetson."""

    name: str
    sm: Tuple[int, int]
    sm_count: int
    integrated: bool
    memory: int  # bytes
    cuda: str  # the CUDA release that pycuda was built with


class Cuda:
    """
    One GPU. Every call but ``attached`` wants the calling thread to be attached. What is
    allocated here is freed by ``close``, or by the returned Memory's own ``free``.
    """

    def __init__(
        self, number: int = 0, driver: Optional[Any] = None, library: Optional[Any] = None
    ) -> None:
        """
        Through pycuda.driver and libcuda, or what is given in their place. Raises DeviceError
        where there is no GPU, no driver, or no pycuda.
        """
        self._driver = _pycuda() if driver is None else driver
        self._library = library
        self.allocations = 0  # device and pinned blocks ever taken; constant while frames flow
        self._held: List[Memory] = []
        with self.translated("no usable NVIDIA GPU"):
            self._driver.init()
            device = self._driver.Device(number)
            self._primary = device.retain_primary_context()
            ask, about = device.get_attribute, self._driver.device_attribute
            release = self._driver.get_version()
            self.gpu = Gpu(
                device.name(),
                device.compute_capability(),
                ask(about.MULTIPROCESSOR_COUNT),
                bool(ask(about.INTEGRATED)),
                device.total_memory(),
                ".".join(map(str, release[:2])),
            )
        self._coherent = self.gpu.integrated and self.gpu.sm >= _COHERENT_SM

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        """Let this thread use the GPU; may be nested."""
        with self.translated("the GPU cannot be used"):
            self._primary.push()
        try:
            yield
        finally:
            self._driver.Context.pop()

    def free_memory(self) -> int:
        """Bytes that are free on the device; on a Jetson, pessimistic: see device/machine.py."""
        free: int = self._driver.mem_get_info()[0]
        return free

    def held(self) -> int:
        """Bytes of device memory that are allocated now."""
        return sum(memory.count for memory in list(self._held) if memory.address)

    def allocate(self, count: int) -> "Memory":
        """Device memory, aligned to 256 bytes at least. Its content is not set."""
        with self.translated(f"{count} bytes of GPU memory cannot be had"):
            block = self._driver.mem_alloc(max(1, count))
        return self._keep(Memory(int(block), count, np.empty(0, np.uint8), block))

    def shared(self, count: int) -> "Memory":
        """
        Memory for what comes back: ``host``, (count,) uint8, is the CPU's view of it, pinned. One
        memory for both where the chip can, else a block each, and ``download`` copies.
        """
        count = max(1, count)
        flags = self._driver.host_alloc_flags
        with self.translated(f"{count} bytes of pinned memory cannot be had"):
            chosen = flags.DEVICEMAP if self._coherent else 0
            host = self._driver.pagelocked_empty(count, np.uint8, mem_flags=chosen)
            if self._coherent:
                address = int(host.base.get_device_pointer())
                return self._keep(Memory(address, count, host, None))
            block = self._driver.mem_alloc(count)
            return self._keep(Memory(int(block), count, host, block))

    def landing(self, count: int) -> "Memory":
        """
        Memory for pictures, which ``put`` brings: pinned where the GPU reads the CPU's memory
        through its cache. Elsewhere the driver copies from ordinary memory, which is faster than
        a copy of ours into pinned memory and another from there.
        """
        return self.shared(count) if self._coherent else self.allocate(count)

    def readable(self, count: int) -> "Memory":
        """
        Pinned memory for pictures that the CPU makes. Where the GPU reads the CPU's memory
        through its cache it has an ``address``, and no copy is made at all; else it is 0, and the
        copy is seven times as fast as from ordinary memory. Raises DeviceError
        on a Jetson whose CPU does not cache such memory: to draw on it would take for ever.
        """
        if self._coherent:
            return self.shared(count)
        if self.gpu.integrated:
            raise DeviceError("pinned memory is not cached here")
        with self.translated(f"{count} bytes of pinned memory cannot be had"):
            host = self._driver.pagelocked_empty(count, np.uint8)
        return self._keep(Memory(0, count, host, None))

    def _keep(self, memory: "Memory") -> "Memory":
        self.allocations += 1
        self._held.append(memory)
        return memory

    def release(self, memory: "Memory") -> None:
        """Free a block before the rest."""
        self._held.remove(memory)
        memory.free()

    def put(self, image: np.ndarray, memory: "Memory", first: int, stream: Any) -> None:
        """
        Bring a contiguous picture to byte ``first`` of a ``landing``. It may be changed once the
        stream has got there; at once, unless it is pinned.
        """
        flat = image.reshape(-1)
        if memory.block is None:
            np.copyto(memory.host[first : first + flat.nbytes], flat)
        else:
            self._driver.memcpy_htod_async(memory.address + first, flat, stream)

    def download(self, memory: "Memory", first: int, count: int, stream: Any) -> None:
        """``host[first:first + count]`` from the device, once the stream has got there."""
        if memory.block is not None:
            part = memory.host[first : first + count]
            self._driver.memcpy_dtoh_async(part, memory.address + first, stream)

    def fetch(self, address: int, array: np.ndarray) -> None:
        """Fill an array from the device, and wait for it."""
        self._driver.memcpy_dtoh(array, address)

    def store(self, address: int, array: np.ndarray) -> None:
        """Bring an array to the device, and wait for it. Not while frames flow."""
        self._driver.memcpy_htod(address, np.ascontiguousarray(array))
        self.wait()

    def stream(self) -> Any:
        """One that waits for no other, not even for CUDA's default stream."""
        return self._driver.Stream(_NON_BLOCKING)

    def event(self, timed: bool = False) -> Any:
        """``timed`` events can be subtracted; others cost less."""
        flags = self._driver.event_flags
        chosen = 0 if timed else flags.DISABLE_TIMING
        if self.gpu.integrated:  # waiting in a loop would take a core from the other lanes
            chosen |= flags.BLOCKING_SYNC
        return self._driver.Event(chosen)

    def wait(self) -> None:
        """Until the device has done all that it was asked to."""
        self._driver.Context.synchronize()

    def kernel(self, binary: bytes, name: str, arguments: str) -> "Kernel":
        """A compiled kernel; ``arguments`` are struct's formats of what it takes."""
        with self.translated(f"the kernel {name} does not fit this GPU or driver"):
            module = self._driver.module_from_buffer(binary)
            return Kernel(module.get_function(name), module, arguments)

    def graphs(self) -> Graphs:
        """The driver's graphs. Raises GraphError where it has none."""
        return Graphs(self._library)

    def translated(self, what: str) -> ContextManager[None]:
        """Raise the driver's errors in a ``with`` block as DeviceError, with ``what`` before."""
        return _translated(self._driver, what)

    def close(self) -> None:
        """Free all memory. The calling thread must be attached."""
        while self._held:
            self._held.pop().free()


class Memory:
    """A block of memory: ``address`` on the device, ``host`` the CPU's view where there is one."""

    def __init__(self, address: int, count: int, host: np.ndarray, block: Any) -> None:
        self.address = address
        self.count = count
        self.host = host
        self.block = block  # what pycuda frees; None where the pinned block is the memory itself

    def free(self) -> None:
        if self.block is not None:
            self.block.free()
        self.host = np.empty(0, np.uint8)  # pinned memory goes with its last view


class Kernel:
    """A function on the device."""

    def __init__(self, function: Any, module: Any, arguments: str) -> None:
        self._function = function.prepare(arguments.split())
        self._module = module  # must live as long as the function

    def __call__(self, grid: Tuple[int, int], block: int, stream: Any, *arguments: Any) -> None:
        """Start it on a stream: ``grid`` blocks of ``block`` threads."""
        self._function.prepared_async_call(grid, (block, 1, 1), stream, *arguments)


@contextlib.contextmanager
def _translated(driver: Any, what: str) -> Iterator[None]:
    try:
        yield
    except driver.Error as error:
        raise DeviceError(f"{what}: {' '.join(str(error).split())}. See: nvidia-smi") from error


def _pycuda() -> Any:
    try:
        import pycuda.driver
    except ImportError as error:
        raise DeviceError(
            f"no GPU can be used: pycuda does not load ({error}). Is there an NVIDIA driver? "
            "Run: python3 -m pip install pycuda, or take --backend host"
        ) from error
    return pycuda.driver
