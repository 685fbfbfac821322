#!/usr/bin/env python3
"""
bench_latency: glass to glass through the whole pipeline, and its memory over time.

Starts `jetwatch run --source test://... --rtsp`, joins as a GStreamer viewer, and reads from each
decoded picture the time at which it was made. Then lets viewers join and leave. Needs GStreamer's
Python bindings, and a machine with nothing else to do.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, ROOT)

from app.media import gst  # noqa: E402
from app.media.stamp import read_stamp  # noqa: E402

PLAYER = (
    "rtspsrc name=source latency=0 protocols=tcp ! rtph264depay ! h264parse ! avdec_h264 ! "
    "videoconvert ! video/x-raw,format=BGR ! appsink name=out sync=false max-buffers=1 drop=true"
)


class Viewer:
    """A GStreamer client of one RTSP stream."""

    def __init__(self, url):
        import numpy

        self._numpy = numpy
        self._gst = gst.load()
        self._pipeline = self._gst.parse_launch(PLAYER)
        self._pipeline.get_by_name("source").set_property("location", url)
        self._out = self._pipeline.get_by_name("out")
        self._pipeline.set_state(self._gst.State.PLAYING)

    def picture(self, seconds):
        """The next picture, or None if none came in time."""
        sample = self._out.emit("try-pull-sample", int(seconds * self._gst.SECOND))
        if sample is None:
            return None
        shape = sample.get_caps().get_structure(0)
        wide, high = shape.get_value("width"), shape.get_value("height")
        ok, mapped = sample.get_buffer().map(self._gst.MapFlags.READ)
        assert ok
        try:
            rows = self._numpy.frombuffer(mapped.data, self._numpy.uint8)
            return rows.reshape(high, -1)[:, : wide * 3].reshape(high, wide, 3).copy()
        finally:
            sample.get_buffer().unmap(mapped)

    def close(self):
        self._pipeline.set_state(self._gst.State.NULL)


def join(url, seconds=20.0):
    """A viewer that has its first picture."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        viewer = Viewer(url)
        if viewer.picture(2) is not None:
            return viewer
        viewer.close()
    raise SystemExit(f"no picture from {url} in {seconds:.0f} s")


def rss_mb(pid):
    with open(f"/proc/{pid}/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def watch(url, pid, minutes):
    """Print latency and memory minute by minute."""
    viewer = join(url)
    everything = []
    first = None
    for minute in range(minutes):
        ages, unread = [], 0
        until = time.monotonic() + 60
        while time.monotonic() < until:
            picture = viewer.picture(5)
            if picture is None:
                raise SystemExit("the stream stopped")
            stamp = read_stamp(picture)
            if stamp is None:
                unread += 1
            else:
                ages.append(stamp.age_s(time.monotonic()) * 1000)
        everything += ages
        memory = rss_mb(pid)
        first = first or memory  # after the first minute: warmed up
        print(
            f"minute {minute + 1}: p50 {_at(ages, 50):.0f} p95 {_at(ages, 95):.0f} ms, "
            f"{len(ages) / 60:.1f} fps, {unread} unreadable, RSS {memory:.1f} MB "
            f"({(memory / first - 1) * 100:+.1f} %)",
            flush=True,
        )
    viewer.close()
    print(f"all: p50 {_at(everything, 50):.0f} p95 {_at(everything, 95):.0f} ms")


def come_and_go(url, pid, joins):
    """Print memory while viewers join and leave, four at a time."""
    for _ in range(5):
        for viewer in [join(url) for _ in range(4)]:
            viewer.close()
    print(f"after 20 joins: RSS {rss_mb(pid):.1f} MB", flush=True)
    for done in range(4, joins + 1, 4):
        for viewer in [join(url) for _ in range(4)]:
            viewer.close()
        if done % 40 == 0:
            print(f"after {20 + done} joins: RSS {rss_mb(pid):.1f} MB", flush=True)


def _at(values, percent):
    ordered = sorted(values) or [float("nan")]
    if percent == 50:
        return statistics.median(ordered)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--model", required=True, help="a model's name or ONNX file")
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--fps", default="30")
    parser.add_argument("--port", default="8654")
    parser.add_argument("--threads", default="0")
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--joins", type=int, default=200)
    arguments = parser.parse_args()
    source = f"test://?size={arguments.size}&fps={arguments.fps}"
    command = [sys.executable, "-m", "app", "run", "--source", source, "--model", arguments.model]
    command += ["--rtsp", arguments.port, "--threads", arguments.threads]
    print(" ".join(command), flush=True)
    child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, universal_newlines=True)
    url = f"rtsp://127.0.0.1:{arguments.port}/camera"
    try:
        watch(url, child.pid, arguments.minutes)
        come_and_go(url, child.pid, arguments.joins)
    finally:
        child.send_signal(signal.SIGTERM)
        print(child.communicate()[1])
    print(f"exit code {child.returncode}")


if __name__ == "__main__":
    main()
