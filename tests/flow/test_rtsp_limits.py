"""The RTSP server with clients that flood it, are silent or are too many."""

import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest

from tests import needs
from tests.on_air import ANY_PORT, on_air
from tests.viewer import SOON_S, RawViewer, Viewer, ask, ffmpeg_viewer, wait_for

pytestmark = pytest.mark.slow

MOST = 64  # connections


@pytest.fixture(autouse=True)
def gstreamer():
    needs.gstreamer("GstRtspServer")


def place_of(server):
    host, port = server.url("a").split("/")[2].split(":")
    return host, int(port)


def threads_and_files():
    return sum(len(os.listdir("/proc/self/" + name)) for name in ("task", "fd"))


def closed(line):
    line.setblocking(False)
    try:
        return line.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def answers(url):
    try:
        return b"200" in ask(url)
    except OSError:
        return False


def smooth(viewer, count=60):
    """Thirty pictures a second come as they did."""
    began = time.monotonic()
    viewer.see(count)
    assert time.monotonic() - began < count / 30 + 2


def test_connections_are_limited_and_silent_ones_make_room():
    """Each costs a thread and two files: a thousand silent ones would take the process down."""
    with on_air() as (server, _), contextlib.ExitStack() as stack:
        viewer = stack.enter_context(Viewer(server.url("a")))
        viewer.see(1)
        before = threads_and_files()
        lines = [
            stack.enter_context(socket.create_connection(place_of(server))) for _ in range(200)
        ]
        for line in lines[::2]:
            with contextlib.suppress(OSError):  # the surplus ones
                line.sendall(b"DESCRIBE rtsp://half/a")
        wait_for(lambda: sum(closed(line) for line in lines) >= len(lines) - MOST)
        wait_for(lambda: threads_and_files() <= before + MOST * 3 + len(lines) + 5)
        assert not all(closed(line) for line in lines)
        smooth(viewer)
        wait_for(lambda: all(closed(line) for line in lines))  # by nothing but their silence
        wait_for(lambda: answers(server.url("a")))
        smooth(viewer, 10)
        with Viewer(server.url("a")) as other:
            other.see(3)


GARBAGE = {
    "zeros": b"\0" * 100000,
    "noise": bytes(range(256)) * 400,
    "a line without an end": b"DESCRIBE " + b"x" * 300000,
    "headers without an end": b"OPTIONS * RTSP/1.0\r\n" + b"A: b\r\n" * 50000,
    "a body of 2 GB": b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 2147483647\r\n\r\n"
    + b"x" * 300000,
    "a negative body": b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: -5\r\n\r\n",
    "a path of 4 kB": b"DESCRIBE rtsp://h/" + b"a/" * 2000 + b" RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    "HTTP": b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "data of a channel that is none": b"$\x07\xff\xff" + b"x" * 65535,
}


BY_TCP = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"


@pytest.mark.parametrize(
    "method, path, header",
    [
        ("SETUP", "/stream=0", BY_TCP),
        ("SETUP", "/stream=0", "Transport: garbage"),
        ("SETUP", "/stream=0", BY_TCP + "\r\nBlocksize: x"),
        ("SETUP", "/stream=7", BY_TCP),
        ("DESCRIBE", "/", BY_TCP),
        ("DESCRIBE", "?x=1", BY_TCP),
    ],
)
def test_a_stray_request_takes_nobodys_stream_away(method, path, header):
    """Each made an encoder of its own, which took the pictures and was gone with its connection."""
    with on_air() as (server, _), Viewer(server.url("a")) as viewer:
        viewer.see(2)
        ask(server.url("a") + path, method, header)
        smooth(viewer, 30)
        assert server.viewers("a") == 1


