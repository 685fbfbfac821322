"""
events: what the stage costs a frame, against handing the same lines to write() and nothing more.

    python3 -m tests.bench.events [FOLDER]

FOLDER is where the files go, so that the disk is the one that is asked about.
"""

from __future__ import generator_stop

import os
import statistics
import sys
import tempfile
import time

import numpy as np

from app.core import notice
from app.core.event import Event
from app.core.frame import Frame
from app.stages.events import Events, EventsSettings

FRAMES = 2000
ROUNDS = 5


def frames(count, each):
    image = np.random.RandomState(0).randint(0, 255, (270, 480, 3)).astype(np.uint8)
    image = np.ascontiguousarray(image.repeat(4, axis=0).repeat(4, axis=1))  # 1920 x 1080
    made = []
    for number in range(count):
        told = [
            Event(
                "cross", "once", f"cam-{number}-{place}", "cam", "gate", 1.7e9, 0.0, track_id=1,
                class_id=2, label="person", score=0.87, xyxy=(1.0, 2.0, 3.0, 4.0), direction="in",
            )
            for place in range(each)
        ]  # fmt: skip
        made.append(Frame("cam", number, time.monotonic(), image, events=tuple(told)))
    return made


def plain(path, made):
    with open(path, "ab", buffering=0) as file:
        for frame in made:
            for event in frame.events:
                file.write(notice.line(event, 0.0))


def staged(path, made, **more):
    for _ in Events(EventsSettings(path, **more)).run(made):
        pass


def us_a_frame(work, made, path):
    taken = []
    for number in range(ROUNDS):
        begin = time.perf_counter()
        work(f"{path}.{number}", made)
        taken.append((time.perf_counter() - begin) / len(made) * 1e6)
    return statistics.median(taken)


def main():
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as folder:
        path = os.path.join(folder, "events.jsonl")
        quiet = us_a_frame(staged, frames(FRAMES, 0), path + ".quiet")
        made = frames(FRAMES, 1)
        base = us_a_frame(plain, made, path + ".plain")
        busy = us_a_frame(staged, made, path + ".busy")
        shots = {"snapshots": os.path.join(folder, "shots"), "snapshots_mb": 50}
        shown = us_a_frame(
            lambda path, made: staged(path, made, **shots), made[:40], path + ".shown"
        )
        print(f"a frame without an event     {quiet:8.1f} us")
        print(f"one event, write() alone     {base:8.1f} us")
        print(f"one event, the stage         {busy:8.1f} us, {busy / base:.2f} times as much")
        print(f"one event with its picture   {shown:8.1f} us, of 1920 x 1080")


if __name__ == "__main__":
    main()
