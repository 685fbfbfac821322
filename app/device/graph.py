"""graph: CUDA graphs through the driver's own library, as pycuda has none."""

import contextlib
import ctypes
from typing import Any, Callable, Iterator, Optional

_THREAD_LOCAL = 1  # another thread may allocate meanwhile; what trtexec uses


class GraphError(Exception):
    """The driver has no graphs, or refuses to make one of this work."""


class Graphs:
    """The driver's graph calls. Raises GraphError where it has none (before CUDA 10)."""

    def __init__(self, library: Optional[Any] = None) -> None:
        try:
            self._cuda = ctypes.CDLL("libcuda.so.1") if library is None else library
            # since CUDA 10.1; instantiating has changed its arguments twice
            self._begin = self._cuda.cuStreamBeginCapture_v2
            self._end = self._cuda.cuStreamEndCapture
            self._make = self._instantiating()
            self._launch = self._cuda.cuGraphLaunch
        except (OSError, AttributeError) as error:
            raise GraphError(f"the driver offers none ({error})") from error

    def capture(self, stream: Any, work: Callable[[], None]) -> "Graph":
        """
        What ``work`` starts on the stream, to be started again with one call. Nothing of it
        runs yet. Raises GraphError; the stream is then as it was.
        """
        _check(self._begin(_handle(stream), _THREAD_LOCAL), "begin a capture")
        graph = ctypes.c_void_p()
        try:
            work()
        except BaseException:
            self._end(_handle(stream), ctypes.byref(graph))
            self._destroy(graph)
            raise
        ended = self._end(_handle(stream), ctypes.byref(graph))
        with self._destroyed(graph):
            _check(ended, "capture this work")
            ready = ctypes.c_void_p()
            _check(self._make(ready, graph), "prepare what was captured")
        return Graph(self._launch, self._cuda.cuGraphExecDestroy, ready)

    def _instantiating(self) -> Callable[[Any, Any], int]:
        with contextlib.suppress(AttributeError):  # 11.4
            flagged = self._cuda.cuGraphInstantiateWithFlags
            return lambda ready, graph: int(
                flagged(ctypes.byref(ready), graph, ctypes.c_ulonglong(0))
            )
        with contextlib.suppress(AttributeError):  # 11.0
            logged = self._cuda.cuGraphInstantiate_v2
            return lambda ready, graph: int(
                logged(ctypes.byref(ready), graph, None, None, ctypes.c_size_t(0))
            )
        first = self._cuda.cuGraphInstantiate  # 10.1
        return lambda ready, graph: int(
            first(ctypes.byref(ready), graph, None, None, ctypes.c_size_t(0))
        )

    @contextlib.contextmanager
    def _destroyed(self, graph: Any) -> Iterator[None]:
        try:
            yield
        finally:
            self._destroy(graph)

    def _destroy(self, graph: Any) -> None:
        if graph:
            self._cuda.cuGraphDestroy(graph)


class Graph:
    """Captured work. ``destroy`` it before what it works on is freed."""

    def __init__(self, launch: Any, destroy: Any, ready: Any) -> None:
        self._launch = launch
        self._destroy = destroy
        self._ready = ready

    def launch(self, stream: Any) -> None:
        """Start it. Raises GraphError."""
        _check(self._launch(self._ready, _handle(stream)), "start what was captured")

    def destroy(self) -> None:
        if self._ready:
            self._destroy(self._ready)
            self._ready = ctypes.c_void_p()


def _handle(stream: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(stream.handle)


def _check(code: int, what: str) -> None:
    if code:
        raise GraphError(f"the driver cannot {what} (CUDA error {code})")
