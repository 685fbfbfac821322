"""A camera whose connection fails at any moment: let go, and made anew, with nothing left."""

import contextlib
import os
import random
import signal
import threading
import time

import pytest

from app.media import reader
from app.media.camera import Camera
from app.media.live import Live
from app.media.uri import parse
from tests import needs
from tests.camera import RtspServer
from tests.flaky_proxy import CLOSE, GARBAGE, STALL, FlakyProxy


@pytest.fixture
def server():
    needs.gstreamer("GstRtspServer")
    made = RtspServer()
    yield made
    made.signal(signal.SIGCONT)
    made.kill()


class Watcher:
    """A live source, run on a thread as a pipeline does, with its own back-off and time-out."""

    def __init__(self, url, waits=None, **settings):
        camera = Camera("door", parse(url), **settings)
        rest = {} if waits is None else {"waits": waits}
        self.source = Live(camera, reader.live_way(camera), **rest)
        self.frames = 0
        self.connections = 0  # that gave three pictures and more
        self.newest = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        before, of_connection = -1, 0
        for frame in self.source.frames(self._stop):
            self.newest = frame.size_wh
            self.frames += 1
            of_connection = of_connection + 1 if self.source.reconnects == before else 1
            before = self.source.reconnects
            self.connections += of_connection == 3

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def until_it_plays(self, seconds=20.0):
        """How long it took until three more pictures had come."""
        seen = self.frames
        return self.until(lambda: self.frames >= seen + 3, seconds)

    def until(self, done, seconds):
        began = time.monotonic()
        while not done():
            assert time.monotonic() - began < seconds, self.source.state
            threading.Event().wait(0.01)
        return time.monotonic() - began


@pytest.mark.slow
def test_a_connection_that_fails_at_any_moment_is_made_anew(server):
    """In the midst of an answer, of the description, of a packet; and nothing is left of it."""
    fates = [
        (most, fate)
        for most in (0, 1, 60, 150, 400, 900, 1500, 2000, 3000, 20000)
        for fate in (CLOSE, STALL, GARBAGE)
    ]
    random.Random(0).shuffle(fates)
    with Watcher(server.url()) as watcher:
        watcher.until_it_plays()
    before = open_things()
    with contextlib.closing(FlakyProxy(server.port, fates)) as proxy:
        url = f"rtsp://127.0.0.1:{proxy.port}/cam"
        with Watcher(url, lambda: iter([0.05] * 10000), timeout_s=1.0) as watcher:
            watcher.until(lambda: not proxy.fates, 3.0 * len(fates))
            watcher.until_it_plays()
    grown = [late - early for early, late in zip(before, open_things())]
    assert max(grown) <= 2, grown


def open_things():
    """Files, threads of Python's, and of the system's."""
    return (
        len(os.listdir("/proc/self/fd")),
        threading.active_count(),
        len(os.listdir("/proc/self/task")),
    )
