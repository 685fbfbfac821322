"""picker: the candidates of a dense head, picked on the device by the kernels of pick.cu."""

from typing import Any, Dict, Mapping, NamedTuple, Optional

import numpy as np

from app.device.cuda import Cuda
from app.vision.found import MOST
from app.vision.pick import Level, Plan, View

MOST_BYTES = 64 << 10  # that may come back for one picture

_KINDS = {"float32": 0, "float16": 1}
_ACTIVATIONS = {"none": 0, "sigmoid": 1, "softmax": 2}
_PARTS = 4  # box views of one level, at most
_HEADER = 4  # ints
_THREADS = 128

_VIEW = np.dtype(
    [("data", "u8"), ("batch", "i8"), ("kind", "i4"), ("first", "i4"), ("down", "i4")]
    + [("across", "i4"), ("width", "i4"), ("unused", "i4")]
)
_LEVEL = np.dtype(
    [("rows", "i4"), ("classes", "i4"), ("rest", "i4"), ("fan", "i4")]
    + [("scores", _VIEW), ("objectness", _VIEW), ("box", _VIEW, _PARTS)]
)


class Output(NamedTuple):
    """A network's output on the device: one picture's elements lie one after another."""

    address: int
    elements: int  # of one picture
    dtype: str


class Picker:
    """Picks for up to ``batch`` pictures at once, on one stream at a time."""

    def __init__(
        self, cuda: Cuda, binary: bytes, plan: Plan, outputs: Mapping[str, Output], batch: int
    ) -> None:
        """``outputs`` by role. Allocates what it works in. Raises KeyError for integer outputs."""
        record = 3 + plan.width
        self._plan = plan
        self._most = min(MOST, (MOST_BYTES // 4 - _HEADER) // record)
        self._total = sum(level.rows for level in plan.levels)
        self.row_bytes = 4 * (_HEADER + self._most * record)  # that come back for one picture
        table = np.stack([_level(level, plan.rest, outputs) for level in plan.levels])
        self._levels = cuda.allocate(table.nbytes)
        cuda.store(self._levels.address, table.view(np.uint8))
        self._scores = cuda.allocate(4 * self._total * batch)
        self._chosen = cuda.allocate(4 * self._total * batch)
        self._best = cuda.kernel(binary, "best", "P i i f P P")
        self._gather = cuda.kernel(binary, "gather", "P i f i i P P P")

    def start(self, least: float, rows: int, address: int, stream: Any) -> None:
        """Pick for the first ``rows`` pictures into device memory, ``row_bytes`` for each."""
        levels, scores, chosen = (
            block.address for block in (self._levels, self._scores, self._chosen)
        )
        self._best(
            (-(-self._total // _THREADS), rows), _THREADS, stream,
            levels, self._total, _ACTIVATIONS[self._plan.activation], least, scores, chosen,
        )  # fmt: skip
        self._gather(
            (rows, 1), 1024, stream,
            levels, self._total, least, self._most, self._plan.width, scores, chosen, address,
        )  # fmt: skip

    def columns(self, back: np.ndarray) -> Dict[str, np.ndarray]:
        """
        What came back, (B, row_bytes) uint8, as columns with B first: count, index, class_id,
        score and box, (B, K, width). Copies, cut to the longest.
        """
        words = back.view(np.int32)
        count = words[:, 0].copy()
        most = int(count.max()) if len(count) else 0
        record = 3 + self._plan.width
        rows = words[:, _HEADER : _HEADER + most * record].copy()
        rows = rows.reshape(len(words), most, record)
        numbers = rows.view(np.float32)
        return {
            "count": count,
            "index": rows[..., 0],
            "class_id": rows[..., 1],
            "score": numbers[..., 2],
            "box": numbers[..., 3:],
        }


def _level(level: Level, rest: int, outputs: Mapping[str, Output]) -> np.ndarray:
    made = np.zeros((), _LEVEL)
    made["rows"], made["classes"] = level.rows, level.classes
    made["rest"], made["fan"] = rest, level.fan
    made["scores"] = _view(level.scores, level.classes, outputs)
    made["objectness"] = _view(level.objectness, 1, outputs)
    for number, (view, width) in enumerate(level.boxes):
        made["box"][number] = _view(view, width, outputs)
    return made


def _view(view: Optional[View], width: int, outputs: Mapping[str, Output]) -> np.ndarray:
    made = np.zeros((), _VIEW)
    if view is not None:
        output = outputs[view.role]
        made["data"], made["batch"] = output.address, output.elements
        made["kind"], made["width"] = _KINDS[output.dtype], width
        made["first"], made["down"], made["across"] = view.first, view.down, view.across
    return made
