"""kinds: what a setting's value may be: text, a whole number, a list of numbers, ..."""

import abc
import enum
import math
import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Union

import yaml

Check = Callable[[Any], Optional[str]]  # value -> what is wrong with it, or None
Numeric = Union[int, float]

MOST_PROBLEMS = 20  # that are worth reading at once

# YAML can write them (as "\0"), but no file name, no host name and no encoder takes them.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff]")


class Absent(enum.Enum):
    """What an absent key means, where it is no ordinary value."""

    REQUIRED = "the key must be written"
    DEFAULTS = "a group is read as if an empty one was written"


REQUIRED = Absent.REQUIRED
DEFAULTS = Absent.DEFAULTS


class Problem(NamedTuple):
    line: int
    text: str


class Pair(NamedTuple):
    key: yaml.Node
    value: yaml.Node


class Report:
    """The problems of one file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: List[Problem] = []

    def wrong(self, node: yaml.Node, place: str, text: str) -> Any:
        """Note a problem; returns None to stand for the value."""
        self.problems.append(Problem(node.start_mark.line + 1, f"{place or 'the file'} {text}"))

    def lines(self) -> List[str]:
        """FILE:LINE: key problem, in the file's order."""
        ordered = sorted(self.problems, key=lambda problem: problem.line)
        lines = [f"{self.path}:{problem.line}: {problem.text}" for problem in ordered]
        more = len(lines) - MOST_PROBLEMS
        return lines[:MOST_PROBLEMS] + [f"and {more} more"] if more > 0 else lines


class Kind(abc.ABC):
    """One kind of value: how it is read from YAML, and how a JSON Schema says it."""

    @abc.abstractmethod
    def read(self, node: yaml.Node, place: str, report: Report) -> Any:
        """The value, or None once the report knows why not."""

    @abc.abstractmethod
    def schema(self) -> Dict[str, Any]:
        """The kind in JSON Schema's words."""


class Text(Kind):
    """Text, perhaps one of a few words. A ``secret`` is never shown in a message."""

    def __init__(
        self, choices: Sequence[str] = (), secret: bool = False, check: Optional[Check] = None
    ) -> None:
        self.choices = tuple(choices)
        self.secret = secret
        self.check = check

    def read(self, node: yaml.Node, place: str, report: Report) -> Any:
        wanted = one_of(self.choices) if self.choices else "text"
        if _tag(node) != "str":
            shown = "something else" if self.secret else kind_of(node)
            quote = "; put it in quotes" if isinstance(node, yaml.ScalarNode) else ""
            return report.wrong(node, place, f"must be {wanted}, not {shown}{quote}")
        strange = _UNWRITABLE.search(node.value)
        if strange:
            letter = f"U+{ord(strange.group()):04X}"
            return report.wrong(node, place, f"holds the control character {letter}; leave it out")
        if self.choices and node.value not in self.choices:
            return report.wrong(node, place, f"must be {wanted}, not {label(node.value)}")
        return _checked(node.value, self.check, node, place, report)

    def schema(self) -> Dict[str, Any]:
        made: Dict[str, Any] = {"type": "string"}
        if self.choices:
            made["enum"] = list(self.choices)
        return made


class _Limited(Kind):  # a number with limits
    word = "number"
    json = "number"

    def __init__(
        self,
        low: Optional[Numeric] = None,
        high: Optional[Numeric] = None,
        check: Optional[Check] = None,
    ) -> None:
        self.low = low
        self.high = high
        self.check = check

    def read(self, node: yaml.Node, place: str, report: Report) -> Any:
        value = self._number(node)
        if value is None:
            return report.wrong(node, place, f"must be a {self.word}, not {kind_of(node)}")
        if self.low is not None and value < self.low or self.high is not None and value > self.high:
            return report.wrong(node, place, f"must be {self._range()}, not {node.value}")
        return _checked(value, self.check, node, place, report)

    def schema(self) -> Dict[str, Any]:
        made: Dict[str, Any] = {"type": self.json}
        if self.low is not None:
            made["minimum"] = self.low
        if self.high is not None:
            made["maximum"] = self.high
        return made

    @abc.abstractmethod
    def _number(self, node: yaml.Node) -> Optional[Numeric]:
        """The node as a number, or None if it is none."""

    def _range(self) -> str:
        if self.high is None:
            return f"{self.low} or more"
        return f"{self.high} or less" if self.low is None else f"{self.low} to {self.high}"


