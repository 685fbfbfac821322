#!/usr/bin/env python3
"""
bench_cameras: what more cameras cost: rate, fairness, memory.

Each number of cameras runs in a process of its own, so that its memory is its own. A camera is a
clip (--clip) or, without one, pictures of --size held in memory, so that only the machinery and
the network are measured. With --batch B on a GPU whose engine takes B pictures, four cameras go
through in batches of B and of 1 by turns, against the engine's own rate with B in a CUDA graph.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import threading
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from app import assemble, catalogue, config  # noqa: E402
from app.bench import floor  # noqa: E402
from app.core.frame import Frame  # noqa: E402
from app.core.pipeline import Pipeline  # noqa: E402
from app.core.stage import Source  # noqa: E402
from app.errors import AppError  # noqa: E402
from app.stages.detect import Detect  # noqa: E402
from app.stages.preprocess import Preprocess  # noqa: E402


class Pictures(Source):
    """``count`` frames of a few pictures, as fast as they are taken."""

    live = False

    def __init__(self, camera, size_wh, count, room):
        """``room``: where a reader would put them."""
        random = np.random.RandomState(len(camera))
        wide, tall = size_wh
        small = random.randint(0, 256, (4, tall // 8 + 1, wide // 8 + 1, 3)).astype(np.uint8)
        self.camera = camera
        self._count = count
        self._images = [room((tall, wide, 3)) for _ in small]
        for image, one in zip(self._images, small):
            image[...] = one.repeat(8, 0).repeat(8, 1)[:tall, :wide]

    def frames(self, stop):
        for number in range(self._count):
            if stop.is_set():
                return
            yield Frame(self.camera, number, time.monotonic(), self._images[number % 4])


def flow(options, count, batch=None):
    """Run ``count`` cameras to their end; returns what is known of it."""
    names = [f"camera{number}" for number in range(count)]
    if options.clip:
        entry = f"{{name: NAME, source: '{options.clip}', realtime: false}}"
        cameras = ", ".join(entry.replace("NAME", name) for name in names)
        text = f"cameras: [{cameras}]\ndetect: {{model: '{options.model}'}}\ntrack: {{}}\n"
        chosen = config.parse(text + f"backend: {{kind: {options.backend}}}\n")
        backend = assemble.backend(chosen)
        pipeline = assemble.assemble(chosen, backend, options.frames)
    else:
        chosen = config.parse(
            f"cameras: [{{name: a, source: 'test://'}}]\ndetect: {{model: '{options.model}'}}\n"
            f"backend: {{kind: {options.backend}}}\n"
        )
        backend = assemble.backend(chosen)
        with backend.attached():
            network = backend.load(catalogue.model(options.model))
        lane = [Preprocess(backend, dict.fromkeys(names, network)), Detect(backend)]
        sources = [Pictures(name, options.size, options.frames, backend.picture) for name in names]
        pipeline = Pipeline(sources, [lane], backend.width, batch=batch or network.batch)
    seen = {}
    began = []

    def count_frame(frame, add=pipeline.meter.add):
        began.append(time.monotonic()) if not began else None
        seen[frame.source] = seen.get(frame.source, 0) + 1
        if len(seen) == count and "half" not in seen and min(seen.values()) == options.frames // 2:
            seen["half"] = dict(seen)
        add(frame)

    pipeline.meter.add = count_frame
    started = time.monotonic()
    pipeline.run(threading.Event())
    ended = time.monotonic()
    half = seen.pop("half", seen)
    backend.close()
    return {
        "cameras": count,
        "fps": sum(seen.values()) / (ended - began[0]),
        "first_frame_s": began[0] - started,
        "fairness": min(half.values()) / max(half.values()),  # when the slowest is half through
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def raw_rate(options, batch, rounds=100):
    """Pictures a second of the engine alone, in a CUDA graph, nothing copied."""
    chosen = config.parse(
        f"cameras: [{{name: a, source: 'test://'}}]\ndetect: {{model: '{options.model}'}}\n"
        "backend: {kind: gpu}\n"
    )
    backend = assemble.backend(chosen)
    with backend.attached():
        network = backend.load(catalogue.model(options.model))
        times = floor.by_turns({"raw": backend.raw(network, batch)}, 1, rounds)["raw"]
    backend.close()
    return 1000 * batch / float(np.median(times))


def apart(arguments):
    """The same script in a process of its own: the dictionary that it prints."""
    done = subprocess.run(
        [sys.executable, os.path.abspath(__file__)] + arguments,
        stdout=subprocess.PIPE, universal_newlines=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.returncode)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--model", default="yolox_nano")
    add("--clip", help="a file that each camera plays (default: pictures in memory)")
    add("--size", default="1920x1080", help="of pictures in memory")
    add("--frames", type=int, default=200, help="of each camera")
    add("--cameras", default="1,2,4,8", help="how many at once, by turns")
    add("--rounds", type=int, default=3)
    add("--backend", default="auto", choices=("auto", "host", "gpu"))
    add("--batch", type=int, help="on a GPU: compare batches of so many with batches of 1")
    add("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.size = tuple(int(side) for side in options.size.split("x"))
    try:
        if options.one:
            print(json.dumps(_one(options, options.one)))
            return 0
        return _batches(options) if options.batch else _several(options)
    except AppError as error:
        print(f"bench_cameras: {error}", file=sys.stderr)
        return error.exit_code


def _one(options, what):
    if what == "raw":
        return {"fps": raw_rate(options, options.batch)}
    count, batch = (int(part) for part in what.split("x"))
    return flow(options, count, batch or None)


def _several(options):
    counts = [int(part) for part in options.cameras.split(",")]
    made = {count: [] for count in counts}
    for _ in range(options.rounds):
        for count in counts:
            made[count].append(apart(sys.argv[1:] + ["--one", f"{count}x0"]))
    print("cameras       fps   of one   slowest/fastest    RSS MB   MB per added camera")
    best = {count: _median(rounds) for count, rounds in made.items()}
    first = best[counts[0]]
    for count in counts:
        one = best[count]
        added = (one["rss_mb"] - first["rss_mb"]) / max(1, count - counts[0])
        print(
            f"{count:7}{one['fps']:10.1f}{one['fps'] / first['fps']:9.2f}{one['fairness']:18.2f}"
            f"{one['rss_mb']:10.0f}{added:22.1f}"
        )
    return 0


def _batches(options):
    ways = {"raw": [], f"4x{options.batch}": [], "4x1": []}
    for _ in range(options.rounds):
        for way, rounds in ways.items():
            rounds.append(apart(sys.argv[1:] + ["--one", way])["fps"])
    raw = float(np.median(ways["raw"]))
    print(f"raw engine, batch {options.batch}: {raw:.0f} pictures a second")
    for way in list(ways)[1:]:
        rate = float(np.median(ways[way]))
        shown = " ".join(f"{one:.0f}" for one in ways[way])
        print(f"4 cameras, batches of {way[2:]}: {rate:.0f} ({shown}), {rate / raw:.2f} of raw")
    return 0


def _median(rounds):
    return {key: float(np.median([one[key] for one in rounds])) for key in rounds[0]}


if __name__ == "__main__":
    sys.exit(main())
