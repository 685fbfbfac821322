"""viewer: real RTSP clients, GStreamer's and FFmpeg's."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

from app.media import gst

SOON_S = 20.0


def wait_for(true, limit_s=SOON_S):
    deadline, pause = time.monotonic() + limit_s, threading.Event()
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        pause.wait(0.02)


def ask(url, method="DESCRIBE"):
    """The first line of the server's answer."""
    place = url.split("/")[2].rsplit(":", 1)
    with socket.create_connection((place[0].strip("[]"), int(place[1])), timeout=SOON_S) as line:
        line.sendall(f"{method} {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        return line.recv(4096).split(b"\r\n")[0]


class Viewer:
    """GStreamer's client, in this process."""

    def __init__(self, url, protocols="tcp"):
        self._gst = gst.load()
        self._line = self._gst.parse_launch(
            f"rtspsrc location={url} protocols={protocols} latency=0 ! rtph264depay ! h264parse ! "
            "avdec_h264 ! appsink name=out sync=false max-buffers=2 drop=true"
        )
        self._out = self._line.get_by_name("out")

    def __enter__(self):
        self._line.set_state(self._gst.State.PLAYING)
        return self

    def __exit__(self, *_):
        self._line.set_state(self._gst.State.NULL)

    def see(self, count):
        """Width and height of the newest of ``count`` decoded pictures."""
        for _ in range(count):
            sample = self._out.emit("try-pull-sample", int(SOON_S * self._gst.SECOND))
            assert sample is not None, "no picture"
        shape = sample.get_caps().get_structure(0)
        return shape.get_value("width"), shape.get_value("height")


FFMPEG_VIEWER = """
import sys, cv2
film = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
for number in range(int(sys.argv[2])):
    there, image = film.read()
    if not there:
        sys.exit(f"only {number} pictures")
    print(number, image.shape[1], image.shape[0], flush=True)
"""


@contextlib.contextmanager
def ffmpeg_viewer(url, count, transport="tcp"):
    """FFmpeg's client, as OpenCV has it, in a child process."""
    env = dict(os.environ, OPENCV_FFMPEG_CAPTURE_OPTIONS=f"rtsp_transport;{transport}")
    child = subprocess.Popen(
        [sys.executable, "-c", FFMPEG_VIEWER, url, str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
        child.stderr.close()
