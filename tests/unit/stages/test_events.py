import json
import pathlib
import threading

import cv2
import numpy as np
import pytest

from app.core import notice
from app.core.event import Event
from app.core.frame import Frame
from app.core.pipeline import Pipeline
from app.core.sink import Sink
from app.core.stage import Stage
from app.errors import StageError
from app.stages.events import Events, EventsSettings
from tests.doubles import Collect, FakeSource, Guarded

SCHEMA = pathlib.Path(__file__).parents[3] / "configs" / "events.schema.json"
IMAGE = np.full((48, 64, 3), (40, 90, 200), np.uint8)


class Told(Sink):
    def __init__(self):
        self.lines = []
        self.sends = 0
        self.closed = False
        self.threads = set()

    def send(self, lines):
        assert not self.closed
        self.sends += 1
        self.lines += [json.loads(line.decode("ascii")) for line in lines]
        self.threads.add(threading.current_thread().ident)

    def close(self):
        self.closed = True

    def short(self):
        return [(line["id"], line["phase"]) for line in self.lines]


class Watch(Stage):
    """Every frame begins one event, of which each third ends with the next frame."""

    name = "watch"

    def run(self, frames):
        ending = None
        for frame in frames:
            events = []
            if ending is not None:
                events.append(event(ending, "end", frame.source, seconds=1.0, reason="left"))
            events.append(event(str(frame.number), camera=frame.source))
            ending = str(frame.number) if frame.number % 3 == 0 else None
            yield frame._replace(events=tuple(events))


def event(number, phase="begin", camera="cam", when=100.0, **more):
    said = {"track_id": 7, "class_id": 2, "label": "car", "score": 0.9, "xyxy": (1, 2, 3, 4)}
    said.update(more)
    return Event("enter", phase, number, camera, "yard", 1.7e9 + when, when, **said)


def frame(number, *events, **more):
    return Frame("cam", number, 100.0 + number, more.pop("image", IMAGE), events=events)


def run(path, frames, sink=None, **more):
    """The frames that come out."""
    stage = Events(
        EventsSettings(str(path), **more), None if sink is None else [sink], lambda: 200.0
    )
    return list(stage.run(frames))


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_event_is_a_line_before_its_frame_goes_on(tmp_path):
    path = tmp_path / "events.jsonl"
    frames = [frame(0), frame(1, event("a"), event("b")), frame(2), frame(3, event("a", "end"))]
    running = Events(EventsSettings(str(path))).run(iter(frames))
    counts = []
    for one in running:
        counts.append(len(read(path)))
        assert one is frames[one.number], "and it is the same frame"
    assert counts == [0, 2, 2, 3]


