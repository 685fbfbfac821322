"""
settings: YAML read against a declaration, every mistake reported at once with its line.

What may be written is declared once, as values: a ``Group`` of ``Setting``, each with a kind.
``read`` turns a file into what the outermost group makes; ``schema`` turns the same declaration
into a JSON Schema. Values only: no aliases, no merges, no tags, one document.
"""

import difflib
import math
import os
import stat
from typing import Any, Dict, Iterable, NamedTuple, Optional, Tuple, Union

import yaml

from app.errors import ConfigError
from app.kinds import DEFAULTS, REQUIRED, Kind, Pair, Report, keys_of, kind_of, under

MOST_BYTES = 1 << 20

Step = Union[str, int]


class Setting(NamedTuple):
    """One key. ``default`` may be REQUIRED, or DEFAULTS: a group as if an empty one was written."""

    key: str
    kind: Kind
    default: Any = REQUIRED
    about: str = ""


class Complaint(NamedTuple):
    """A mistake found by a group's own check: where, as keys and list positions, and what."""

    path: Tuple[Step, ...]
    text: str


class Group(Kind):
    """A mapping with known keys, made into a value: ``make(**values)``, most often a NamedTuple."""

    def __init__(self, make: Any, settings: Iterable[Setting], check: Any = None) -> None:
        self.make = make
        self.settings = tuple(settings)
        self.check = check  # made value -> iterable of Complaint

    def read(self, node: yaml.Node, place: str, report: Report) -> Any:
        if not isinstance(node, yaml.MappingNode):
            return report.wrong(node, place, f"must be a mapping, not {kind_of(node)}")
        before = len(report.problems)
        given = keys_of(node, place, report)
        values = {
            setting.key: _value(setting, given.pop(setting.key, None), node, place, report)
            for setting in self.settings
        }
        for key, child in given.items():
            report.wrong(child.key, under(place, key), "is not a setting" + self._hint(key))
        if len(report.problems) > before:
            return None
        made = self.make(**values)
        for complaint in self.check(made) if self.check else ():
            self._pass_on(complaint, node, place, report)
        return made

    def schema(self) -> Dict[str, Any]:
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {setting.key: _described(setting) for setting in self.settings},
            "required": [s.key for s in self.settings if s.default is REQUIRED],
        }

    def _hint(self, key: str) -> str:
        near = difflib.get_close_matches(key, [setting.key for setting in self.settings], 1)
        return f"; did you mean {near[0]!r}?" if near else ""

    def _pass_on(self, told: Complaint, node: yaml.Node, place: str, report: Report) -> None:
        for step in told.path:
            place = f"{place}[{step}]" if isinstance(step, int) else under(place, step)
            node = _child(node, step)
        report.wrong(node, place, told.text)


def read(path: str, group: Group) -> Any:
    """Read a file. Raises one ConfigError that lists every problem as FILE:LINE: key problem."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe may never end, a device has no end
            raise ConfigError(f"{path}: is no regular file. Check the path")
        with open(path, "rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}. Check the path") from error
    if len(text) > MOST_BYTES:
        raise ConfigError(f"{path}: more than {MOST_BYTES} bytes are too many for a settings file")
    try:
        return parse(text, group, path)
    except OSError as error:  # of a file that a group's own check looked at
        raise ConfigError(
            f"{path}: names {error.filename}, which cannot be read: {error.strerror}"
        ) from error


def parse(text: Union[str, bytes], group: Group, path: str = "config") -> Any:
    """Read YAML text. ``path`` is what problems call it."""
    report = Report(path)
    made = group.read(_compose(text, path), "", report)
    if report.problems:
        raise ConfigError("\n".join(report.lines()))
    return made


def schema(group: Group, title: str = "") -> Dict[str, Any]:
    """A JSON Schema (draft 7) of everything that the group accepts, defaults included."""
    made: Dict[str, Any] = {"$schema": "http://json-schema.org/draft-07/schema#"}
    if title:
        made["title"] = title
    made.update(group.schema())
    return made


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        parser: Any = self  # the stubs leave its methods untyped
        if parser.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) are not read here: write the value out",
                problem_mark=parser.peek_event().start_mark,
            )
        return super().compose_node(parent, index)


def _compose(text: Union[str, bytes], path: str) -> Any:
    try:
        node = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: {error.problem or error.context}") from error
    except yaml.reader.ReaderError as error:
        raise ConfigError(f"{path}: {_unreadable(error, text)}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: is nested too deeply") from error
    return _empty(yaml.Mark(path, 0, 0, 0, "", 0)) if node is None else node


def _unreadable(error: yaml.reader.ReaderError, text: Union[str, bytes]) -> str:
    if error.encoding != "unicode":
        return "is not text in UTF-8. Save it as UTF-8"
    before = (text if isinstance(text, str) else text.decode("utf-8", "replace"))[: error.position]
    letter = f"U+{int(error.character):04X}"
    return f"holds the control character {letter} in line {before.count(chr(10)) + 1}. Take it out"


def _empty(start: Any) -> yaml.MappingNode:
    """A mapping with nothing in it, as if it was written there."""
    return yaml.MappingNode("tag:yaml.org,2002:map", [], start, start)


def _value(
    setting: Setting, pair: Optional[Pair], node: yaml.Node, place: str, report: Report
) -> Any:
    inside = under(place, setting.key)
    if pair is not None and kind_of(pair.value) != "nothing":
        return setting.kind.read(pair.value, inside, report)
    if setting.default is REQUIRED:
        return report.wrong(pair.key if pair else node, inside, "is required")
    if setting.default is DEFAULTS:
        return setting.kind.read(_empty(node.start_mark), inside, report)
    return setting.default


def _child(node: yaml.Node, step: Step) -> yaml.Node:
    """The node of a key or list position, or the node itself where it is not written."""
    if isinstance(step, int) and isinstance(node, yaml.SequenceNode) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == step:
                child: yaml.Node = value
                return child
    return node


def _described(setting: Setting) -> Dict[str, Any]:
    made = setting.kind.schema()
    if setting.about:
        made["description"] = setting.about
    if setting.default is REQUIRED:
        return made
    # Nothing written behind the key is the same as no key.
    made = {"anyOf": [made, {"type": "null"}]}
    if setting.default is not DEFAULTS:
        made["default"] = _plain(setting.default)
    return made


def _plain(value: Any) -> Any:
    """A default as JSON has it."""
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
