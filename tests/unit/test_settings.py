"""settings: what is refused, with its line, and what is read."""

import json
import os
from typing import Any, List, NamedTuple, Optional, Tuple

import pytest

from app.errors import ConfigError
from app.kinds import DEFAULTS, Flag, ListOf, MapOf, Number, Text, Whole
from app.settings import Complaint, Group, Setting, parse, read, schema


class Camera(NamedTuple):
    name: str
    uri: str
    fps: Optional[float]
    size: Tuple[int, ...]


class Config(NamedTuple):
    cameras: Tuple[Camera, ...]
    score: float
    port: int
    live: bool
    mode: str
    names: Any
    draw: Any


class Draw(NamedTuple):
    boxes: bool


def _twice(config: Config) -> List[Complaint]:
    names = [camera.name for camera in config.cameras]
    return [
        Complaint(("cameras", row, "name"), f"{name!r} is used twice")
        for row, name in enumerate(names)
        if name in names[:row]
    ]


CAMERA = Group(
    Camera,
    (
        Setting("name", Text()),
        Setting("uri", Text(secret=True)),
        Setting("fps", Number(0.1, 240), None),
        Setting("size", ListOf(Whole(1), 2, 2), (0, 0)),
    ),
)
CONFIG = Group(
    Config,
    (
        Setting("cameras", ListOf(CAMERA, least=1), about="what to watch"),
        Setting("score", Number(0, 1), 0.35),
        Setting("port", Whole(1, 65535), 8554),
        Setting("live", Flag(), False),
        Setting("mode", Text(("fast", "slow")), "fast"),
        Setting("names", MapOf(Text()), {}),
        Setting("draw", Group(Draw, (Setting("boxes", Flag(), True),)), DEFAULTS),
    ),
    _twice,
)
GOOD = "cameras:\n- {name: a, uri: 'test://'}\n"


def test_defaults_stand_for_what_is_not_written() -> None:
    config = parse(GOOD, CONFIG)
    assert config == Config(
        (Camera("a", "test://", None, (0, 0)),), 0.35, 8554, False, "fast", {}, Draw(True)
    )


