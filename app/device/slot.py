"""slot: what one thread works in on the device."""

import threading
from typing import Dict, List, NamedTuple, Optional

from app.device.cuda import Cuda, Memory
from app.device.graph import Graph


class Place(NamedTuple):
    """Where the work that a graph replays finds what it needs."""

    input: int
    scratch: int


class Slot:
    """What one thread works in: its stream, the pictures, the input, what comes back."""

    def __init__(self, cuda: Cuda) -> None:
        self.owner = threading.current_thread()  # or, once that has ended, another
        self.stream = cuda.stream()
        self.ready = cuda.event()
        self.done = cuda.event()
        self.pictures: Optional[Memory] = None
        self.input: Optional[Memory] = None
        self.back: Dict[str, Memory] = {}
        self.graphs: Dict[Place, Optional[Graph]] = {}

    @property
    def blocks(self) -> List[Memory]:
        return [one for one in (self.pictures, self.input, *self.back.values()) if one is not None]

    def forget(self) -> None:
        """Its graphs. None of them may be running."""
        for graph in self.graphs.values():
            if graph is not None:
                graph.destroy()
        self.graphs.clear()
