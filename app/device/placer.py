"""placer: windows of pictures on the device, placed in a network's input by one kernel."""

from typing import Any, NamedTuple, Sequence, Tuple

import numpy as np

from app.device.backend import InputSpec
from app.device.canvas import edges
from app.device.cuda import Cuda
from app.vision import letterbox

MOST_ROWS = 32  # of one launch, as they travel as its arguments
_THREADS = 128
_KINDS = {"float32": 0, "float16": 1, "uint8": 2}
_NV12 = 1

_ROW = np.dtype(
    "u8, 12i4"  # the picture's address; then as struct Row of letterbox.cu has them
)
_LOOK = np.dtype("5i4, 3f4, 3f4, f4")  # struct Look
ARGUMENTS = f"{MOST_ROWS * _ROW.itemsize}s {_LOOK.itemsize}s P"


class Source(NamedTuple):
    """A picture, and where it lies on the device."""

    image: np.ndarray
    address: int


class Placer:
    """Fills rows of a network's input. ``dtype``: the input's, float32, float16 or uint8."""

    def __init__(self, cuda: Cuda, binary: bytes, spec: InputSpec, dtype: str) -> None:
        """Raises DeviceError where the kernel does not load, KeyError for another dtype."""
        look = np.zeros((), _LOOK)
        look["f0"][:] = (
            *spec.size_wh,
            _KINDS[dtype],
            spec.layout == "nhwc",
            spec.colour == "rgb",
        )
        look["f1"][:] = [1 / std for std in spec.std]
        look["f2"][:] = [mean / std for mean, std in zip(spec.mean, spec.std)]
        look["f3"] = spec.pad
        self._spec = spec
        self._look = look.tobytes()
        self._rows = np.zeros(MOST_ROWS, _ROW)
        self._blocks = -(-spec.size_wh[0] * spec.size_wh[1] // _THREADS)
        # bytes of one picture in the input
        self.row_bytes = 3 * spec.size_wh[0] * spec.size_wh[1] * int(np.dtype(dtype).itemsize)
        self._kernel = cuda.kernel(binary, "letterbox", ARGUMENTS)

    def place(
        self, sources: Sequence[Source], windows: np.ndarray, address: int, stream: Any
    ) -> None:
        """Start placing window b, (B, 4) xyxy in pixels of picture b, in row b of the input."""
        for start in range(0, len(sources), MOST_ROWS):
            part = list(zip(sources, windows))[start : start + MOST_ROWS]
            rows = self._rows.copy()
            for number, (source, window) in enumerate(part):
                rows[number] = self._row(source, window)
            self._kernel(
                (self._blocks, len(part)),
                _THREADS,
                stream,
                rows.tobytes(),
                self._look,
                address + start * self.row_bytes,
            )

    def _row(self, source: Source, window: np.ndarray) -> Tuple[int, Tuple[int, ...]]:
        image = source.image
        wide, high = letterbox.size_of(image)
        x1, y1, x2, y2 = edges((wide, high), window)
        fit: letterbox.Fit = self._spec.fit((x2 - x1, y2 - y1))
        form = image.shape[2] if image.ndim == 3 else _NV12
        pitch = wide * (form if image.ndim == 3 else 1)
        window_xywh = (x1, y1, x2 - x1, y2 - y1)
        place = (fit.wide, fit.high, fit.left, fit.top)
        return source.address, (pitch, form, high) + window_xywh + place + (0,)
