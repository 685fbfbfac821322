"""
What the events' stage costs a frame, beside handing the same line to write() and nothing more.

The files go to pytest's --basetemp, so that the disk is the one that is asked about.
"""

import itertools
import time

import numpy as np
import pytest

from app.core import notice
from app.core.event import Event
from app.core.frame import Frame
from app.stages.events import Events, EventsSettings
from tests.bench.each import each, fed

pytestmark = pytest.mark.benchmark(group="events")
ROUNDS = 2000


def frames(events):
    image = np.random.RandomState(0).randint(0, 255, (270, 480, 3)).astype(np.uint8)
    image = np.ascontiguousarray(image.repeat(4, axis=0).repeat(4, axis=1))  # 1920 x 1080
    for number in itertools.count():
        told = [
            Event(
                "cross", "once", f"cam-{number}-{place}", "cam", "gate", 1.7e9, 0.0, track_id=1,
                class_id=2, label="person", score=0.87, xyxy=(1.0, 2.0, 3.0, 4.0), direction="in",
            )
            for place in range(events)
        ]  # fmt: skip
        yield Frame("cam", number, time.monotonic(), image, events=tuple(told))


def test_one_line_to_write_alone(benchmark, tmp_path):
    path = tmp_path / "events.jsonl"
    with open(str(path), "ab", buffering=0) as file:

        def write(frame):
            for event in frame.events:
                file.write(notice.line(event, 0.0))

        each(benchmark, write, frames(1), rounds=ROUNDS)
    assert b'"gate"' in path.read_bytes()


@pytest.mark.parametrize("events", [0, 1])
def test_the_stage(benchmark, tmp_path, events):
    path = tmp_path / "events.jsonl"
    with fed(Events(EventsSettings(str(path))).run) as step:
        each(benchmark, step, frames(events), rounds=ROUNDS)
    assert bool(path.read_bytes()) == bool(events)


def test_an_event_with_its_picture(benchmark, tmp_path):
    """Of 1920 x 1080."""
    settings = EventsSettings(
        str(tmp_path / "events.jsonl"), snapshots=str(tmp_path / "shots"), snapshots_mb=50
    )
    with fed(Events(settings).run) as step:
        shown = each(benchmark, step, frames(1), rounds=40)
    assert (tmp_path / shown.events[0].snapshot).exists()
