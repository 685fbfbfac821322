"""A camera that comes late, is killed and comes back, as viewers see it who never reconnect."""

import signal
import socket
import time

import cv2
import pytest

from app.media.draw_letters import THEMES, pen_for, written
from app.media.slate import _TEXT, _TITLE
from tests import needs, tiny
from tests.camera import RtspServer
from tests.command import finish, start
from tests.flow.test_serve import free_port
from tests.viewer import SOON_S, Viewer, ffmpeg_viewer, wait_for

pytestmark = pytest.mark.slow

pytest.importorskip("onnx")


@pytest.fixture(autouse=True)
def gstreamer():
    needs.gstreamer("GstRtspServer")


def reads(picture, text, size=_TEXT):
    """Whether letters as a slate has them stand on a grey picture."""
    height, width = picture.shape
    colours = THEMES["dark"]
    paint = colours.plate if size == _TITLE else colours.quiet
    tile = written(text, "", paint, 10000, pen_for(width, height, size))
    pattern = cv2.cvtColor(tile, cv2.COLOR_BGR2GRAY)
    if pattern.shape[0] > height or pattern.shape[1] > width:
        return False
    return cv2.matchTemplate(picture, pattern, cv2.TM_CCOEFF_NORMED).max() > 0.8


def is_slate(picture):
    return reads(picture, "door", _TITLE) and reads(picture, "no picture")


def is_camera(picture):
    """videotestsrc's ball is white, and a slate's large areas are not black."""
    return not reads(picture, "door", _TITLE) and picture.max() > 220 and picture.min() < 20


def until(viewer, true, limit_s=SOON_S):
    """How long it took, and the picture."""
    began = time.monotonic()
    while time.monotonic() - began < limit_s:
        picture = viewer.look()
        if true(picture):
            return time.monotonic() - began, picture
    raise AssertionError(f"not seen in {limit_s} s")


@pytest.fixture
def door(tmp_path):
    """A camera that is not there yet, and the URL at which the real command line serves it."""
    camera, port = RtspServer("--size", "320x240"), free_port()
    camera.kill()
    config = tmp_path / "door.yaml"
    config.write_text(
        "cameras:\n- name: door\n  timeout_s: 3\n"
        f"  source: 'rtsp://bob:s3cret@127.0.0.1:{camera.port}/cam'\n"
        f"detect: {{model: {tiny.detector(tmp_path / 'tiny.onnx')}, score: 1}}\n"
        f"overlay: {{boxes: false}}\nrtsp: {{port: {port}}}\n"
    )
    process = start("run", config)
    try:
        wait_for(lambda: process.poll() is not None or _listens(port))
        yield camera, f"rtsp://127.0.0.1:{port}/door"
    finally:
        process.send_signal(signal.SIGTERM)
        result = finish(process, 20)
        if camera._process.poll() is None:
            camera.kill()
    assert result.code == 0, result.err
    assert "s3cret" not in result.out + result.err


def _listens(port):
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def test_pictures_and_slates_are_one_stream_without_an_end(door):
    camera, url = door
    with Viewer(url) as early:
        _, picture = until(early, is_slate)
        assert picture.shape == (720, 1280)
        assert reads(picture, "no picture yet")
        until(early, lambda one: reads(one, "cannot connect"), 8)
        camera.start()
        came_s, picture = until(early, is_camera)
        assert picture.shape == (720, 1280)
        early.see(30)
        assert is_camera(early.look())
        camera.kill()
        lost_s, picture = until(early, is_slate)
        with Viewer(url) as late, ffmpeg_viewer(url, 6) as other:
            until(late, is_slate)
            out, errors = other.communicate(timeout=SOON_S)
            assert other.returncode == 0, errors
            assert reads(early.look(), "no picture since")
            began = time.monotonic()
            count = 0
            while time.monotonic() - began < 3:
                picture = early.look()
                count += 1
                assert is_slate(picture)
                assert picture[:, 640:].std() < 2, "nothing of the camera's picture is left"
            assert 3 <= count <= 18
            until(early, lambda one: reads(one, "next try in") or reads(one, "trying now"))
            camera.start("--size", "640x360")
            for viewer in (early, late):
                back_s, picture = until(viewer, is_camera)
                assert picture.shape == (720, 1280)
            viewer.see(60)
        assert is_camera(early.look())
        assert not early.ends()
    print(f"came {came_s:.1f} s, slate after {lost_s:.1f} s, back after {back_s:.1f} s")
    assert lost_s < 4 and back_s < 8


def test_a_frozen_camera_is_told_of_before_it_is_given_up(door):
    camera, url = door
    camera.start()
    with Viewer(url) as viewer:
        until(viewer, is_camera)
        viewer.see(30)
        camera.signal(signal.SIGSTOP)
        lost_s, picture = until(viewer, is_slate)
        until(viewer, lambda one: reads(one, "no picture for 3 s"), 10)
        camera.signal(signal.SIGCONT)
        until(viewer, is_camera)
        assert not viewer.ends()
    assert lost_s < 4
