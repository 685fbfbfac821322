"""What carries frames and counts them."""

import contextlib
import threading

import numpy as np
import pytest

from app.core.channel import Channel, Overflow
from app.core.detections import Detections
from app.core.door import Door
from app.core.meter import Meter
from app.flags import Flags
from scripts import bench_pipeline
from tests import tiny
from tests.doubles import frame

FRAMES = 1000
CLIP_FRAMES = 60
carried = pytest.mark.benchmark(group=f"{FRAMES} frames carried")


def written(put, end):
    """A thread that puts the frames, one at a time."""

    def write():
        for _ in range(FRAMES):
            put(one)
        end()

    one = frame()
    return threading.Thread(target=write)


@carried
def test_channel(benchmark):
    def through():
        channel = Channel("bench", 2)
        writer = written(channel.put, channel.close)
        writer.start()
        count = sum(1 for _ in channel)
        writer.join()
        return count

    assert benchmark(through) == FRAMES


@carried
def test_door(benchmark):
    def through():
        door = Door("bench", {"cam": Overflow.BLOCK})
        writer = written(door.put, lambda: door.leave("cam"))
        writer.start()
        count = sum(len(frames) for frames in door.batches(1))
        writer.join()
        return count

    assert benchmark(through) == FRAMES


@pytest.mark.benchmark(group="meter")
@pytest.mark.parametrize("objects", [0, 20])
def test_meter(benchmark, objects):
    meter = Meter()
    found = Detections(
        xyxy=np.zeros((objects, 4)), score=np.ones(objects), class_id=np.arange(objects) % 3
    )
    marks = tuple((f"stage {number}", float(number)) for number in range(9))
    benchmark(meter.add, frame(detections=found, labels=("a", "b", "c"), marks=marks))
    reading = meter.read()
    assert reading.objects == objects * reading.frames
    assert reading.frames and len(reading.stages) == 8


@carried
def test_machinery(benchmark):
    """A pipeline of empty stages."""

    def made():
        return (bench_pipeline.empty(FRAMES),), {}

    assert benchmark.pedantic(bench_pipeline.in_threads, setup=made, rounds=10) == FRAMES


@pytest.mark.benchmark(group=f"{CLIP_FRAMES} frames of a clip to a drawn film")
@pytest.mark.parametrize("name", bench_pipeline.CONTENDERS)
def test_pipeline(benchmark, tmp_path, name):
    """720p and next to no network. Of a real one, and in turns: scripts/bench_pipeline.py."""
    threads, run = bench_pipeline.CONTENDERS[name]
    clip = tiny.clip(tmp_path / "clip.mp4", CLIP_FRAMES, (1280, 720))
    model = tiny.detector(tmp_path / "tiny.onnx", (416, 416))
    flags = Flags(clip, model, str(tmp_path / "seen.mp4"), threads=threads)
    with contextlib.ExitStack() as stack:

        def assembled():
            return (stack.enter_context(bench_pipeline.assembled(flags, CLIP_FRAMES)),), {}

        assert benchmark.pedantic(run, setup=assembled, rounds=3) == CLIP_FRAMES