def test_real_output_fits_the_schema(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    frames = [frame(0, event("a"), event("b")), frame(1, event("a", "end", reason="left"))]
    run(tmp_path / "events.jsonl", frames, snapshots=str(tmp_path / "shots"))
    told = read(tmp_path / "events.jsonl")
    assert len(told) == 4
    for line in told:
        jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(line)


def test_an_earlier_run_is_kept(tmp_path):
    path = tmp_path / "events.jsonl"
    run(path, [frame(0, event("a"))])
    run(path, [frame(0, event("b"))])
    assert [line["id"] for line in read(path)] == ["a", "a", "b", "b"]


def test_what_an_earlier_run_left_open_ends_before_the_first_frame(tmp_path):
    path = tmp_path / "events.jsonl"
    killed = Events(EventsSettings(str(path))).run(
        iter([frame(0, event("a"), event("b")), frame(1)])
    )
    next(killed)
    left = path.read_bytes()
    killed.close()
    path.write_bytes(left)  # as a kill would have left it

    sink = Told()
    running = Events(EventsSettings(str(path)), [sink], lambda: 200.0).run(iter([frame(2)]))
    next(running)
    assert sink.short() == [("a", "end"), ("b", "end")] and sink.sends == 2
    assert [line["reason"] for line in sink.lines] == ["restart"] * 2
    assert sink.lines[0]["age_ms"] == 0 and "box" not in sink.lines[0]
    running.close()
    for _ in range(2):
        run(path, [frame(3)])
        assert [line["phase"] for line in read(path)] == ["begin", "begin", "end", "end"]


def test_it_does_not_wait_for_a_frame_to_say_so(tmp_path):
    """A camera may be away for long after a power cut."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(notice.line(event("a"), 100.0))

    def no_frame():
        assert [line["phase"] for line in read(path)] == ["begin", "end"]
        yield from ()

    assert list(Events(EventsSettings(str(path))).run(no_frame())) == []


def test_what_is_open_at_the_end_ends_by_shutdown(tmp_path):
    sink = Told()
    frames = [
        frame(0, event("a"), event("b")),
        frame(1, event("once", "once")),
        frame(2, event("a", "end", reason="left", when=102.0)),
        frame(5),
    ]
    frames = [one._replace(live=True) for one in frames]
    run("none", frames, sink)
    assert sink.short() == [
        ("a", "begin"), ("b", "begin"), ("once", "once"), ("a", "end"), ("b", "end"),
    ]  # fmt: skip
    last = sink.lines[-1]
    assert (last["reason"], last["seconds"], last["age_ms"]) == ("shutdown", 5.0, 95000)
    assert last["time"] == "2023-11-14T22:15:05.000Z" and "box" not in last
    assert last["track"] == 7 and sink.closed


def test_a_crowd_ends_by_shutdown_too():
    sink = Told()
    crowd = Event("crowd", "begin", "c", "cam", "yard", 1.7e9, 100.0, present=4)
    run("none", [frame(0, crowd), frame(2)], sink)
    assert sink.lines[-1]["present"] == 4 and sink.lines[-1]["reason"] == "shutdown"


@pytest.mark.parametrize("error", [None, OSError("the camera's")])
def test_it_ends_however_the_frames_end(error):
    def frames():
        yield frame(0, event("a"))
        if error:
            raise error

    sink = Told()
    running = Events(EventsSettings("none"), [sink]).run(frames())
    next(running)
    if error:
        with pytest.raises(OSError, match="the camera's"):
            next(running)
    else:
        running.close()
    assert sink.short() == [("a", "begin"), ("a", "end")] and sink.closed


def test_a_sink_is_asked_at_every_frame():
    sink = Told()
    run("none", [frame(number) for number in range(5)], sink)
    assert sink.sends >= 5 and sink.lines == []


def test_a_begin_and_a_once_have_a_picture_and_an_end_has_none(tmp_path):
    frames = [
        frame(0, event("a")),
        frame(1, event("a", "end", reason="left")),
        frame(2, event("o", "once"), event("p"), image=255 - IMAGE),
    ]
    shots = tmp_path / "shots"
    out = run(tmp_path / "out" / "events.jsonl", frames, snapshots=str(shots))
    told = read(tmp_path / "out" / "events.jsonl")
    names = [line.get("snapshot") for line in told]
    shared = "../shots/o.event.jpg"
    assert names == ["../shots/a.event.jpg", None, shared, shared, None]
    assert sorted(path.name for path in shots.iterdir()) == ["a.event.jpg", "o.event.jpg"]
    assert out[0].events[0].snapshot == names[0], "who comes later knows it too"
    for name, image in ((names[0], IMAGE), (shared, 255 - IMAGE)):
        shown = cv2.imread(str(tmp_path / "out" / name))
        assert np.abs(shown.astype(int) - image).max() <= 3


def test_old_pictures_go(tmp_path):
    frames = [frame(number, event(str(number))) for number in range(4)]
    run(tmp_path / "e.jsonl", frames, snapshots=str(tmp_path / "shots"), snapshots_mb=0)
    assert [path.name for path in (tmp_path / "shots").iterdir()] == ["3.event.jpg"]


@pytest.mark.parametrize("image", [IMAGE, np.zeros((0, 0, 3), np.uint8)], ids=["disk", "picture"])
def test_without_its_picture_an_event_goes_out_all_the_same(tmp_path, caplog, image):
    shots = tmp_path / "shots"
    if image is IMAGE:
        shots.write_text("no folder")
    frames = [frame(0, event("a"), image=image), frame(1, event("b"), image=image)]
    run(tmp_path / "e.jsonl", frames, snapshots=str(shots))
    told = read(tmp_path / "e.jsonl")
    assert [line["id"] for line in told] == ["a", "b", "a", "b"]
    assert not any("snapshot" in line for line in told)
    assert len(caplog.records) == 1


def test_a_file_that_cannot_be_written_does_not_stop_the_stream(tmp_path, caplog):
    out = run(tmp_path, [frame(number, event(str(number))) for number in range(3)])
    assert len(out) == 3 and "cannot be written" in caplog.text


def in_order(sink):
    """Each id begins once and ends once, in this order."""
    short = sink.short()
    begun = [number for number, phase in short if phase == "begin"]
    ended = [number for number, phase in short if phase == "end"]
    assert sorted(begun) == sorted(ended) and len(set(begun)) == len(begun)
    assert all(short.index((number, "begin")) < short.index((number, "end")) for number in begun)
    return len(begun)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("count", [0, 1, 50])
def test_order_holds_in_one_lane_and_across_lanes(apart, count):
    sink = Told()
    stages = [Watch(), Events(EventsSettings("none"), [sink])]
    lanes = [[stage] for stage in stages] if apart else [stages]
    Pipeline([FakeSource(count)], lanes).run(threading.Event())
    assert in_order(sink) == count
    assert sink.closed and len(sink.threads) <= 1, "so that a sink needs no lock"


@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_order_holds_where_a_stage_fails(place):
    sink = Told()
    lanes = [[Watch()], [Events(EventsSettings("none"), [sink])], [Collect()]]
    failing = Guarded([], fail_at=20)
    lanes.insert({"before": 0, "between": 1, "after": 2}[place], [failing])
    with pytest.raises(StageError, match="boom"):
        Pipeline([FakeSource(None)], lanes).run(threading.Event())
    assert in_order(sink) >= (0 if place == "after" else 20) and sink.closed


def test_order_holds_where_it_is_stopped():
    sink, stop = Told(), threading.Event()
    lanes = [[Watch()], [Events(EventsSettings("none"), [sink])]]
    Pipeline([FakeSource(None, live=True)], lanes).run(stop, stop.set, every=0.05)
    assert in_order(sink) > 0 and sink.closed
