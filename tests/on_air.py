"""on_air: an RTSP server with moving pictures on it, in this process."""

import contextlib
import threading
import time

import numpy as np

from app.media.mount import RtspSettings
from app.media.rtsp import serving
from tests.viewer import ask, wait_for

ANY_PORT = RtspSettings(port=0)


class Camera:
    """
    Pushes a moving picture to each mount, 30 a second, on a thread of its own; one with ``noise``
    takes as many bytes as the encoder may spend.
    """

    def __init__(self, server, mounts, size=(320, 240), noise=False):
        self.size = size
        self._random = np.random.RandomState(1) if noise else None
        self._server, self._mounts = server, mounts
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.error = None
        self.count = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        assert self.error is None

    def _run(self):
        try:
            while not self._stop.wait(1 / 30):
                width, height = self.size
                image = np.full((height, width, 3), 60, np.uint8)
                image[:, self.count * 4 % width :][:, :20] = 255
                if self._random is not None:
                    image = self._random.randint(0, 256, image.shape).astype(np.uint8)
                for mount in self._mounts:
                    self._server.push(mount, image, time.monotonic())
                self.count += 1
        except Exception as exc:
            self.error = exc


@contextlib.contextmanager
def on_air(mounts=("a",), size=(320, 240), settings=ANY_PORT, noise=False):
    with serving(settings, mounts) as server, Camera(server, mounts, size, noise) as camera:
        if not (settings.login.user or settings.certificate):
            wait_for(lambda: all(b"200" in ask(server.url(mount)) for mount in mounts))
        yield server, camera