@pytest.mark.parametrize(
    "line, key, value",
    [
        ("score: 1", "score", 1.0),
        ("score: 1e-3", "score", 0.001),
        ("score:", "score", 0.35),
        ("port: 0x10", "port", 16),
        ("live: yes", "live", True),
        ("mode: slow", "mode", "slow"),
        ("names: {on: x, 1: y}", "names", {"on": "x", "1": "y"}),
        ("draw:", "draw", Draw(True)),
        ("draw: {boxes: false}", "draw", Draw(False)),
    ],
)
def test_values(line: str, key: str, value: Any) -> None:
    found = getattr(parse(GOOD + line, CONFIG), key)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    "text, told",
    [
        ("", ["f:1: cameras is required"]),
        ("- a", ["f:1: the file must be a mapping, not a list"]),
        ("cameras:", ["f:1: cameras is required"]),
        ("cameras: []", ["f:1: cameras must have 1 or more values, not 0"]),
        (GOOD + "scor: 1", ["f:3: scor is not a setting; did you mean 'score'?"]),
        (GOOD + "zzz: 1", ["f:3: zzz is not a setting"]),
        (GOOD + "port: true", ["f:3: port must be a whole number, not true"]),
        (GOOD + "port: 1.5", ["f:3: port must be a whole number, not 1.5"]),
        (GOOD + "port: 12:30", ["f:3: port must be a whole number, not 12:30"]),
        (GOOD + "port: 010", ["f:3: port must be a whole number, not 010"]),
        (GOOD + "port: 0", ["f:3: port must be 1 to 65535, not 0"]),
        (GOOD + "score: true", ["f:3: score must be a number, not true"]),
        (GOOD + "score: .nan", ["f:3: score must be a number, not .nan"]),
        (GOOD + "score: '0.5'", ["f:3: score must be a number, not the text '0.5'"]),
        (GOOD + "live: 1", ["f:3: live must be true or false, not 1"]),
        (GOOD + "live: !!bool 7", ["f:3: live must be true or false, not 7"]),
        (GOOD + "mode: quick", ["f:3: mode must be fast or slow, not quick"]),
        (GOOD + "names: {a: 1}", ["f:3: names.a must be text, not 1; put it in quotes"]),
        (GOOD + "score: 1\nscore: 1", ["f:4: score is given twice, first in line 3"]),
        (GOOD + "? [a]\n: 1", ["f:3: the file has a list as a key; keys are words"]),
        (GOOD + "draw: {x: &a 1, y: *a}", ["f:3: aliases (*name) are not read here: write the"]),
        (GOOD + "mode: !!python/name:os.system x", ["f:3: mode must be fast or slow, not x"]),
        (GOOD + "a: b: c", ["f:3: mapping values are not allowed here"]),
        (GOOD + "--- 1", ["f:3: but found another document"]),
        (GOOD + "- {name: a, uri: x}", ["f:3: cameras[1].name 'a' is used twice"]),
        ("cameras: [{name: a}]", ["f:1: cameras[0].uri is required"]),
        (
            "cameras:\n- {name: a, uri: x, size: [1, 2, 3], fps: fast}\nport: x",
            [
                "f:2: cameras[0].fps must be a number, not the text 'fast'",
                "f:2: cameras[0].size must have 2 values, not 3",
                "f:3: port must be a whole number, not the text 'x'",
            ],
        ),
    ],
)
def test_every_mistake_is_told_with_its_line(text: str, told: List[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(text, CONFIG, "f")
    lines = str(raised.value).split("\n")
    assert len(lines) == len(told)
    assert all(line.startswith(start) for line, start in zip(lines, told)), lines


@pytest.mark.parametrize(
    "text",
    [
        "cameras: [{name: 'rtsp://u:hunter2@h', uri: [rtsp://u:hunter2@h]}]",
        "cameras: {rtsp://u:hunter2@h: 1}",
        "rtsp://u:hunter2@h: 1",
        GOOD + "mode: rtsp://u:hunter2@h",
        GOOD + "score: u:hunter2@h",
    ],
)
def test_no_password_is_shown(text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(text, CONFIG)
    assert "hunter2" not in str(raised.value)


def test_a_deep_file_is_refused_and_not_a_crash() -> None:
    with pytest.raises(ConfigError, match="nested too deeply"):
        parse("[" * 5000, CONFIG)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(ConfigError, match="UTF-8"):
        parse(b"\xff\xfe\xfa\x00\x81", CONFIG)


@pytest.mark.parametrize("letter", ["\\0", "\\e", "\\x7", "\\r", "\\ud800"])
def test_text_that_no_file_name_can_be(letter: str) -> None:
    """A NUL ended in a ValueError of open(), a lone surrogate in one of print()."""
    letter = letter.replace("\\x7", "\\x07")
    with pytest.raises(ConfigError, match=r"f:3: names.a holds the control character U\+"):
        parse(GOOD + 'names: {a: "x' + letter + '"}', CONFIG, "f")


def test_text_may_have_lines_and_columns() -> None:
    assert parse(GOOD + 'names: {a: "x\\ty\\nz"}', CONFIG).names == {"a": "x\ty\nz"}


@pytest.mark.parametrize("text", ["mode:\n fast\x07", b"mode:\n fast\x07"])
def test_a_bare_control_character_is_found(text: Any) -> None:
    """It was called "not text in UTF-8", which it is."""
    with pytest.raises(ConfigError, match="f: holds the control character U.0007 in line 2"):
        parse(text, CONFIG, "f")


def test_many_mistakes_are_counted() -> None:
    with pytest.raises(ConfigError) as raised:
        parse(GOOD + "".join("x%d: 1\n" % number for number in range(25)), CONFIG)
    lines = str(raised.value).split("\n")
    assert len(lines) == 21 and lines[-1] == "and 5 more"


def test_an_error_of_a_file_named_inside_is_not_blamed_on_the_config(tmp_path: Any) -> None:
    def look(config: Config) -> List[Complaint]:
        raise FileNotFoundError(2, "No such file", "labels.txt")

    path = tmp_path / "a.yaml"
    path.write_text(GOOD)
    with pytest.raises(ConfigError, match="a.yaml: names labels.txt, which cannot be read: No"):
        read(str(path), Group(Config, CONFIG.settings, look))


def test_what_has_no_end_is_not_read(tmp_path: Any) -> None:
    """/dev/zero says that it has 0 bytes, and filled the memory; a pipe was waited for."""
    os.mkfifo(str(tmp_path / "pipe"))
    for path in ("/dev/zero", str(tmp_path / "pipe"), str(tmp_path)):
        with pytest.raises(ConfigError, match="is no regular file"):
            read(path, CONFIG)


def test_a_missing_file(tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read(str(tmp_path / "no.yaml"), CONFIG)


def test_a_large_file(tmp_path: Any) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (2 << 20))
    with pytest.raises(ConfigError, match="too many"):
        read(str(path), CONFIG)


def test_the_schema_says_the_same() -> None:
    made = schema(CONFIG, "Config")
    json.dumps(made)
    assert made["additionalProperties"] is False
    assert made["required"] == ["cameras"]
    assert made["properties"]["cameras"]["description"] == "what to watch"
    assert made["properties"]["cameras"]["items"]["required"] == ["name", "uri"]
    assert made["properties"]["port"] == {
        "anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, {"type": "null"}],
        "default": 8554,
    }
    assert made["properties"]["mode"]["anyOf"][0]["enum"] == ["fast", "slow"]


@pytest.mark.parametrize("key", ["cameras", "score", "port", "live", "mode", "names", "draw"])
def test_the_schema_and_the_reader_agree_on_a_key_with_nothing_behind_it(key: str) -> None:
    """The reader took ``port:`` for the default, and an editor underlined it."""
    nothing = {"type": "null"} in schema(CONFIG)["properties"][key].get("anyOf", ())
    try:
        parse(("" if key == "cameras" else GOOD) + key + ":", CONFIG)
        assert nothing
    except ConfigError:
        assert not nothing
