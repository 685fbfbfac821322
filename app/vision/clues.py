"""clues: what a rule of guess is shown of a network, and what it answers."""

import ast
from typing import Any, Dict, FrozenSet, Mapping, NamedTuple, Optional, Tuple

from app.vision.looks import Look
from app.vision.tensors import Tensor


class Hints(NamedTuple):
    """What else is known of the graph; all of it may be missing."""

    operators: FrozenSet[str] = frozenset()
    metadata: Mapping[str, str] = {}


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
    """Ultralytics writes its class names as a Python dictionary."""
    try:
        names: Any = ast.literal_eval(metadata.get("names", "{}"))
        return tuple(str(names[key]) for key in sorted(names))
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        return ()


def named(**roles: Tensor) -> Dict[str, str]:
    return {role: spec.name for role, spec in roles.items()}


def axes(spec: Tensor) -> int:
    return len(spec.shape)


def known(size: int) -> Optional[int]:
    return size if size > 0 else None


def is_label(spec: Tensor) -> bool:
    called = any(word in spec.name.lower() for word in ("label", "class"))
    return called or spec.dtype.startswith("int")
