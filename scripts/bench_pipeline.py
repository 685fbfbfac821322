#!/usr/bin/env python3
"""
bench_pipeline: the pipeline's threads against a plain loop of the same calls, in one process.

Whole: file -> detect -> draw -> MP4, alternating between the Pipeline and a loop that runs the very
same source and stages one after another on one thread. Machinery: what a frame costs when every
stage does nothing.
"""

from __future__ import generator_stop

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from app import assemble  # noqa: E402
from app.core.frame import Frame  # noqa: E402
from app.core.pipeline import Pipeline  # noqa: E402
from app.core.stage import BatchStage, Source, Stage  # noqa: E402
from app.flags import Flags, with_flags  # noqa: E402


class Nothing(Stage):
    def __init__(self, name):
        self.name = name

    def run(self, frames):
        yield from frames


class Blank(Source):
    camera = "blank"
    live = False

    def __init__(self, count):
        self._count = count

    def frames(self, stop):
        for number in range(self._count):
            yield Frame("blank", number, time.monotonic(), None)


def empty(count):
    """A pipeline shaped like the real one, of empty stages, for that many frames."""
    lanes = [["preprocess", "detect"], ["overlay", "publish", "record", "report"]]
    return Pipeline([Blank(count)], [[Nothing(name) for name in lane] for lane in lanes])


def machinery_us(count=5000):
    """Microseconds that a frame costs in such a pipeline."""
    pipeline = empty(count)
    began = time.perf_counter()
    in_threads(pipeline)
    return (time.perf_counter() - began) / count * 1e6


def plain_loop(pipeline):
    """The same source and stages, one after another on this thread: frames finished."""
    (source,) = pipeline.sources
    frames = source.frames(threading.Event())
    return sum(1 for _ in in_order(pipeline.lanes, frames))


def in_order(lanes, frames):
    """What becomes of frames, each of which passes all stages of the lanes before the next does."""
    for stage in (stage for lane in lanes for stage in lane):
        if isinstance(stage, BatchStage):
            batches = stage.run((frame,) for frame in frames)
            frames = (frame for batch in batches for frame in batch)
        else:
            frames = stage.run(frames)
    return frames


def in_threads(pipeline):
    """As the product runs it: frames finished."""
    pipeline.run(threading.Event())
    return pipeline.meter.read().frames


# What is compared: inference threads, 0 for one on every core, and how it is run.
CONTENDERS = {
    "plain loop, 1 inference thread": (1, plain_loop),
    "pipeline, 1 inference thread": (1, in_threads),
    f"pipeline, {len(os.sched_getaffinity(0))} inference threads (default)": (0, in_threads),
}


@contextlib.contextmanager
def assembled(flags, frames):
    """The pipeline of these flags, on the CPU, for that many frames."""
    config = with_flags(None, flags._replace(backend="host"))
    with contextlib.closing(assemble.backend(config)) as backend:
        yield assemble.assemble(config, backend, frames)


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--source", help="a clip; without it only the machinery is measured")
    parser.add_argument("--model", help="a model's name or ONNX file")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    costs = [machinery_us() for _ in range(arguments.rounds)]
    print(f"machinery: {statistics.median(costs):.0f} us a frame (" + _list(costs) + ")")
    if arguments.source is None:
        return
    rates = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory() as folder:
        film = os.path.join(folder, "seen.mp4")
        for _ in range(arguments.rounds):
            for name, (threads, run) in CONTENDERS.items():
                flags = Flags(arguments.source, arguments.model, film, threads=threads)
                with assembled(flags, arguments.frames) as pipeline:
                    began = time.perf_counter()
                    done = run(pipeline)
                    rates[name].append(done / (time.perf_counter() - began))
    plain = rates["plain loop, 1 inference thread"]
    for name, values in rates.items():
        ratios = [ours / theirs for ours, theirs in zip(values, plain)]
        print(
            f"{name}: {statistics.median(values):.1f} fps ({_list(values)}), "
            f"{statistics.median(ratios):.2f} x the plain loop ({_list(ratios, 2)})"
        )


def _list(values, digits=0):
    return ", ".join(f"{value:.{digits}f}" for value in values)


if __name__ == "__main__":
    main()
