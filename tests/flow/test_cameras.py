"""Live cameras: a real RTSP server that is killed and frozen, a real MJPEG server."""

import contextlib
import http.server
import logging
import os
import signal
import socketserver
import threading
import time

import cv2
import numpy as np
import pytest

from app.errors import SourceError
from app.media import probe, reader
from app.media.camera import Camera
from app.media.live import Live
from app.media.uri import parse
from tests import needs
from tests.camera import RtspServer
from tests.taking import DEADLINE_S, taken


@pytest.fixture
def serve():
    needs.gstreamer("GstRtspServer")
    servers = []

    def start(*options):
        servers.append(RtspServer(*options))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


def live(url, wait_s=0.1, **settings):
    """A live source with waits that do not grow."""
    camera = Camera("door", parse(url), **settings)
    way = reader.live_way(camera)
    return Live(camera, way, waits=lambda: iter([wait_s] * 10000))


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("codec", ["h264", "h265", "jpeg"])
def test_rtsp(serve, codec, transport):
    server = serve("--codec", codec, "--size", "322x240" if codec != "jpeg" else "320x240")
    frames = taken(live(server.url(), transport=transport), 60)
    assert [frame.number for frame in frames] == list(range(60))
    assert frames[0].image.shape == (240, 320 if codec == "jpeg" else 322, 3)
    # The ball is white on black; what comes before the first key frame may be grey.
    assert max(frame.image.max() for frame in frames) > 200
    assert frames[0].time > 1e9


def test_a_password_in_the_uri_or_beside_it(serve):
    server = serve("--user", "bob", "--password", "s3cr@t")
    taken(live(server.url("bob:s3cr%40t@")), 3)
    taken(live(server.url(), user="bob", password="s3cr@t"), 3)


@pytest.mark.parametrize(
    "login, path, said",
    [
        ("bob:wr0ng@", "/cam", "the camera refused the user or password (401)"),
        ("", "/cam", "the camera refused the user or password (401)"),
        ("bob:s3cr%40t@", "/nope", "the camera has no such path (404)"),
    ],
)
def test_a_refusal_is_said_in_words_and_retried(serve, caplog, capfd, login, path, said):
    caplog.set_level(logging.DEBUG)
    server = serve("--user", "bob", "--password", "s3cr@t")
    stop = threading.Event()
    source = live(server.url(login, path))
    states = watched(source, stop, lambda: source.reconnects >= 3)
    assert source.state == "lost: " + said
    assert len([each for each in caplog.records if each.levelname == "WARNING"]) == 1
    shown = caplog.text + "".join(capfd.readouterr()) + repr(source) + "".join(states)
    assert not any(secret in shown for secret in ("bob", "wr0ng", "s3cr", "%40"))


def watched(source, stop, done):
    """Run a source until done() on a thread, as a pipeline does; answers the states it showed."""
    states = []
    thread = threading.Thread(target=lambda: [None for _ in source.frames(stop)])
    thread.start()
    deadline = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while not done() and time.monotonic() < deadline:
        states.append(source.state)
        pause.wait(0.02)
    reached = done()
    stop.set()
    thread.join(2.0)
    assert reached, source.state
    assert not thread.is_alive()
    return states


def open_things():
    return (
        len(os.listdir("/proc/self/fd")),
        threading.active_count(),
        len(os.listdir("/proc/self/task")),
    )


@pytest.mark.slow
def test_twenty_kills_leave_nothing_behind(serve):
    server = serve()
    source = live(server.url(), 0.05)
    stop = threading.Event()
    timer = threading.Timer(90, stop.set)
    timer.start()
    kills, numbers, things = 0, [], []
    of_connection, connection = 0, -1
    for frame in source.frames(stop):
        numbers.append(frame.number)
        of_connection = of_connection + 1 if source.reconnects == connection else 1
        connection = source.reconnects
        if of_connection == 3:
            things.append(open_things())
            if kills == 20:
                stop.set()
                continue
            kills += 1
            server.kill()
            server.start()
    timer.cancel()
    assert kills == 20
    assert numbers == list(range(len(numbers)))
    early, late = np.array(things[1:6]), np.array(things[-5:])
    assert (late.max(0) <= early.max(0) + [2, 0, 2]).all(), things


def test_a_frozen_server_is_noticed_and_used_again(serve, caplog):
    caplog.set_level(logging.INFO)
    server = serve()
    source = live(server.url(), timeout_s=1.0)
    stop = threading.Event()
    timer = threading.Timer(DEADLINE_S, stop.set)
    timer.start()
    frozen = thawed = 0.0
    for frame in source.frames(stop):
        if frame.number == 5:
            server.signal(signal.SIGSTOP)
            frozen = time.monotonic()
            threading.Timer(3.0, server.signal, [signal.SIGCONT]).start()
        elif source.reconnects and not thawed:
            thawed = time.monotonic() - frozen - 3.0
            stop.set()
    timer.cancel()
    assert 0 < thawed < 5.0
    lines = [
        each.getMessage().split(":")[0] for each in caplog.records if each.name == "app.media.live"
    ]
    assert lines == ["door plays rtsp", "door is lost", "door is back"]
    assert "no picture for 1 s" in caplog.text


