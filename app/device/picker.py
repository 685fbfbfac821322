"""picker: the candidates of a dense head, picked on the device by the kernels of pick.cu."""

from typing import Any, Dict, Mapping, NamedTuple, Optional

import numpy as np

from app.device.cuda import Cuda
from app.vision.found import MOST
from app.vision.pick import Level, Plan, View

MOST_BYTES = 64 << 10  # that may come back for one picture

_KINDS = {"float32": 0, "float16": 1}
_ACTIVATIONS = {"none": 0, "sigmoid": 1, "softmax": 2}
_HEADER = 4  # ints
_THREADS = 128

_VIEW = np.dtype("u8, i8, 6i4")  # struct View of pick.cu: data, batch, then the small ones
_LEVEL = np.dtype(
    [("sizes", "4i4"), ("scores", _VIEW), ("objectness", _VIEW), ("box", _VIEW, (4,))]
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
        self.most = min(MOST, (MOST_BYTES // 4 - _HEADER) // record)
        self._total = sum(level.rows for level in plan.levels)
        self.row_bytes = 4 * (_HEADER + self.most * record)  # that come back for one picture
        table = np.stack([_level(level, plan.rest, outputs) for level in plan.levels])
        levels = cuda.allocate(table.nbytes)
        cuda.store(levels.address, table.view(np.uint8))
        scores, chosen = (cuda.allocate(4 * self._total * batch) for _ in range(2))
        self.blocks = (levels, scores, chosen)
        self._best = cuda.kernel(binary, "best", "P i i f P P")
        self._gather = cuda.kernel(binary, "gather", "P i f i i P P P")

    def start(self, least: float, rows: int, address: int, stream: Any) -> None:
        """Pick for the first ``rows`` pictures into device memory, ``row_bytes`` for each."""
        levels, scores, chosen = (block.address for block in self.blocks)
        self._best(
            (-(-self._total // _THREADS), rows), _THREADS, stream,
            levels, self._total, _ACTIVATIONS[self._plan.activation], least, scores, chosen,
        )  # fmt: skip
        self._gather(
            (rows, 1), 1024, stream,
            levels, self._total, least, self.most, self._plan.width, scores, chosen, address,
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
    made["sizes"][:] = (level.rows, level.classes, rest, level.fan)
    made["scores"] = _view(level.scores, level.classes, outputs)
    made["objectness"] = _view(level.objectness, 1, outputs)
    for number, (view, width) in enumerate(level.boxes):
        made["box"][number] = _view(view, width, outputs)
    return made


def _view(view: Optional[View], width: int, outputs: Mapping[str, Output]) -> np.ndarray:
    made = np.zeros((), _VIEW)
    if view is not None:
        output = outputs[view.role]
        numbers = (_KINDS[output.dtype], view.first, view.down, view.across, width, 0)
        made[()] = (output.address, output.elements, numbers)
    return made
