"""viewer: real RTSP clients, GStreamer's and FFmpeg's."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

import numpy as np

from app.media import gst

SOON_S = 20.0


def wait_for(true, limit_s=SOON_S):
    deadline, pause = time.monotonic() + limit_s, threading.Event()
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        pause.wait(0.02)


def ask(url, method="DESCRIBE", header="User-Agent: test"):
    """The first line of the server's answer."""
    place = url.split("/")[2].rsplit(":", 1)
    with socket.create_connection((place[0].strip("[]"), int(place[1])), timeout=SOON_S) as line:
        line.sendall(f"{method} {url} RTSP/1.0\r\nCSeq: 1\r\n{header}\r\n\r\n".encode())
        return line.recv(4096).split(b"\r\n")[0]


class Viewer:
    """GStreamer's client, in this process."""

    def __init__(self, url, protocols="tcp", **rest):
        self._gst = gst.load()
        self._line = self._gst.parse_launch(
            "rtspsrc name=source latency=0 ! rtph264depay ! h264parse ! avdec_h264 ! "
            "videoconvert ! video/x-raw,format=GRAY8 ! "
            "appsink name=out sync=false max-buffers=2 drop=true"
        )
        source = self._line.get_by_name("source")
        self._gst.util_set_object_arg(source, "protocols", protocols)
        source.set_property("location", url)
        for name, value in rest.items():
            source.set_property(name.replace("_", "-"), value)
        self._out = self._line.get_by_name("out")

    def __enter__(self):
        self._line.set_state(self._gst.State.PLAYING)
        return self

    def __exit__(self, *_):
        self._line.set_state(self._gst.State.NULL)

    def see(self, count):
        """Width and height of the newest of ``count`` decoded pictures."""
        for _ in range(count):
            sample = self._sample()
        shape = sample.get_caps().get_structure(0)
        return shape.get_value("width"), shape.get_value("height")

    def look(self):
        """The next decoded picture, (H, W) uint8 of grey."""
        sample = self._sample()
        shape = sample.get_caps().get_structure(0)
        width, height = shape.get_value("width"), shape.get_value("height")
        buffer = sample.get_buffer()
        rows = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8)
        return rows.reshape(height, -1)[:, :width]

    def ends(self):
        """Why the stream is over: what GStreamer has told of its end or an error, or nothing."""
        kinds = self._gst.MessageType.EOS | self._gst.MessageType.ERROR
        message = self._line.get_bus().pop_filtered(kinds)
        if message is None:
            return ""
        return str(message.parse_error()) if message.type == self._gst.MessageType.ERROR else "EOS"

    def over(self):
        """As ends(); the end comes behind pictures that nobody has taken, so they are taken."""
        while self._out.emit("try-pull-sample", 0) is not None:
            pass
        return self.ends()

    def refused(self):
        """What the server's refusal was told as."""
        wait_for(lambda: self._remember())
        return self._told

    def _remember(self):
        self._told = self.ends()
        return self._told

    def _sample(self):
        sample = self._out.emit("try-pull-sample", int(SOON_S * self._gst.SECOND))
        assert sample is not None, "no picture: " + self.ends()
        return sample


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


class RawViewer:
    """A viewer by TCP that takes nothing of what it is sent, until it is asked what comes next."""

    def __init__(self, url, most_bytes=4096):
        host, port = url.split("/")[2].split(":")
        self._line = socket.socket()
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, most_bytes)
        self._line.settimeout(SOON_S)
        self._line.connect((host, int(port)))
        self._bytes = self._line.makefile("rb")
        self._ask("DESCRIBE", url, "Accept: application/sdp")
        by_tcp = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
        told = self._ask("SETUP", url + "/stream=0", by_tcp)
        self._ask("PLAY", url, "Session: " + told["session"].split(";")[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._bytes.close()
        self._line.close()

    def next_channel(self):
        """Of the next packet: 0 for one of pictures, 1 for a report."""
        head = self._bytes.read(4)
        self._bytes.read(int.from_bytes(head[2:], "big"))
        return head[1]

    def _ask(self, method, url, header):
        """The answer's headers, by their names in lower case."""
        self._line.sendall(f"{method} {url} RTSP/1.0\r\nCSeq: 1\r\n{header}\r\n\r\n".encode())
        assert b" 200 " in self._bytes.readline()
        lines = iter(lambda: self._bytes.readline().decode().strip(), "")
        told = {name.lower(): value.strip() for name, value in (one.split(":", 1) for one in lines)}
        self._bytes.read(int(told.get("content-length", 0)))
        return told
