"""detections: N objects as parallel numpy columns."""

from typing import Any, Dict, Iterator, Sequence, Tuple, Union

import numpy as np

# name, dtype, shape after the first axis, value of a column that was not given
_COLUMNS = (
    ("xyxy", np.float32, (4,), None),
    ("score", np.float32, (), None),
    ("class_id", np.int32, (), None),
    ("track_id", np.int32, (), -1),
)

Index = Union[slice, np.ndarray]


class Detections:
    """
    N objects in one frame, one array per property.

    Boxes are ``(x1, y1, x2, y2)`` in pixels of the source image. All columns
    always exist and share their first axis, so code never asks "is it None?";
    ``track_id`` is -1 until the tracker has run.
    """

    __slots__ = tuple(name for name, _, _, _ in _COLUMNS)

    xyxy: np.ndarray
    score: np.ndarray
    class_id: np.ndarray
    track_id: np.ndarray

    def __init__(self, **columns: Any) -> None:
        count = len(columns["xyxy"])
        for name, dtype, tail, fill in _COLUMNS:
            value = columns.pop(name, None)
            if value is None:
                if fill is None:
                    raise TypeError(f"Detections needs a {name!r} column")
                value = np.full((count,) + tail, fill, dtype)
            value = np.asarray(value, dtype)
            if value.shape != (count,) + tail:
                raise ValueError(f"{name} must have shape {(count,) + tail}, got {value.shape}")
            setattr(self, name, value)
        if columns:
            raise TypeError(f"Detections has no column {sorted(columns)[0]!r}")

    @classmethod
    def empty(cls) -> "Detections":
        return cls(xyxy=np.empty((0, 4)), score=np.empty(0), class_id=np.empty(0))

    def __len__(self) -> int:
        return len(self.score)

    def __getitem__(self, index: Index) -> "Detections":
        """Pick rows by boolean mask, index array or slice."""
        return Detections(**{name: column[index] for name, column in self._columns()})

    def replace(self, **columns: Any) -> "Detections":
        """A copy with some columns changed."""
        merged: Dict[str, Any] = dict(self._columns())
        merged.update(columns)
        return Detections(**merged)

    def _columns(self) -> Iterator[Tuple[str, np.ndarray]]:
        return ((name, getattr(self, name)) for name in self.__slots__)

    def __repr__(self) -> str:
        return f"<Detections n={len(self)}>"


def name_of(class_id: int, labels: Sequence[str]) -> str:
    """The label of a class, or its number where the labels do not reach."""
    return labels[class_id] if 0 <= class_id < len(labels) else f"class {class_id}"
