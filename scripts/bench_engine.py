#!/usr/bin/env python3
"""
bench_engine: one picture to its detections on the GPU, against raw TensorRT on the same engine.

All ways take turns in one process: raw enqueue (as trtexec measures it, nothing copied), and ours
with and without CUDA graphs, and with the CPU placing the picture. Then where the time goes by
CUDA events, the letterbox kernel against the bytes that it must move, what comes back, and what
two threads make of it. The engine must be built: jetwatch build MODEL.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import threading
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from app import catalogue  # noqa: E402
from app.bench import floor  # noqa: E402
from app.device.backend import BY_CPU  # noqa: E402
from app.device.jetson import GpuBackend  # noqa: E402
from app.device.placer import Source  # noqa: E402
from app.errors import AppError, EngineError  # noqa: E402
from app.media import samples  # noqa: E402
from app.vision import letterbox  # noqa: E402

COPIED = 256 << 20  # bytes, to measure the memory's speed


def picture(size_wh, path):
    """A real picture of that size, or noise with blocks in it."""
    if path:
        (image,) = samples.read([path])
        rows = np.arange(size_wh[1]) * image.shape[0] // size_wh[1]
        columns = np.arange(size_wh[0]) * image.shape[1] // size_wh[0]
        return np.ascontiguousarray(image[rows][:, columns])
    random = np.random.RandomState(0)
    small = random.randint(0, 256, (size_wh[1] // 40 + 1, size_wh[0] // 40 + 1, 3))
    large = small.astype(np.uint8).repeat(40, 0).repeat(40, 1)
    return np.ascontiguousarray(large[: size_wh[1], : size_wh[0]])


class Ways:
    """The same picture by each way; each call ends when the result is there."""

    def __init__(self, backend, name, image):
        self.image = image
        self.window = floor.whole([image])
        model = catalogue.model(name)
        self.backend = backend
        self.cuda = backend._cuda
        self.lane = backend._lane
        rest = {"cuda": self.cuda, "api": backend._api}
        self.plain = GpuBackend(catalogue.folders(), graphs=False, **rest)
        self.by_cpu = GpuBackend(catalogue.folders(), placing=BY_CPU, **rest)
        self.networks = {one: one.load(model) for one in (backend, self.plain, self.by_cpu)}
        self.network = self.networks[backend]
        self.runner = self.network.handle
        if not self.runner.picking:
            raise EngineError(f"{name}: this measures detectors of a dense head, as YOLOX")
        self.ours()  # takes all memory
        self.ours()

    def all(self):
        """name -> way"""
        return {
            "raw enqueue": self.plain.raw(self.networks[self.plain], 1),
            "raw enqueue, graph": self.backend.raw(self.network, 1),
            "ours, graph": self.ours,
            "ours, no graph": lambda: self._found(self.plain),
            "ours, placed by the CPU": lambda: self._found(self.by_cpu),
        }

    def ours(self):
        return self._found(self.backend)

    def _found(self, backend):
        return floor.answered(backend, self.networks[backend], [self.image], self.window)[0]


def steps(ways, times=100):
    """Microseconds of each step on the device, by events, without graphs; medians."""
    cuda, runner, slot = ways.cuda, ways.runner, ways.runner.slot()
    stream, spent = ways.lane.stream, {}
    names = ["copy the picture", "letterbox kernel", "engine", "pick kernels", "copy back"]
    marks = [cuda.event(timed=True) for _ in range(len(names) + 1)]
    for _ in range(times):
        marks[0].record(stream)
        cuda.put(ways.image, slot.pictures, 0, stream)
        marks[1].record(stream)
        place(ways, slot, stream)
        marks[2].record(stream)
        runner.enqueue(slot, slot.input.address, 1)
        marks[3].record(stream)
        picker, least = runner.picking
        picker.start(least, 1, slot.back[""].address, stream)
        marks[4].record(stream)
        cuda.download(slot.back[""], 0, picker.row_bytes, stream)
        marks[5].record(stream)
        stream.synchronize()
        for number, name in enumerate(names):
            taken = marks[number].time_till(marks[number + 1]) * 1000
            spent.setdefault(name, []).append(taken)
    return {name: statistics.median(values) for name, values in spent.items()}


def place(ways, slot, stream):
    source = Source(ways.image, slot.pictures.address)
    ways.runner.placing.placer.place([source], ways.window, slot.input.address, stream)


def in_a_row(cuda, stream, work, times=200):
    """Microseconds of one piece of work, many started one after another."""
    work()
    first, last = cuda.event(timed=True), cuda.event(timed=True)
    first.record(stream)
    for _ in range(times):
        work()
    last.record(stream)
    last.synchronize()
    return first.time_till(last) * 1000 / times


def captured(ways, work, times=50):
    """The same with the launches in one graph: what the device itself needs."""

    def many():
        for _ in range(times):
            work()

    graph = ways.lane.capture(many)
    if graph is None:
        return float("nan")
    return in_a_row(ways.cuda, ways.lane.stream, lambda: graph.launch(ways.lane.stream), 20) / times


def kernel_limit(ways):
    """(bytes that the letterbox kernel must move, bytes a second that the memory can)."""
    cuda, spec = ways.cuda, ways.network.input
    wide, high = letterbox.size_of(ways.image)
    fit = spec.fit((wide, high))
    touched = min(4 * fit.wide * fit.high, wide * high) * ways.image.shape[2]
    moved = touched + ways.runner.placing.row_bytes
    blocks = [cuda.allocate(COPIED) for _ in range(2)]
    stream, driver = ways.lane.stream, cuda._driver
    addresses = [block.address for block in blocks]
    taken = in_a_row(
        cuda,
        stream,
        lambda: driver.memcpy_dtod_async(addresses[0], addresses[1], COPIED, stream),
        20,
    )
    for block in blocks:
        cuda.release(block)
    return moved, 2 * COPIED / (taken / 1e6)


def throughput(ways, threads, seconds=2.0):
    """Pictures a second that so many threads get through."""
    counts, end = [], time.perf_counter() + seconds

    def work():
        with ways.backend.attached():
            ways.ours()
            count = 0
            while time.perf_counter() < end:
                ways.ours()
                count += 1
            counts.append(count)

    crew = [threading.Thread(target=work) for _ in range(threads)]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    return sum(counts) / seconds


def report(ways, arguments):
    """All figures, as a dict; printed on the way."""
    chosen, figures = ways.all(), {"ms": {}}
    for way in chosen.values():
        way()
        way()
    before = ways.cuda.allocations
    spent = floor.by_turns(chosen, arguments.rounds, arguments.each)
    allocated = ways.cuda.allocations - before
    found, count = ways.ours(), arguments.rounds * arguments.each
    print(f"{len(found.score)} objects; {count} calls each, in turn")
    print(f"{'':<26}{'p50':>9}{'p95':>9}   ms")
    for name, values in spent.items():
        p50, p95 = (float(edge) for edge in np.percentile(values, (50, 95)))
        figures["ms"][name] = {"p50": p50, "p95": p95}
        print(f"{name:<26}{p50:>9.3f}{p95:>9.3f}")
    raw = min(figures["ms"][name]["p50"] for name in ("raw enqueue", "raw enqueue, graph"))
    figures["ours_minus_raw_ms"] = figures["ms"]["ours, graph"]["p50"] - raw
    print(f"ours - raw (the faster of both): {figures['ours_minus_raw_ms']:.3f} ms p50")
    figures["steps_us"] = steps(ways)
    for name, taken in figures["steps_us"].items():
        print(f"  {name:<24}{taken:>9.1f} us")
    stream, slot = ways.lane.stream, ways.runner.slot()
    kernel = captured(ways, lambda: place(ways, slot, stream))
    moved, speed = kernel_limit(ways)
    figures["letterbox_us"] = kernel
    figures["letterbox_limit_us"] = moved / speed * 1e6
    print(
        f"letterbox kernel: {kernel:.2f} us; {moved / 1e6:.2f} MB at {speed / 1e9:.0f} GB/s "
        f"(measured) are {moved / speed * 1e6:.2f} us"
    )
    picker, least = ways.runner.picking
    back = slot.back[""].address
    figures["pick_us"] = captured(ways, lambda: picker.start(least, 1, back, stream))
    figures["bytes_back"] = picker.row_bytes
    print(f"pick kernels: {figures['pick_us']:.2f} us; {picker.row_bytes} bytes come back")
    figures["allocations"] = allocated
    print(f"{allocated} allocations in {len(chosen) * count} calls and more to warm up")
    figures["fps"] = {str(n): throughput(ways, n) for n in (1, 2)}
    print("pictures a second: " + ", ".join(f"{v:.0f} by {n}" for n, v in figures["fps"].items()))
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="yolox_nano")
    parser.add_argument("--size", default="1920x1080", help="of the picture (default: %(default)s)")
    parser.add_argument("--picture", default="", help="a real one, enlarged to that size")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--each", type=int, default=20, help="calls of one way in a row")
    parser.add_argument("--json", help="write the figures there as well")
    arguments = parser.parse_args()
    size_wh = tuple(int(side) for side in arguments.size.split("x"))
    try:
        backend = GpuBackend(catalogue.folders())
        with contextlib.closing(backend), backend.attached():
            ways = Ways(backend, arguments.model, picture(size_wh, arguments.picture))
            gpu, api = ways.cuda.gpu, ways.backend._api
            print(f"{gpu.name}, TensorRT {api.version}, {arguments.model}, {arguments.size}")
            with contextlib.closing(ways.plain), contextlib.closing(ways.by_cpu):
                figures = report(ways, arguments)
            figures.update(gpu=gpu.name, tensorrt=api.version, model=arguments.model)
    except AppError as error:
        sys.exit(f"bench_engine: {error}")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
