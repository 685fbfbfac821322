"""placer: windows of pictures on the device, placed in a network's input by one kernel."""

from typing import Any, List, NamedTuple, Sequence, Tuple

import numpy as np

from app.device.backend import InputSpec
from app.device.canvas import edges
from app.device.cuda import Cuda
from app.vision import letterbox

MOST_ROWS = 32  # of one launch, as they travel as its arguments
_THREADS = 128
_KINDS = {"float32": 0, "float16": 1, "uint8": 2}
_NV12 = 1

_PLACES = ("pitch", "form", "high", "x", "y", "wide", "tall", "fit_wide", "fit_high")
_ROW = np.dtype(
    [("picture", "u8")] + [(name, "i4") for name in _PLACES + ("left", "top", "unused")]
)
_LOOK = np.dtype(
    [("wide", "i4"), ("high", "i4"), ("kind", "i4"), ("nhwc", "i4"), ("swap", "i4")]
    + [("scale", "f4", 3), ("shift", "f4", 3), ("pad", "f4")]
)
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
        look["wide"], look["high"] = spec.size_wh
        look["kind"] = _KINDS[dtype]
        look["nhwc"] = spec.layout == "nhwc"
        look["swap"] = spec.colour == "rgb"
        look["scale"] = [1 / std for std in spec.std]
        look["shift"] = [mean / std for mean, std in zip(spec.mean, spec.std)]
        look["pad"] = spec.pad
        self._spec = spec
        self._look = look.tobytes()
        self._rows = np.zeros(MOST_ROWS, _ROW)
        self._blocks = -(-spec.size_wh[0] * spec.size_wh[1] // _THREADS)
        self._row_bytes = 3 * spec.size_wh[0] * spec.size_wh[1] * np.dtype(dtype).itemsize
        self._kernel = cuda.kernel(binary, "letterbox", ARGUMENTS)

    @property
    def row_bytes(self) -> int:
        """Bytes of one picture in the input."""
        return self._row_bytes

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
                address + start * self._row_bytes,
            )

    def _row(self, source: Source, window: np.ndarray) -> Tuple[int, ...]:
        image = source.image
        wide, high = letterbox.size_of(image)
        x1, y1, x2, y2 = edges((wide, high), window)
        fit: letterbox.Fit = self._spec.fit((x2 - x1, y2 - y1))
        form = image.shape[2] if image.ndim == 3 else _NV12
        pitch = wide * (form if image.ndim == 3 else 1)
        values: List[int] = [source.address, pitch, form, high, x1, y1, x2 - x1, y2 - y1]
        return tuple(values) + (fit.wide, fit.high, fit.left, fit.top, 0)
