"""clues: what a rule of guess is shown of a network, and what it answers."""

import ast
from typing import Any, Dict, FrozenSet, Mapping, NamedTuple, Optional, Tuple

from app.vision.looks import Look
from app.vision.tensors import Tensor


class Hints(NamedTuple):
    """What else is known of the graph; all of it may be missing."""

    operators: FrozenSet[str] = frozenset()
    metadata: Mapping[str, str] = {}
    labels: Tuple[str, ...] = ()  # as the manifest gives them

    @property
    def names(self) -> Tuple[str, ...]:
        """The classes' names, from whoever gives them."""
        return self.labels or names_in(self.metadata)


class Seen(NamedTuple):
    inputs: Tuple[Tensor, ...]
    outputs: Tuple[Tensor, ...]
    size_wh: Tuple[int, int]
    hints: Hints


class Head(NamedTuple):
    decoder: Optional[str]
    roles: Mapping[str, str]
    look: Look
    classes: Optional[int]
    reason: str


def names_in(metadata: Mapping[str, str]) -> Tuple[str, ...]:
    """Ultralytics writes its class names as a Python dictionary, early YOLOv5 as a list."""
    names = _literal(metadata.get("names", ""))
    if isinstance(names, dict) and all(isinstance(key, int) for key in names):
        return tuple(str(names[key]) for key in sorted(names))
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def size_in(metadata: Mapping[str, str]) -> Optional[Tuple[int, int]]:
    """(wide, high) from Ultralytics' imgsz, which is [high, wide] or one number for both."""
    size = _literal(metadata.get("imgsz", ""))
    high_wide = size if isinstance(size, list) else [size, size]
    if len(high_wide) != 2 or not all(isinstance(n, int) and n > 0 for n in high_wide):
        return None
    return high_wide[1], high_wide[0]


def named(**roles: Tensor) -> Dict[str, str]:
    return {role: spec.name for role, spec in roles.items()}


def axes(spec: Tensor) -> int:
    return len(spec.shape)


def known(size: int) -> Optional[int]:
    return size if size > 0 else None


def is_label(spec: Tensor) -> bool:
    called = any(word in spec.name.lower() for word in ("label", "class"))
    return called or spec.dtype.startswith("int")


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