def resident_kb():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def test_garbage_and_huge_requests_harm_nobody():
    with on_air() as (server, _), Viewer(server.url("a")) as viewer:
        viewer.see(1)
        before = resident_kb()
        for _ in range(3):
            for text in GARBAGE.values():
                with socket.create_connection(place_of(server), SOON_S) as line:
                    line.settimeout(2)
                    with contextlib.suppress(OSError):
                        line.sendall(text)
            viewer.see(1)
        smooth(viewer)
        assert answers(server.url("a"))
        assert server.viewers("a") == 1
        assert resident_kb() - before < 40000
        assert not viewer.ends()


def test_viewers_are_limited_and_the_next_gets_the_place_of_one_that_leaves():
    with on_air(settings=ANY_PORT._replace(viewers=3)) as (
        server,
        _,
    ), contextlib.ExitStack() as stack:
        url = server.url("a")
        for protocols in ("tcp", "udp"):
            stack.enter_context(Viewer(url, protocols)).see(2)
        with Viewer(url) as third:
            third.see(2)
            assert ask(url).split()[1] == b"503"
            assert ask(url + "/stream=0", "SETUP", BY_TCP).split()[1] == b"503"
            with Viewer(url) as fourth:
                assert "ervice" in fourth.refused()
            with ffmpeg_viewer(url, 1) as child:
                _, errors = child.communicate(timeout=SOON_S)
                assert child.returncode == 1 and b"only 0 pictures" in errors
            smooth(third, 30)
            assert not third.ends()
        wait_for(lambda: answers(url))
        with Viewer(url) as fourth:
            fourth.see(2)


@pytest.mark.parametrize(
    "transport", [BY_TCP, "Transport: RTP/AVP;unicast;client_port=40000-40001"]
)
def test_viewers_that_break_off_leave_their_places_to_others(transport):
    """Their sessions stayed for a minute: as many as may watch, and nobody could."""
    with on_air(settings=ANY_PORT._replace(viewers=3)) as (server, _):
        url = server.url("a")
        for _ in range(5):  # two of which find no place, or not yet
            with socket.create_connection(place_of(server), SOON_S) as line:
                line.sendall(
                    f"SETUP {url}/stream=0 RTSP/1.0\r\nCSeq: 1\r\n{transport}\r\n\r\n".encode()
                )
                line.recv(4096)
        wait_for(lambda: answers(url))
        with Viewer(url) as viewer:
            viewer.see(3)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("blow", [signal.SIGSTOP, signal.SIGKILL])
def test_many_viewers_that_stall_or_vanish_do_not_slow_the_others(blow, transport):
    with on_air() as (server, _), contextlib.ExitStack() as stack:
        viewer = stack.enter_context(Viewer(server.url("a")))
        viewer.see(1)
        children = [
            stack.enter_context(ffmpeg_viewer(server.url("a"), 10000, transport)) for _ in range(3)
        ]
        for child in children:
            child.stdout.readline()
        for child in children:
            child.send_signal(blow)
        smooth(viewer, 90)
        if blow == signal.SIGKILL:
            wait_for(lambda: server.viewers("a") == 1)
        with Viewer(server.url("a")) as other:
            other.see(5)
        for child in children:
            with contextlib.suppress(ProcessLookupError, subprocess.SubprocessError):
                child.kill()


def test_somebody_who_joins_none_but_viewers_that_stall_gets_pictures():
    """Only the next report set the stream free, and none did where reports were stuck as well."""
    with on_air(settings=ANY_PORT._replace(bitrate_kbps=20000), noise=True) as (server, _):
        # a report may happen to come before a picture, but not so often
        assert any(sees_before_a_report(server) for _ in range(5))


def sees_before_a_report(server):
    with RawViewer(server.url("a")):
        wait_for(lambda: stuck(server))
        with RawViewer(server.url("a")) as viewer:
            return viewer.next_channel() == 0


def stuck(server):
    """Whether pictures are shown and none is sent."""
    sent = server._mounts["a"].line.media.get_element().get_by_name("pay0")
    shown, before = server.stats("a").encoded, sent.get_property("seqnum")
    wait_for(lambda: server.stats("a").encoded > shown + 10)
    return sent.get_property("seqnum") == before
