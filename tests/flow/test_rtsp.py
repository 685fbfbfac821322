"""The RTSP server with real clients: GStreamer's and FFmpeg's."""

import contextlib
import gc
import socket
import sys
import threading
import time

import numpy as np
import pytest

from app.core.frame import Frame
from app.media import rtsp
from app.media.mount import RtspSettings
from app.media.rtsp import serving
from app.service import heap
from app.stages.publish import Publish
from tests import needs
from tests.on_air import ANY_PORT, Camera, on_air
from tests.viewer import SOON_S, Viewer, ask, ffmpeg_viewer, wait_for


@pytest.fixture(autouse=True)
def gstreamer():
    needs.gstreamer("GstRtspServer")


@pytest.mark.parametrize("protocols", ["tcp", "udp"])
@pytest.mark.parametrize("size", [(320, 240), (641, 359), (1920, 1080)])
def test_a_gstreamer_client_sees_the_picture(protocols, size):
    with on_air(size=size) as (server, _), Viewer(server.url("a"), protocols) as viewer:
        assert viewer.see(20) == (size[0] // 2 * 2, size[1] // 2 * 2)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("size", [(320, 240), (1920, 1080)])
def test_an_ffmpeg_client_decodes_every_picture(transport, size):
    """With SPS and PPS in front of each slice FFmpeg decodes nothing and GStreamer is content."""
    with contextlib.ExitStack() as stack:
        server, _ = stack.enter_context(on_air(size=size))
        child = stack.enter_context(ffmpeg_viewer(server.url("a"), 45, transport))
        out, errors = child.communicate(timeout=SOON_S)
    assert child.returncode == 0, errors
    assert out.split(b"\n")[44].split() == [b"44", b"%d" % size[0], b"%d" % size[1]]
    assert transport == "udp" or b"error" not in errors


def test_two_mounts_are_two_streams_and_only_the_watched_one_is_encoded():
    with on_air(("a", "b")) as (server, _):
        wait_for(lambda: server.stats("a").encoded > 0 and server.viewers("a") == 0)
        idle = server.stats("b").encoded
        with Viewer(server.url("a")) as viewer:
            viewer.see(30)
            wait_for(lambda: server.viewers("a") == 1)
            assert server.viewers("b") == 0
            assert server.stats("a").encoded >= 30
            assert server.stats("b").encoded <= idle + 5
            with Viewer(server.url("b")) as other:
                other.see(5)


def test_nothing_is_encoded_without_viewers():
    with on_air() as (server, camera):
        with Viewer(server.url("a")) as viewer:
            viewer.see(5)
            wait_for(lambda: server.viewers("a") == 1)
        wait_for(lambda: not server.stats("a").running)
        before, passed = server.stats("a").encoded, camera.count
        wait_for(lambda: camera.count > passed + 10)
        assert server.stats("a").encoded == before


def test_one_encoder_serves_all_viewers():
    with on_air() as (server, _), contextlib.ExitStack() as stack:
        viewers = [stack.enter_context(Viewer(server.url("a"))) for _ in range(5)]
        for viewer in viewers:
            viewer.see(1)
        start, began = server.stats("a").encoded, time.monotonic()
        viewers[0].see(30)
        made = server.stats("a").encoded - start
        assert server.viewers("a") == 5
        assert made <= 40 * (time.monotonic() - began) + 10


def test_twenty_joins():
    heap.limit_arenas()
    with on_air() as (server, _):
        for number in range(20):
            with Viewer(server.url("a"), "udp" if number % 2 else "tcp") as viewer:
                viewer.see(2)
        wait_for(lambda: server.viewers("a") == 0)


def test_to_ask_for_the_viewers_and_to_look_for_the_dead_leaves_nothing(monkeypatch):
    monkeypatch.setattr(rtsp, "_CLEANUP_MS", 1)
    with on_air() as (server, camera), Viewer(server.url("a")) as viewer:
        viewer.see(1)
        wait_for(lambda: server.viewers("a") == 1)
        before, passed = _kept(), camera.count
        wait_for(lambda: server.viewers("a") == 1 and camera.count > passed + 100)
        for _ in range(2000):
            assert server.viewers("a") == 1
        assert _kept() < before + 1000, _kept() - before


def _kept():
    gc.collect()
    return sys.getallocatedblocks()


def test_a_mount_that_is_not_there_is_404():
    with serving(ANY_PORT, ["a"]) as server:
        assert ask(server.url("b")).split()[1] == b"404"


def test_a_new_size_is_fitted_while_somebody_watches_and_new_afterwards():
    with on_air() as (server, camera):
        with Viewer(server.url("a")) as viewer:
            viewer.see(3)
            camera.size = (640, 480)
            assert viewer.see(30) == (320, 240)
        wait_for(lambda: server.viewers("a") == 0)
        deadline = time.monotonic() + SOON_S
        size = None
        while size != (640, 480) and time.monotonic() < deadline:
            with Viewer(server.url("a")) as viewer:
                size = viewer.see(1)
        assert size == (640, 480)


def test_a_silent_camera_does_not_keep_viewers_of_another_waiting():
    with serving(ANY_PORT, ["silent", "a"]) as server:
        server.push("silent", np.zeros((240, 320, 3), np.uint8), time.monotonic())
        with Camera(server, ["a"]), Viewer(server.url("silent")):
            wait_for(lambda: ask(server.url("a")).split()[1] == b"200", 5)
            with Viewer(server.url("a")) as viewer:
                viewer.see(5)


def test_it_closes_at_once_with_viewers_connected():
    with contextlib.ExitStack() as stack:
        with serving(ANY_PORT, ["a"]) as server, Camera(server, ["a"]):
            wait_for(lambda: ask(server.url("a")).split()[1] == b"200")
            for protocols in ("tcp", "udp"):
                stack.enter_context(Viewer(server.url("a"), protocols)).see(5)
            place = server.url("a")
            began = time.monotonic()
        assert time.monotonic() - began < 0.5
        with pytest.raises(OSError):
            ask(place)


def test_it_closes_at_once_while_a_viewer_waits_for_a_silent_camera():
    with contextlib.ExitStack() as stack:
        with serving(ANY_PORT, ["silent"]) as server:
            server.push("silent", np.zeros((240, 320, 3), np.uint8), time.monotonic())
            place = server.url("silent").split("/")[2].split(":")
            line = stack.enter_context(socket.create_connection((place[0], int(place[1]))))
            line.sendall(f"DESCRIBE {server.url('silent')} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
            wait_for(lambda: server.stats("silent").running)
            began = time.monotonic()
        assert time.monotonic() - began < 0.5


def test_the_stage_serves_what_passes_and_closes_with_the_stream():
    quiet, done = threading.Event(), threading.Event()

    def camera():
        number = 0
        while not done.is_set():
            quiet.wait(1 / 30)
            image = np.full((240, 320, 3), 60, np.uint8)
            yield Frame("a", number, time.monotonic(), image)
            number += 1

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    passed = []

    def serve():
        with serving(RtspSettings(port=port), ["a"]) as server:
            passed.extend(Publish(server).run(camera()))

    running = threading.Thread(target=serve)
    running.start()
    try:
        wait_for(lambda: _answers(f"rtsp://127.0.0.1:{port}/a"))
        with Viewer(f"rtsp://127.0.0.1:{port}/a") as viewer:
            viewer.see(10)
    finally:
        done.set()
        running.join()
    assert [frame.number for frame in passed] == list(range(len(passed)))
    assert not _answers(f"rtsp://127.0.0.1:{port}/a")


def _answers(url):
    try:
        return b"200" in ask(url)
    except OSError:
        return False


@pytest.mark.parametrize("protocols", ["tcp", "udp"])
def test_mounts_come_and_go_and_others_go_on(protocols):
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(ANY_PORT, ["a", "b"]))
        stack.enter_context(Camera(server, ["a"]))
        stays, goes = (stack.enter_context(Viewer(server.url(name), protocols)) for name in "ab")
        stays.see(5)
        goes.see(2)
        server.show({"a": None, "c": None})
        wait_for(lambda: goes.over() == "EOS")
        assert b"404" in ask(server.url("b"))
        with Camera(server, ["c"]), Viewer(server.url("c")) as new:
            new.see(5)
        server.show({"b": None, "a": None}, "light")
        with Viewer(server.url("b")) as new:  # a slate: nothing is left of what was there
            new.see(2)
        stays.see(30)
        assert stays.ends() == ""
        assert server.viewers("a") == 1
