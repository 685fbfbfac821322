"""placing: how pictures come into a slot's input: placed by a kernel, or by the CPU."""

from typing import Callable, List, NamedTuple, Sequence, Tuple

import numpy as np

from app.device.backend import InputSpec
from app.device.canvas import Canvas, cast, cut
from app.device.cuda import Cuda
from app.device.pinned import address_of
from app.device.placer import Placer, Source
from app.device.slot import Slot
from app.errors import DeviceError

ALIGNED = 256  # bytes: what TensorRT wants of an address


class Part(NamedTuple):
    """What one run of the network takes: rows of the batch, and where in the input they lie."""

    rows: slice
    first: int  # byte


class ByKernel:
    """Pictures are brought to the device as they are, where a kernel places them."""

    def __init__(self, cuda: Cuda, placer: Placer) -> None:
        self._cuda = cuda
        self.placer = placer
        self.row_bytes = placer.row_bytes

    def fill(
        self, slot: Slot, images: Sequence[np.ndarray], windows: np.ndarray, parts: Sequence[Part]
    ) -> None:
        """Start placing window b of picture b in row b; ready once the slot's stream is."""
        assert slot.input is not None
        sources = self._bring(slot, images)
        for rows, first in parts:
            address = slot.input.address + first
            self.placer.place(sources[rows], windows[rows], address, slot.stream)

    def _bring(self, slot: Slot, images: Sequence[np.ndarray]) -> List[Source]:
        """Each picture to the device, once even where it stands in several rows."""
        whole = {id(image): np.ascontiguousarray(image) for image in images}
        there = {key: address_of(image) for key, image in whole.items()}
        places, size = {}, 0
        for key, image in whole.items():
            if there[key] is None:
                places[key] = size
                size += aligned(image.nbytes)
        if slot.pictures is None or slot.pictures.count < size:  # frames of one size ask once
            old, slot.pictures = slot.pictures, None
            slot.pictures = slot.instead(old, lambda: self._cuda.landing(size))
        for key, place in places.items():
            self._cuda.put(whole[key], slot.pictures, place, slot.stream)
            there[key] = slot.pictures.address + place
        return [Source(whole[id(image)], there[id(image)] or 0) for image in images]


class ByCpu:
    """
    The CPU places pictures as HostBackend does, in memory that the GPU's copy engine reads by
    itself where that is cached, and one copy a run of the network brings them there.
    """

    def __init__(self, cuda: Cuda, spec: InputSpec, dtype: str) -> None:
        self._cuda = cuda
        self._spec = spec
        self._dtype = np.dtype(dtype)
        self.row_bytes = 3 * spec.size_wh[0] * spec.size_wh[1] * int(self._dtype.itemsize)

    def fill(
        self, slot: Slot, images: Sequence[np.ndarray], windows: np.ndarray, parts: Sequence[Part]
    ) -> None:
        """Place window b of picture b in row b, and start to copy; as ByKernel.fill."""
        assert slot.input is not None
        if slot.canvas is None:
            slot.canvas = Canvas(self._spec, self._room(slot))
        canvas = slot.canvas
        batch = canvas.batch(len(images))
        for row, (image, window) in enumerate(zip(images, windows)):
            canvas.place(row, cut(image, window))
        made = cast(batch, self._dtype)
        for rows, first in parts:
            if len(made[rows]):
                self._cuda.put(made[rows].view(np.uint8), slot.input, first, slot.stream)

    def _room(self, slot: Slot) -> Callable[[Tuple[int, ...]], np.ndarray]:
        """Memory to place in; for another type than float32, what is copied is made of it."""

        def room(shape: Tuple[int, ...]) -> np.ndarray:
            if self._dtype != np.float32:
                return np.empty(shape, np.float32)
            size = 4 * int(np.prod(shape))
            old, slot.drawn = slot.drawn, None
            try:
                slot.drawn = slot.instead(old, lambda: self._cuda.readable(size))
            except DeviceError:  # there is no more of it, or to place in it would take for ever
                return np.empty(shape, np.float32)
            return slot.drawn.host[:size].view(np.float32).reshape(shape)

        return room


def aligned(size: int) -> int:
    return -(-size // ALIGNED) * ALIGNED
