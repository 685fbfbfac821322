"""slot: what one thread works in on the device: its stream, its buffers and its graphs."""

import threading
from typing import Callable, Dict, List, NamedTuple, Optional

from app.device.canvas import Canvas
from app.device.cuda import Memory
from app.device.graph import Graph
from app.device.lane import Lane


class Place(NamedTuple):
    """Where the work that a graph replays finds what it needs, and whether that is all of it."""

    input: int
    scratch: int
    alone: bool = False  # the network, with nothing picked and nothing brought back


class Prepared(NamedTuple):
    """A tensor: pictures placed in a slot's input, ready once the slot's stream is."""

    slot: "Slot"
    rows: int


class Slot:
    """What one thread works in: its stream, the pictures, the input, what comes back."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._cuda = lane.cuda
        self.owner = threading.current_thread()  # or, once that has ended, another
        self.stream = lane.cuda.stream()
        self.ready = lane.cuda.event()
        self.done = lane.cuda.event()
        self.pictures: Optional[Memory] = None  # as they came, for a kernel to place
        self.canvas: Optional[Canvas] = None  # where the CPU places them instead
        self.drawn: Optional[Memory] = None  # what that lies in
        self.input: Optional[Memory] = None
        self.back: Dict[str, Memory] = {}
        self.graphs: Dict[Place, Optional[Graph]] = {}

    @property
    def blocks(self) -> List[Memory]:
        mine = (self.pictures, self.drawn, self.input, *self.back.values())
        return [one for one in mine if one is not None]

    def room(self, size: int) -> Memory:
        """The input, of so many bytes at least; frames of one size ask for memory once."""
        if self.input is None or self.input.count < size:
            old, self.input = self.input, None
            self.input = self.instead(old, lambda: self._cuda.allocate(size))
        return self.input

    def instead(self, old: Optional[Memory], take: Callable[[], Memory]) -> Memory:
        """A larger block in place of one of the slot's; not while another thread captures."""
        with self._lane.turn:
            self.stream.synchronize()  # its thread has waited for all else that it started
            if old is not None:
                self._cuda.release(old)
            return take()

    def forget(self) -> None:
        """Its graphs. None of them may be running."""
        for graph in self.graphs.values():
            if graph is not None:
                graph.destroy()
        self.graphs.clear()
