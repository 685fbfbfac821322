import json
import math
import pathlib
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.event import Attribute, Event
from app.core.notice import as_json, iso, line, read, seconds

jsonschema = pytest.importorskip("jsonschema")

ROOT = pathlib.Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "configs" / "events.schema.json").read_text())
VALID = jsonschema.Draft7Validator(SCHEMA)
TIME = 1767323045.678  # 2026-01-02T03:04:05.678Z


def event(kind="enter", phase="begin", **more):
    said = {"track_id": 7, "class_id": 2, "label": "car", "score": 0.87654}
    said.update(xyxy=(1.005, 2, 3.14159, 4))
    if kind == "crowd":
        said = {"present": 5}
    if kind == "cross":
        said["direction"] = "in"
    if phase == "end":
        said.update(seconds=3.21987, reason="fewer" if kind == "crowd" else "left")
    said.update(more)
    number = ["enter", "dwell", "loiter", "crowd", "cross"].index(kind)
    time = TIME + said.get("seconds", 0)
    return Event(kind, phase, f"gate-18d4-{number}", "gate", "yard", time, 100.0, **said)


EXAMPLES = [
    event(snapshot="snapshots/gate-18d4-0.event.jpg"),
    event(phase="end"),
    event("dwell", speed=0.316, attributes=(Attribute("colour", "red", 0.91239),)),
    event("dwell", "end", reason="lost", xyxy=()),
    event("loiter"),
    event("loiter", "end", reason="shutdown", xyxy=()),
    event("crowd"),
    event("crowd", "end", present=2),
    event("cross", "once"),
]


def lines_of_the_docs():
    text = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    return [json.loads(row) for row in text.splitlines() if row.startswith("{")]


def test_an_event_of_a_track_in_full():
    told = event(
        "dwell",
        "end",
        attributes=(Attribute("colour", "red", 0.91239),),
        speed=1.2345,
        snapshot="not of an end",
    )
    assert as_json(told, 100.0421) == {
        "version": 1, "kind": "dwell", "phase": "end", "id": "gate-18d4-1", "camera": "gate",
        "place": "yard", "time": "2026-01-02T03:04:08.898Z", "age_ms": 42, "track": 7,
        "label": "car", "class_id": 2, "score": 0.8765, "box": [1.0, 2.0, 3.14, 4.0],
        "attributes": [{"look": "colour", "label": "red", "score": 0.9124}], "speed_mps": 1.23,
        "seconds": 3.22, "reason": "left",
    }  # fmt: skip


def test_a_crowd_is_of_no_track():
    assert as_json(event("crowd", snapshot="a.jpg"), 100.0) == {
        "version": 1, "kind": "crowd", "phase": "begin", "id": "gate-18d4-3", "camera": "gate",
        "place": "yard", "time": "2026-01-02T03:04:05.678Z", "age_ms": 0, "present": 5,
        "snapshot": "a.jpg",
    }  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.kind + " " + one.phase)
def test_every_kind_and_phase_fits_the_schema(example):
    VALID.validate(as_json(example, 100.042))


def test_the_docs_show_what_is_written():
    assert lines_of_the_docs() == [as_json(one, 100.042) for one in EXAMPLES]


def test_the_schema_itself_is_one_and_describes_each_key():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert all("description" in key for key in SCHEMA["properties"].values())


