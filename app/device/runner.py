"""runner: one engine on the device, from pictures to what comes back, in buffers that stay."""

import contextlib
import functools
import threading
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Union

import numpy as np

from app.device import layers
from app.device.backend import Layer
from app.device.cuda import Memory
from app.device.engine import Engine
from app.device.graph import Graph, GraphError
from app.device.lane import Lane
from app.device.picker import Output, Picker
from app.device.placing import ByCpu, ByKernel, Part, aligned
from app.device.slot import Place, Prepared, Slot
from app.device.trt import Api

_SINGLE = 64  # runs of one picture in a row, before the engine's shape is made theirs


class Picking(NamedTuple):
    """How candidates are picked: roles of outputs, the picker, and the least score."""

    picker: Picker
    least: float


class Runner:
    """``prepare`` and ``infer`` for one engine; each thread has a slot of its own."""

    def __init__(
        self, lane: Lane, engine: Engine, placing: Union[ByKernel, ByCpu], batch: int
    ) -> None:
        """``batch``: the largest of the engine's profile. ``feed`` and ``pick`` may follow."""
        self._lane = lane
        self._cuda = lane.cuda
        self.engine = engine
        self.placing = placing
        self._part_bytes = aligned(batch * placing.row_bytes)
        self.batch = batch
        self._slots: List[Slot] = []
        self._own = threading.local()
        self.picking: Optional[Picking] = None
        self._picture = [b for b in engine.bindings if b.is_input and len(b.shape) == 4][0]
        shapes = engine.output_shapes(batch)
        self.outputs = tuple(
            binding._replace(shape=shapes[binding.name])
            for binding in engine.bindings
            if not binding.is_input
        )
        self._rows = 0  # of the latest run
        self._singles = 0  # runs of one picture since one of more
        self._common: Dict[str, Memory] = {}
        self._fed: Dict[str, Memory] = {}  # other inputs
        self.plan_bytes = 0  # of the file, whose weights lie on the device as well
        lane.take_in(engine)

    @property
    def memory(self) -> int:
        """Bytes of device memory that the engine runs in, its weights aside."""
        return self.engine.size

    def feed(self, name: str, values: np.ndarray) -> None:
        """Give another input (batch, ...) the same values for ever."""
        with self._lane.turn:  # what allocates would disturb a capture
            block = self._cuda.allocate(values.nbytes)
            self._cuda.store(block.address, values)
            self.engine.bind(name, block.address)
        self._fed[name] = block

    def pick(self, binary: bytes, plan: Any, roles: Mapping[str, str], least: float) -> Picker:
        """Bring back candidates only, by a vision.pick.Plan, from here on."""
        with self._lane.turn:  # what allocates would disturb a capture
            for binding in self.outputs:
                size = int(np.prod(binding.shape)) * np.dtype(binding.dtype).itemsize
                self._common[binding.name] = self._cuda.allocate(size)
            by_role = {}
            for binding in self.outputs:
                elements = int(np.prod(binding.shape[1:]))
                address = self._common[binding.name].address
                for role, name in roles.items():
                    if name == binding.name:
                        by_role[role] = Output(address, elements, binding.dtype)
            picker = Picker(self._cuda, binary, plan, by_role, self.batch)
        self.picking = Picking(picker, least)
        return picker

    def prepare(self, images: Sequence[np.ndarray], windows: np.ndarray) -> Prepared:
        slot = self.slot()
        parts = [
            Part(slice(first, first + self.batch), number * self._part_bytes)
            for number, first in enumerate(range(0, max(1, len(images)), self.batch))
        ]
        slot.room(len(parts) * self._part_bytes)
        self.placing.fill(slot, images, windows, parts)
        slot.ready.record(slot.stream)
        return Prepared(slot, len(images))

    def infer(self, tensor: Prepared) -> Dict[str, np.ndarray]:
        slot, rows = tensor.slot, tensor.rows
        assert slot.input is not None
        if rows <= self.batch:
            return self._infer(slot, slot.input.address, rows, rows)
        parts = []
        for part, first in enumerate(range(0, rows, self.batch)):  # whole ones, so one shape
            address = slot.input.address + part * self._part_bytes
            parts.append(self._infer(slot, address, self.batch, min(self.batch, rows - first)))
        if self.picking:
            parts = _as_wide(parts)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def raw(self, count: int) -> Callable[[], None]:
        """
        What runs the network alone on ``count`` rows of the calling thread's input, whatever they
        hold, and returns once it is done. For that thread.
        """
        slot, lane = self.slot(), self._lane
        rows, parts = min(count, self.batch), -(-count // self.batch)  # whole ones, as infer's

        def run() -> None:
            first = slot.room(parts * self._part_bytes).address
            with lane.turn:
                self._shape(rows)
                for part in range(parts):
                    place = Place(first + part * self._part_bytes, lane.scratch[0], alone=True)
                    work = functools.partial(self.enqueue, slot, place.input, rows)
                    self._put(slot, place, work)
            lane.stream.synchronize()

        return run

    def enqueue(self, slot: Slot, address: int, rows: int) -> None:
        """Put the network alone on the lane's stream, for rows of an input that lies there."""
        self._bind(self.engine, slot, address, rows)
        self.engine.enqueue(self._lane.stream.handle)

    def layers(self, api: Api, count: int, times: int) -> List[Layer]:
        """What each layer takes on ``count`` rows, or as many as one run takes; see raw()."""
        slot, lane = self.slot(), self._lane
        address = slot.room(self._part_bytes).address
        # A context that was profiled once may stay slower: so it is one of another engine, on the
        # same memory, which is nobody's meanwhile.
        with contextlib.closing(self.engine.copied()) as engine, lane.turn:
            engine.use(*lane.scratch)
            for name, fed in self._fed.items():
                engine.bind(name, fed.address)
            self._bind(engine, slot, address, min(count, self.batch))
            lane.stream.wait_for_event(slot.ready)
            return layers.timed(api, engine, lane.stream, times)

    def _bind(self, engine: Engine, slot: Slot, address: int, rows: int) -> None:
        engine.rows(rows)
        engine.bind(self._picture.name, address)
        for binding in self.outputs:
            where = self._common if self.picking else slot.back
            engine.bind(binding.name, where[binding.name].address)

    def close(self) -> None:
        """Graphs and the engine; memory is the Cuda's to free."""
        for slot in self._slots:
            slot.forget()
        self.engine.close()

    def free(self) -> None:
        """close(), and its memory, while other engines go on. No thread may be using it."""
        blocks = [*self._fed.values(), *self._common.values()]
        blocks += self.picking.picker.blocks if self.picking else ()
        for slot in self._slots:
            blocks += slot.blocks
        with self._lane.turn:
            self._lane.leave(self.engine)
            self.close()
            self._slots.clear()
            for block in blocks:
                self._cuda.release(block)

    def _infer(self, slot: Slot, address: int, rows: int, wanted: int) -> Dict[str, np.ndarray]:
        """Run ``rows`` rows of the input; what the first ``wanted`` of them gave."""
        lane = self._lane
        with lane.turn:
            rows = self._shape_for(rows)
            self._shape(rows)
            lane.stream.wait_for_event(slot.ready)
            place = Place(address, lane.scratch[0])
            self._put(slot, place, lambda: self._start(slot, address, rows))
            slot.done.record(lane.stream)
        slot.done.synchronize()
        return self._taken(slot, wanted)

    def _shape(self, rows: int) -> None:
        """Run so many rows from here on. Graphs are of the context as it was."""
        if rows != self._rows:
            self._lane.stream.synchronize()
            for one in self._slots:
                one.forget()
            self._rows = rows

    def _put(self, slot: Slot, place: Place, work: Callable[[], None]) -> None:
        """Put the work on the lane's stream: itself, and from then on by a graph of it."""
        if not self._replayed(slot.graphs.get(place)):
            work()
        if place not in slot.graphs:  # the shape is warm now, so nothing is allocated inside
            slot.graphs[place] = self._lane.capture(work)

    def _shape_for(self, rows: int) -> int:
        """
        How many rows to run. A new shape costs a synchronisation and all graphs, so with graphs
        there are but two: one picture, and the full batch, whose last rows are then of no use.
        """
        if self._lane.graphs is None:
            return rows
        self._singles = self._singles + 1 if rows == 1 else 0
        if rows == 1 and (self._rows <= 1 or self._singles > _SINGLE):
            return 1
        return self.batch

    def _replayed(self, graph: Optional[Graph]) -> bool:
        if graph is None or self._lane.graphs is None:
            return False
        try:
            graph.launch(self._lane.stream)
        except GraphError as error:
            self._lane.give_up_graphs(error)
            return False
        return True

    def _start(self, slot: Slot, address: int, rows: int) -> None:
        """Put all the work of a batch, whose input lies there, on the stream."""
        stream = self._lane.stream
        self.enqueue(slot, address, rows)
        if self.picking:
            picker, least = self.picking
            picker.start(least, rows, slot.back[""].address, stream)
            self._cuda.download(slot.back[""], 0, rows * picker.row_bytes, stream)
            return
        for binding in self.outputs:
            size = int(np.prod(binding.shape[1:])) * np.dtype(binding.dtype).itemsize
            self._cuda.download(slot.back[binding.name], 0, rows * size, stream)

    def _taken(self, slot: Slot, rows: int) -> Dict[str, np.ndarray]:
        """Copies of what came back: the caller's."""
        if self.picking:
            picker = self.picking.picker
            back = slot.back[""].host[: rows * picker.row_bytes]
            return picker.columns(back.reshape(rows, picker.row_bytes))
        made = {}
        for binding in self.outputs:
            shape = (rows,) + binding.shape[1:]
            count = int(np.prod(shape)) * np.dtype(binding.dtype).itemsize
            made[binding.name] = (
                slot.back[binding.name].host[:count].copy().view(binding.dtype).reshape(shape)
            )
        return made

    def slot(self) -> Slot:
        """What the calling thread works in: one that an ended thread has left, or a new one."""
        slot: Optional[Slot] = getattr(self._own, "slot", None)
        if slot is None:
            with self._lane.turn:  # what allocates would disturb a capture
                left = [one for one in self._slots if not one.owner.is_alive()]
                slot = left[0] if left else self._new_slot()
                slot.owner = threading.current_thread()
                self._own.slot = slot
        return slot

    def _new_slot(self) -> Slot:
        slot = Slot(self._lane)
        for name, count in self._back_bytes().items():
            slot.back[name] = self._cuda.shared(count)
        self._slots.append(slot)
        return slot

    def _back_bytes(self) -> Dict[str, int]:
        """What comes back at most, for each output; for candidates of all, under no name."""
        if self.picking:
            return {"": self.batch * self.picking.picker.row_bytes}
        return {
            binding.name: int(np.prod(binding.shape)) * np.dtype(binding.dtype).itemsize
            for binding in self.outputs
        }


def _as_wide(parts: List[Dict[str, np.ndarray]]) -> List[Dict[str, np.ndarray]]:
    """Candidate columns of several batches, filled up to one width; ``count`` says what is real."""
    most = max(part["index"].shape[1] for part in parts)
    made = []
    for part in parts:
        short = most - part["index"].shape[1]
        wide = {"count": part["count"]}
        for name in ("index", "class_id", "score", "box"):
            array = part[name]
            wide[name] = np.pad(
                array, [(0, 0), (0, short)] + [(0, 0)] * (array.ndim - 2), "constant"
            )
        made.append(wide)
    return made