class Whole(_Limited):
    """A whole number. ``true`` is not one, and neither is ``12:30``."""

    word = "whole number"
    json = "integer"

    def _number(self, node: yaml.Node) -> Optional[Numeric]:
        if _tag(node) != "int" or ":" in node.value:
            return None
        try:
            return int(node.value.replace("_", ""), 0)
        except ValueError:  # 010, which YAML 1.1 reads as eight
            return None


class Number(_Limited):
    """A finite number, whole or not. ``1e-3`` is one, though YAML 1.1 takes it for text."""

    def _number(self, node: yaml.Node) -> Optional[Numeric]:
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        if not plain or _tag(node) not in ("int", "float", "str"):
            return None
        try:
            value = float(node.value.replace("_", ""))
        except ValueError:
            return None
        return value if math.isfinite(value) else None


class Flag(Kind):
    """true or false."""

    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}

    def read(self, node: yaml.Node, place: str, report: Report) -> Any:
        word = node.value.lower() if _tag(node) == "bool" else ""
        if word not in self.words:  # !!bool 7 calls itself one
            return report.wrong(node, place, f"must be true or false, not {kind_of(node)}")
        return self.words[word]

    def schema(self) -> Dict[str, Any]:
        return {"type": "boolean"}


class ListOf(Kind):
    """A tuple of values of one kind, ``least`` to ``most`` of them."""

    def __init__(self, kind: Kind, least: int = 0, most: Optional[int] = None) -> None:
        self.kind = kind
        self.least = least
        self.most = most

    def read(self, node: yaml.Node, place: str, report: Report) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            return report.wrong(node, place, f"must be a list, not {kind_of(node)}")
        count = len(node.value)
        if count < self.least or self.most is not None and count > self.most:
            return report.wrong(node, place, f"must have {self._size()}, not {count}")
        return tuple(
            self.kind.read(item, f"{place}[{row}]", report) for row, item in enumerate(node.value)
        )

    def schema(self) -> Dict[str, Any]:
        made: Dict[str, Any] = {"type": "array", "items": self.kind.schema()}
        if self.least:
            made["minItems"] = self.least
        if self.most is not None:
            made["maxItems"] = self.most
        return made

    def _size(self) -> str:
        if self.least == self.most:
            return f"{self.least} values"
        if self.most is None:
            return f"{self.least} or more values"
        return f"{self.least} to {self.most} values"


class MapOf(Kind):
    """A mapping whose keys are free words and whose values are of one kind."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def read(self, node: yaml.Node, place: str, report: Report) -> Any:
        if not isinstance(node, yaml.MappingNode):
            return report.wrong(node, place, f"must be a mapping, not {kind_of(node)}")
        return {
            key: self.kind.read(pair.value, under(place, key), report)
            for key, pair in keys_of(node, place, report).items()
        }

    def schema(self) -> Dict[str, Any]:
        return {"type": "object", "additionalProperties": self.kind.schema()}


def keys_of(node: yaml.MappingNode, place: str, report: Report) -> Dict[str, Pair]:
    """A mapping's pairs by their key's text. Keys are words: ``on:`` stays "on"."""
    pairs: Dict[str, Pair] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            report.wrong(key, place, f"has {kind_of(key)} as a key; keys are words")
        elif key.value in pairs:
            first = pairs[key.value].key.start_mark.line + 1
            report.wrong(key, under(place, key.value), f"is given twice, first in line {first}")
        else:
            pairs[key.value] = Pair(key, value)
    return pairs


def under(place: str, key: str) -> str:
    """The place of a key inside a place. A key that may hold a password is not shown."""
    return f"{place}.{label(key)}" if place else label(key)


def one_of(words: Sequence[str]) -> str:
    """The words as a sentence has them."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def kind_of(node: yaml.Node) -> str:
    """What a node is, for a message: never a list's or mapping's content, never a password."""
    if not isinstance(node, yaml.ScalarNode):
        return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
    tag = _tag(node)
    if tag == "null":
        return "nothing"
    return f"the text {label(node.value)!r}" if tag == "str" else label(node.value)


def label(text: str) -> str:
    """Text that may be shown: short, one line, and not where an @ hints at a password."""
    if "@" in text or "://" in text:
        return "(hidden: it may hold a password)"
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."


def _tag(node: yaml.Node) -> str:
    tag: str = node.tag
    return tag.rsplit(":", 1)[-1] if isinstance(node, yaml.ScalarNode) else "none"


def _checked(value: Any, check: Optional[Check], node: yaml.Node, place: str, to: Report) -> Any:
    problem = check(value) if check else None
    return to.wrong(node, place, problem) if problem else value
