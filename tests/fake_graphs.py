"""fake_graphs: a stand-in for the graph calls of libcuda, of each generation of CUDA."""

import ctypes
from typing import Any, Callable, Dict, List

from tests.fake_device import STREAMS

FIRST = "cuGraphInstantiate"  # CUDA 10.1
SECOND = "cuGraphInstantiate_v2"  # 11.0
THIRD = "cuGraphInstantiateWithFlags"  # 11.4
GENERATIONS = ((FIRST,), (FIRST, SECOND), (FIRST, SECOND, THIRD))

_COMMON = (
    "cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphLaunch", "cuGraphDestroy",
    "cuGraphExecDestroy",
)  # fmt: skip
_INVALID = 1


class Library:
    """
    Has the calls of ``instantiate`` and those common to all. ``refuse``: the names of calls that
    fail. ``made`` are the calls that were made, ``graphs`` and ``ready`` what was not destroyed.
    """

    def __init__(self, instantiate: Any = GENERATIONS[-1], refuse: Any = ()) -> None:
        self.made: List[str] = []
        self.graphs: Dict[int, List[Callable[[], None]]] = {}
        self.ready: Dict[int, List[Callable[[], None]]] = {}
        self.refuse = set(refuse)
        for name in _COMMON + tuple(instantiate):
            body = getattr(self, "_flagged" if name == THIRD else "_" + name.split("_v2")[0])
            setattr(self, name, self._called(name, body))

    def _called(self, name: str, body: Callable[..., int]) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            self.made.append(name)
            done = body(*arguments)
            return 900 if name in self.refuse else done

        return call

    def _cuStreamBeginCapture(self, stream: Any, mode: int) -> int:  # noqa: N802 is CUDA's
        if "cuStreamBeginCapture_v2" not in self.refuse:
            STREAMS[stream.value].captured = []
        return 0

    def _cuStreamEndCapture(self, stream: Any, graph: Any) -> int:  # noqa: N802 is CUDA's
        captured, STREAMS[stream.value].captured = STREAMS[stream.value].captured, None
        if captured is None:
            return _INVALID
        if "cuStreamEndCapture" not in self.refuse:
            graph._obj.value = len(self.made)
            self.graphs[len(self.made)] = captured
        return 0

    def _cuGraphInstantiate(  # noqa: N802 is CUDA's
        self, ready: Any, graph: Any, node: None, log: None, size: Any
    ) -> int:
        assert isinstance(size, ctypes.c_size_t)
        return self._instantiated(ready, graph)

    def _flagged(self, ready: Any, graph: Any, flags: Any) -> int:
        assert isinstance(flags, ctypes.c_ulonglong)
        return self._instantiated(ready, graph)

    def _instantiated(self, ready: Any, graph: Any) -> int:
        if graph.value not in self.graphs or self.refuse & {FIRST, SECOND, THIRD}:
            return _INVALID
        ready._obj.value = len(self.made)
        self.ready[len(self.made)] = self.graphs[graph.value]
        return 0

    def _cuGraphLaunch(self, ready: Any, stream: Any) -> int:  # noqa: N802 is CUDA's
        if ready.value not in self.ready or "cuGraphLaunch" in self.refuse:
            return _INVALID
        for work in self.ready[ready.value]:
            STREAMS[stream.value].do(work)
        return 0

    def _cuGraphDestroy(self, graph: Any) -> int:  # noqa: N802 is CUDA's
        del self.graphs[graph.value]
        return 0

    def _cuGraphExecDestroy(self, ready: Any) -> int:  # noqa: N802 is CUDA's
        del self.ready[ready.value]
        return 0
