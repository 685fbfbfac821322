"""What a viewer sees of the whole pipeline, through the real command line."""

import signal
import socket
import time

import pytest

from tests import needs, tiny
from tests.command import finish, start
from tests.viewer import SOON_S, ask, ffmpeg_viewer, wait_for

pytest.importorskip("onnx")


@pytest.fixture(autouse=True)
def gstreamer():
    needs.gstreamer("GstRtspServer")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def served(url):
    try:
        return b"200" in ask(url)
    except OSError:
        return False


def test_each_camera_has_a_mount_of_its_own_and_a_viewer_that_vanishes_harms_nobody(tmp_path):
    port = free_port()
    config = tmp_path / "two.yaml"
    config.write_text(
        "cameras:\n"
        "- {name: small, source: 'test://?size=320x240'}\n"
        "- {name: large, source: 'test://?size=640x480'}\n"
        f"detect: {{model: {tiny.detector(tmp_path / 'tiny.onnx')}}}\n"
        f"rtsp: {{port: {port}}}\n"
    )
    process = start("run", config)
    try:
        urls = [f"rtsp://127.0.0.1:{port}/{name}" for name in ("small", "large")]
        wait_for(lambda: process.poll() is not None or all(map(served, urls)))
        with ffmpeg_viewer(urls[0], 100000) as gone:
            assert gone.stdout.readline().split()[1:] == [b"320", b"240"]
            gone.kill()
        for url, size in zip(urls, ([b"320", b"240"], [b"640", b"480"])):
            with ffmpeg_viewer(url, 30) as viewer:
                out, errors = viewer.communicate(timeout=SOON_S)
            assert viewer.returncode == 0, errors
            assert out.splitlines()[-1].split() == [b"29"] + size
    finally:
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        result = finish(process, 10)
    assert result.code == 0, result.err
    assert time.monotonic() - asked < 5