@pytest.mark.parametrize("state", ["refused", "back-off", "silent", "frozen"])
def test_stop_is_noticed_within_a_second(serve, state):
    server = serve()
    url, wait_s = server.url(), 0.05
    with socketserver.TCPServer(("127.0.0.1", 0), None) as silent:  # listens, never answers
        if state == "silent":
            url = "rtsp://127.0.0.1:{}/cam".format(silent.server_address[1])
        elif state in ("refused", "back-off"):
            url, wait_s = "rtsp://127.0.0.1:1/cam", 0.05 if state == "refused" else 60.0
        source = live(url, wait_s)
        stop = threading.Event()
        seen = threading.Event()

        def run():
            for _ in source.frames(stop):
                seen.set()

        thread = threading.Thread(target=run)
        thread.start()
        if state == "frozen":
            assert seen.wait(DEADLINE_S)
            server.signal(signal.SIGSTOP)
        threading.Event().wait(0.5)
        began = time.monotonic()
        stop.set()
        thread.join(5.0)
        assert not thread.is_alive()
        assert time.monotonic() - began < 1.0
        server.signal(signal.SIGCONT)


def test_a_slow_consumer_gets_the_newest(serve):
    """With every frame kept, the tenth would be frame 10; it must be one of those just made."""
    server = serve()
    stop = threading.Event()
    began = None
    for frame in live(server.url()).frames(stop):
        began = began or time.monotonic()
        if frame.number == 5:
            break
        threading.Event().wait(0.3)
    assert time.monotonic() - began < 5 * 0.3 + 0.5


# -- MJPEG over HTTP


class Mjpeg(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/secret" and "Authorization" not in self.headers:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="cam"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path.startswith("/nope"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=a-long-boundary")
        self.end_headers()
        with contextlib.suppress(OSError):  # the reader leaves when it has enough
            self._send()

    def _send(self):
        """Ten pictures, then the connection ends."""
        for value in range(10):
            jpeg = cv2.imencode(".jpg", np.full((50, 66, 3), 20 * value, np.uint8))[1].tobytes()
            head = f"--a-long-boundary\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
            self.wfile.write(head.encode() + b"\r\n\r\n" + jpeg + b"\r\n")
            threading.Event().wait(0.03)

    def log_message(self, *_):
        pass


class MjpegServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


@pytest.fixture
def mjpeg():
    needs.gstreamer()
    server = MjpegServer(("127.0.0.1", 0), Mjpeg)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield "127.0.0.1:{}".format(server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("login, path", [("", "/"), ("bob:s3cret@", "/secret")])
def test_http_mjpeg_is_reconnected(mjpeg, login, path):
    frames = taken(live(f"http://{login}{mjpeg}{path}"), 25)
    assert [frame.number for frame in frames] == list(range(25))
    assert frames[0].image.shape == (50, 66, 3)


def test_http_refusals_are_said_in_words(mjpeg):
    for path, said in (("/nope?token=t0k", "(404)"), ("/secret", "(401)")):
        source = live(f"http://{mjpeg}{path}")
        watched(source, threading.Event(), lambda each=source: each.reconnects >= 1)
        assert said in source.state and "t0k" not in source.state


# -- what is not there


def test_a_dead_camera_is_no_error_and_is_retried(caplog, capfd):
    needs.gstreamer()
    source = live("rtsp://bob:s3cret@127.0.0.1:1/cam")
    watched(source, threading.Event(), lambda: source.reconnects >= 3)
    assert source.state == "lost: cannot connect"
    assert [each.getMessage() for each in caplog.records] == [
        "door is lost: rtsp://***@127.0.0.1:1/cam: cannot connect"
    ]
    assert "".join(capfd.readouterr()) == ""


def test_a_missing_device_names_those_that_exist():
    needs.gstreamer()
    source = live("v4l2:///dev/video99")
    watched(source, threading.Event(), lambda: source.reconnects >= 1)
    assert source.state.startswith("lost: there is no /dev/video99; ")
    assert "/dev/video" in source.state[35:] or "no video device is plugged in" in source.state


def test_a_ribbon_camera_needs_a_jetson():
    needs.gstreamer()
    if "nvarguscamerasrc" in probe.found().elements:
        pytest.skip("this is a Jetson")
    with pytest.raises(SourceError, match="on a Jetson only"):
        reader.open_source(Camera("c", parse("csi://0")))