@pytest.mark.parametrize(
    "example, change",
    [
        (EXAMPLES[0], {"version": 2}),
        (EXAMPLES[0], {"extra": 1}),
        (EXAMPLES[0], {"present": 1}),
        (EXAMPLES[0], {"direction": "in"}),
        (EXAMPLES[0], {"seconds": 1}),
        (EXAMPLES[0], {"track": None}),
        (EXAMPLES[0], {"phase": "once"}),
        (EXAMPLES[0], {"time": "2026-01-02T03:04:05Z"}),
        (EXAMPLES[1], {"reason": None}),
        (EXAMPLES[1], {"seconds": None}),
        (EXAMPLES[1], {"reason": "fewer"}),
        (EXAMPLES[1], {"snapshot": "a.jpg"}),
        (EXAMPLES[6], {"present": None}),
        (EXAMPLES[6], {"track": 1}),
        (EXAMPLES[7], {"reason": "lost"}),
        (EXAMPLES[8], {"direction": None}),
        (EXAMPLES[8], {"phase": "begin"}),
    ],
)
def test_the_schema_refuses_what_does_not_apply(example, change):
    told = dict(as_json(example, 100.0), **change)
    told = {key: value for key, value in told.items() if value is not None}
    assert not VALID.is_valid(told)


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (TIME, "2026-01-02T03:04:05.678Z"),
        (1767323045.9996, "2026-01-02T03:04:06.000Z"),
        (-0.001, "1969-12-31T23:59:59.999Z"),
        (float("nan"), "1970-01-01T00:00:00.000Z"),
        (float("inf"), "1970-01-01T00:00:00.000Z"),
        (1e300, "1970-01-01T00:00:00.000Z"),
        (1e12, "1970-01-01T00:00:00.000Z"),
    ],
)
def test_time_as_text(seconds, text):
    assert iso(seconds) == text


def test_numbers_of_numpy_are_numbers():
    told = event(
        track_id=np.int32(3), class_id=np.int32(1), score=np.float32(0.5), speed=np.float32(1),
        xyxy=tuple(np.float32([1, 2, 3, 4])),
    )  # fmt: skip
    VALID.validate(json.loads(line(told, np.float64(101)).decode("ascii")))


NUMBER = st.floats() | st.floats(0, 1, width=32)
TEXT = st.text(min_size=1)
KINDS = [
    (kind, phase) for kind in ("enter", "dwell", "loiter", "crowd") for phase in ("begin", "end")
]
KINDS.append(("cross", "once"))


@st.composite
def events(draw):
    kind, phase = draw(st.sampled_from(KINDS))
    reasons = ["fewer" if kind == "crowd" else "left", "shutdown", "restart"]
    return Event(
        kind, phase, draw(TEXT), draw(TEXT), draw(TEXT), draw(NUMBER), draw(NUMBER),
        track_id=draw(st.integers(0, 2**31 - 1)),
        class_id=draw(st.integers(0, 1000)),
        label=draw(st.text()),
        score=draw(NUMBER),
        xyxy=draw(st.just(()) | st.tuples(NUMBER, NUMBER, NUMBER, NUMBER)),
        attributes=tuple(draw(st.lists(st.builds(Attribute, TEXT, st.text(), NUMBER), max_size=2))),
        direction=draw(st.sampled_from(["in", "out"])),
        seconds=draw(NUMBER),
        reason=draw(st.sampled_from(reasons)),
        present=draw(st.integers(0, 99)),
        speed=draw(NUMBER),
        snapshot=draw(st.just("") | TEXT),
    )  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(events(), NUMBER)
def test_whatever_the_numbers_one_line_fits_the_schema(told, now):
    text = line(told, now)
    assert text.endswith(b"\n") and text.count(b"\n") == 1 and not re.search(rb"[^ -~\n]", text)
    found = json.loads(text.decode("ascii"), parse_constant=pytest.fail)
    VALID.validate(found)
    assert (found["id"], found["camera"], found["place"]) == (told.id, told.camera, told.place)
    assert ("box" in found) == (
        told.kind != "crowd" and bool(told.xyxy) and all(map(math.isfinite, told.xyxy))
    )


@settings(max_examples=200, deadline=None)
@given(events())
def test_what_is_read_back_is_what_was_written(told):
    text = line(told._replace(when=0.0), 0.0)
    assert line(read(text), 0.0) == text


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-01-02T03:04:05Z", "2026-13-01T00:00:00.0Z"]
)
def test_text_that_is_no_time(text):
    assert seconds(text) is None


@pytest.mark.parametrize("moment", [0, TIME, -0.001])
def test_time_and_back(moment):
    assert seconds(iso(moment)) == pytest.approx(moment, abs=1e-6)
