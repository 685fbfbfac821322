"""runner: one engine on the device, from pictures to what comes back, in buffers that stay."""

import threading
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from app.device.cuda import Memory
from app.device.engine import Engine
from app.device.graph import Graph, GraphError
from app.device.lane import Lane
from app.device.picker import Output, Picker
from app.device.pinned import address_of
from app.device.placer import Placer, Source
from app.device.slot import Place, Slot

_ALIGNED = 256  # bytes: what TensorRT wants of an address
_SINGLE = 64  # runs of one picture in a row, before the engine's shape is made theirs


class Prepared(NamedTuple):
    """A tensor: pictures placed in a slot's input, ready once the slot's stream is."""

    slot: Slot
    rows: int


class Picking(NamedTuple):
    """How candidates are picked: roles of outputs, the picker, and the least score."""

    picker: Picker
    least: float


class Runner:
    """``prepare`` and ``infer`` for one engine; each thread has a slot of its own."""

    def __init__(self, lane: Lane, engine: Engine, placer: Placer, batch: int) -> None:
        """``batch``: the largest of the engine's profile. ``feed`` and ``pick`` may follow."""
        self._lane = lane
        self._cuda = lane.cuda
        self.engine = engine
        self.placer = placer
        self._part_bytes = _aligned(batch * placer.row_bytes)
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
        self._fed: List[Memory] = []
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
        self._fed.append(block)

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
        sources = self._bring(slot, images)
        starts = range(0, max(1, len(images)), self.batch)
        size = len(starts) * self._part_bytes
        if slot.input is None or slot.input.count < size:
            old, slot.input = slot.input, None
            slot.input = self._instead(slot, old, lambda: self._cuda.allocate(size))
        for part, first in enumerate(starts):
            rows = slice(first, first + self.batch)
            address = slot.input.address + part * self._part_bytes
            self.placer.place(sources[rows], windows[rows], address, slot.stream)
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

    def close(self) -> None:
        """Graphs and the engine; memory is the Cuda's to free."""
        for slot in self._slots:
            slot.forget()
        self.engine.close()

    def free(self) -> None:
        """close(), and its memory, while other engines go on. No thread may be using it."""
        blocks = [*self._fed, *self._common.values()]
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
            if rows != self._rows:  # graphs are of the context as it was
                lane.stream.synchronize()
                for one in self._slots:
                    one.forget()
                self._rows = rows
            place = Place(address, lane.scratch[0])
            lane.stream.wait_for_event(slot.ready)
            if not self._replayed(slot.graphs.get(place)):
                self._start(slot, address, rows)
            slot.done.record(lane.stream)
            if place not in slot.graphs:  # the shape is warm now, so nothing is allocated inside
                slot.graphs[place] = lane.capture(lambda: self._start(slot, address, rows))
        slot.done.synchronize()
        return self._taken(slot, wanted)

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
        engine, stream = self.engine, self._lane.stream
        engine.rows(rows)
        engine.bind(self._picture.name, address)
        for binding in self.outputs:
            where = self._common if self.picking else slot.back
            engine.bind(binding.name, where[binding.name].address)
        engine.enqueue(stream.handle)
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
        slot = Slot(self._cuda)
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

    def _bring(self, slot: Slot, images: Sequence[np.ndarray]) -> List[Source]:
        """Each picture to the device, once even where it stands in several rows."""
        whole = {id(image): np.ascontiguousarray(image) for image in images}
        there = {key: address_of(image) for key, image in whole.items()}
        places, size = {}, 0
        for key, image in whole.items():
            if there[key] is None:
                places[key] = size
                size += _aligned(image.nbytes)
        if slot.pictures is None or slot.pictures.count < size:  # frames of one size ask once
            old, slot.pictures = slot.pictures, None
            slot.pictures = self._instead(slot, old, lambda: self._cuda.landing(size))
        for key, place in places.items():
            self._cuda.put(whole[key], slot.pictures, place, slot.stream)
            there[key] = slot.pictures.address + place
        return [Source(whole[id(image)], there[id(image)] or 0) for image in images]

    def _instead(self, slot: Slot, old: Optional[Memory], take: Callable[[], Memory]) -> Memory:
        """A larger block in place of one of the slot's; not while another thread captures."""
        with self._lane.turn:
            slot.stream.synchronize()  # its thread has waited for all else that it started
            if old is not None:
                self._cuda.release(old)
            return take()


def _aligned(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED


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
