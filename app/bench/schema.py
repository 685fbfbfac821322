"""schema: the JSON Schema of a benchmark's file, of what results.py declares."""

import collections.abc
import typing
from typing import Any, Dict, Mapping, Tuple

from app.bench.results import FORMAT, Document

_SINGLE = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schema() -> Dict[str, Any]:
    """As configs/bench.schema.json has it; it accepts what ``results.read`` does."""
    made: Dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "bench.schema.json",
        "title": "A Jetwatch benchmark",
        **_of(Document),
    }
    made["properties"]["format"] = {"const": FORMAT}
    return made


def _of(kind: Any) -> Dict[str, Any]:
    """The kinds are those that device.record knows, but for enums."""
    origin = getattr(kind, "__origin__", None)
    arguments: Tuple[Any, ...] = getattr(kind, "__args__", None) or ()
    if hasattr(kind, "_fields"):
        return _named_tuple(kind)
    if origin is typing.Union:  # an Optional
        return {"anyOf": [_of(arguments[0]), {"type": "null"}]}
    if origin in (tuple, Tuple):  # the latter on Python 3.6
        return _tuple(arguments)
    if origin in (collections.abc.Mapping, Mapping):
        return {"type": "object", "additionalProperties": _of(arguments[1])}
    return {"type": _SINGLE[kind]}


def _named_tuple(kind: Any) -> Dict[str, Any]:
    hints = typing.get_type_hints(kind)
    told = " ".join((kind.__doc__ or "").split())
    # what Python itself says of a NamedTuple without a docstring is nothing to be read
    described = {} if told.startswith(f"{kind.__name__}(") else {"description": told}
    return {
        **described,
        "type": "object",
        "additionalProperties": False,
        "required": [name for name in kind._fields if name not in kind._field_defaults],
        "properties": {name: _of(hints[name]) for name in kind._fields},
    }


def _tuple(kinds: Tuple[Any, ...]) -> Dict[str, Any]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return {"type": "array", "items": _of(kinds[0])}
    items = [_of(kind) for kind in kinds]
    return {"type": "array", "items": items, "minItems": len(items), "maxItems": len(items)}
