"""Viewers that come and go leave nothing behind in the real command's process."""

import os
import signal

import pytest

from tests import needs, tiny
from tests.command import finish, start
from tests.flow.test_serve import free_port, served
from tests.viewer import Viewer, ffmpeg_viewer, wait_for

pytest.importorskip("onnx")

JOINS = int(os.environ.get("JETWATCH_JOINS", "40"))
WARM = 20  # what is kept on purpose, as threads that wait for more work, is there by then


def open_things(process):
    return [len(os.listdir(f"/proc/{process.pid}/{name}")) for name in ("task", "fd")]


def resident_kb(process):
    with open(f"/proc/{process.pid}/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@pytest.mark.slow
def test_joins_and_leaves_leave_nothing_behind(tmp_path):
    """Of every ten one is killed. JETWATCH_JOINS says how many come after the first 20."""
    needs.gstreamer("GstRtspServer")
    port = free_port()
    config = tmp_path / "two.yaml"
    config.write_text(
        "cameras:\n"
        "- {name: a, source: 'test://?size=640x360&fps=30'}\n"
        "- {name: b, source: 'test://?size=320x240&fps=30'}\n"
        f"detect: {{model: {tiny.detector(tmp_path / 'tiny.onnx')}}}\n"
        f"rtsp: {{port: {port}, mosaic: true}}\n"
    )
    process = start("run", config)
    try:
        urls = [f"rtsp://127.0.0.1:{port}/{name}" for name in ("a", "mosaic", "b")]
        wait_for(lambda: process.poll() is not None or all(map(served, urls)))
        for number in range(WARM + JOINS):
            if number == WARM:
                before, memory = settled(process), resident_kb(process)
            url = urls[number % 3]
            if number % 10 == 9:
                with ffmpeg_viewer(url, 10000, "udp" if number % 20 == 9 else "tcp") as child:
                    child.stdout.readline()
                    child.kill()
            else:
                with Viewer(url, "udp" if number % 2 else "tcp") as viewer:
                    viewer.see(2)
        after = settled(process)
        assert all(now <= was + 1 for now, was in zip(after, before)), (before, after)
        grown = resident_kb(process) - memory
        print(f"{JOINS} joins: {grown} kB more; threads and files: {before}, {after}")
        assert grown < 6000 + 20 * JOINS, "kB"
    finally:
        process.send_signal(signal.SIGTERM)
        result = finish(process, 20)
    assert result.code == 0, result.err


def settled(process):
    """Threads and files once nobody watches any more: the same for two seconds."""
    seen = []

    def same():
        seen.append(open_things(process))
        return len(seen) > 100 and len(set(map(tuple, seen[-100:]))) == 1

    wait_for(same)
    return seen[-1]
