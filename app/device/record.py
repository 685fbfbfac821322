"""record: NamedTuples as plain JSON values, and back by their own type hints, each one checked."""

import collections.abc
import enum
import re
import typing
from typing import Any, Dict, Mapping, Tuple

_MOST = 1 << 62  # no whole number of ours is further from 0
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WORDS: Dict[Any, str] = {str: "text", int: "a whole number", float: "a number"}


def plain(value: Any) -> Any:
    """The value in what JSON has. A character that no line of text can show becomes U+FFFD."""
    if isinstance(value, enum.Enum):
        return value.value
    if hasattr(value, "_fields"):
        return {name: plain(getattr(value, name)) for name in value._fields}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, collections.abc.Mapping):
        return {plain(key): plain(each) for key, each in value.items()}
    return _UNPRINTABLE.sub("\ufffd", value) if isinstance(value, str) else value


def made(kind: Any, value: Any, place: str = "") -> Any:
    """
    The value of this type that ``plain`` made these values of. The type is a NamedTuple of
    NamedTuples, enums, str, bool, int, float, Optional, Tuple and Mapping of str to one of these.

    Nothing is taken on trust: raises ValueError, with the place, for whatever is of another type,
    infinite, not printable, missing without a default, or unknown.
    """
    origin = getattr(kind, "__origin__", None)
    arguments: Tuple[Any, ...] = getattr(kind, "__args__", None) or ()
    if hasattr(kind, "_fields"):
        return _named_tuple(kind, value, place)
    if origin is typing.Union:  # an Optional
        return None if value is None else made(arguments[0], value, place)
    if origin in (tuple, Tuple):  # the latter on Python 3.6
        return _tuple(arguments, value, place)
    if origin in (collections.abc.Mapping, Mapping):
        _expect(isinstance(value, dict), place, "an object")
        return {
            made(str, key, place): made(arguments[1], each, under(place, key))
            for key, each in value.items()
        }
    if issubclass(kind, enum.Enum):
        words = [each.value for each in kind]
        _expect(value in words, place, "one of " + ", ".join(words))
        return kind(value)
    return _single(kind, value, place)


def under(place: str, key: str) -> str:
    """What to call a key inside of a place; no more of it than a line can hold."""
    key = _UNPRINTABLE.sub("\ufffd", key)[:60]
    return f"{place}.{key}" if place else key


def _named_tuple(kind: Any, value: Any, place: str) -> Any:
    _expect(isinstance(value, dict), place, "an object")
    for key in value:
        if key not in kind._fields:
            raise ValueError(f"{under(place, key)} is unknown")
    hints = typing.get_type_hints(kind)
    defaults = kind._field_defaults
    fields = {}
    for name in kind._fields:
        if name in value:
            fields[name] = made(hints[name], value[name], under(place, name))
        elif name not in defaults:
            raise ValueError(f"{under(place, name)} is missing")
    return kind(**fields)


def _tuple(kinds: Tuple[Any, ...], value: Any, place: str) -> Any:
    _expect(isinstance(value, list), place, "a list")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    _expect(len(value) == len(kinds), place, f"a list of {len(kinds)}")
    return tuple(
        made(kind, each, f"{place}[{row}]") for row, (kind, each) in enumerate(zip(kinds, value))
    )


def _single(kind: Any, value: Any, place: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        _expect(abs(value) < _MOST, place, "a smaller number")
        value = float(value)
    # bool is an int to Python, and no number to anybody else
    _expect(type(value) is kind, place, _WORDS.get(kind, "true or false"))
    if kind is str:
        _expect(not _UNPRINTABLE.search(value), place, "text that can be printed")
    elif kind is not bool:
        _expect(abs(value) < _MOST, place, "a smaller number")  # nor is what is no number
    return value


def _expect(right: bool, place: str, wanted: str) -> None:
    if not right:
        raise ValueError(f"{place or 'the whole'} must be {wanted}")
