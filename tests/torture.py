"""torture: a service on real cameras, and what may happen to it in the field."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

from tests.soaked import CAMERAS, CHANGES
from tests.viewer import FFMPEG_VIEWER

SIZES = ("320x240", "640x360", "480x270")
RESTED_S = 25.0  # sessions time out, and free memory is given back once more
LONGEST_S = 60.0  # until an incident counts as not recovered from


class Torture:
    def __init__(self, service, cameras, disk, luck):
        self.service = service
        self.cameras = cameras
        self.disk = disk
        self.luck = luck
        self.table = {}  # incident -> recovery times
        self.failed = []
        self.grown = {}  # incident -> MB that the service was larger after it, in all
        self.viewers = []

    def incidents(self):
        made = [
            self.killed, self.killed, self.frozen, self.garbage, self.resized, self.joins,
            self.joins, self.stalls, self.vanishes, self.flood, self.reload, self.changed,
            self.http_noise,
        ]  # fmt: skip
        return made + ([self.disk_full] if self.disk else [])

    def one(self):
        incident = self.luck.choice(self.incidents())
        camera = self.luck.choice(CAMERAS)
        name = incident.__name__.replace("_", " ")
        before = self.service.vitals().rss_mb
        seconds = incident(camera)
        self.table.setdefault(name, []).append(seconds)
        self.grown[name] = self.grown.get(name, 0.0) + self.service.vitals().rss_mb - before
        if seconds >= LONGEST_S:
            self.failed.append(f"{name} of {camera}")
        print(f"{time.strftime('%H:%M:%S')}  {name:<12} {camera:<6} {seconds:6.1f} s", flush=True)

    def back(self, camera, more=3):
        """
        Seconds until ``more`` new frames of a camera have gone all the way; a new pipeline counts
        them from zero.
        """
        began = time.monotonic()
        before = None
        while time.monotonic() - began < LONGEST_S:
            try:
                frames = self.service.frames(camera)
                before = frames if before is None else min(before, frames)
                if frames >= before + more:
                    break
            except OSError:  # it does not answer
                pass
            time.sleep(0.1)
        return time.monotonic() - began

    def killed(self, camera):
        self.cameras[camera].kill()
        time.sleep(self.luck.uniform(0, 8))
        self.cameras[camera].start()
        return self.back(camera)

    def frozen(self, camera):
        self.cameras[camera].signal(signal.SIGSTOP)
        time.sleep(self.luck.uniform(3, 9))
        self.cameras[camera].signal(signal.SIGCONT)
        return self.back(camera)

    def garbage(self, camera):
        """Something else answers at the camera's port for a while."""
        one = self.cameras[camera]
        one.kill()
        over = threading.Event()
        thread = threading.Thread(target=_babble, args=(int(one.port), over))
        thread.start()
        time.sleep(self.luck.uniform(1, 6))
        over.set()
        thread.join()
        one.start()
        return self.back(camera)

    def resized(self, camera):
        one = self.cameras[camera]
        one.kill()
        one.start("--size", self.luck.choice(SIZES))
        return self.back(camera)

    def joins(self, camera):
        """A viewer comes, sees pictures, and goes: the time to its fifth."""
        began = time.monotonic()
        viewer = self._viewer(camera)
        seen = [viewer.stdout.readline() for _ in range(5)]
        seconds = time.monotonic() - began if all(seen) else LONGEST_S
        end(viewer, signal.SIGTERM)
        return seconds

    def stalls(self, camera):
        """A viewer stops reading; another one must still get its pictures."""
        stalled = self._viewer(camera)
        stalled.stdout.readline()
        stalled.send_signal(signal.SIGSTOP)
        self.viewers.append(stalled)
        while len(self.viewers) > 3:
            end(self.viewers.pop(0), signal.SIGKILL)
        return self.joins(camera)

    def vanishes(self, camera):
        viewer = self._viewer("mosaic")
        viewer.stdout.readline()
        end(viewer, signal.SIGKILL)
        return self.joins(camera)

    def flood(self, camera):
        """Half requests and noise on many connections."""
        lines = []
        for _ in range(100):
            try:
                line = socket.create_connection(("127.0.0.1", self.service.rtsp), timeout=2)
                line.sendall(bytes(self.luck.getrandbits(8) for _ in range(200)))
                lines.append(line)
            except OSError:
                pass
        seconds = self.back(camera)
        for line in lines:
            line.close()
        time.sleep(3)
        return max(seconds, self.joins(camera))

    def http_noise(self, camera):
        for _ in range(30):
            try:
                with socket.create_connection(("127.0.0.1", self.service.http), timeout=2) as line:
                    line.sendall(bytes(self.luck.getrandbits(8) for _ in range(300)) + b"\r\n\r\n")
            except OSError:
                pass
        return self.back(camera)

    def reload(self, camera):
        """SIGHUP with a config that has not changed."""
        self.service.process.send_signal(signal.SIGHUP)
        return self.back(camera)

    def changed(self, camera):
        """SIGHUP with one that has, so that the pipeline is replaced."""
        self.back(camera, more=20)  # so that a new one's are fewer
        before = self.service.frames(camera)
        self.service.asked.change(self.luck.choice(sorted(CHANGES)))
        self.service.process.send_signal(signal.SIGHUP)
        began = time.monotonic()
        while time.monotonic() - began < LONGEST_S and self._frames(camera, before) >= before:
            time.sleep(0.1)
        return time.monotonic() - began + self.back(camera)

    def disk_full(self, camera):
        path = os.path.join(self.disk, "filler")
        with open(path, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 20))
            except OSError:
                pass
        seconds = self.back(camera, more=25)  # the stream goes on
        os.remove(path)
        return max(seconds, self.back(camera))

    def _frames(self, camera, unknown):
        try:
            return self.service.frames(camera)
        except OSError:  # it does not answer
            return unknown

    def _viewer(self, mount):
        return subprocess.Popen(
            [sys.executable, "-c", FFMPEG_VIEWER, self.service.url(mount), "100000"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=dict(os.environ, OPENCV_FFMPEG_CAPTURE_OPTIONS="rtsp_transport;tcp"),
        )  # fmt: skip

    def over(self):
        while self.viewers:
            end(self.viewers.pop(), signal.SIGKILL)

    def rested(self):
        """
        The service's vitals without a viewer, once it has forgotten those that were, and with
        cameras of their first size: larger pictures take more, and that is no growth.
        """
        self.over()
        for name, camera in self.cameras.items():
            camera.kill()
            camera.start()
            self.back(name)
        time.sleep(RESTED_S)
        return self.service.vitals()


def end(child, number):
    child.send_signal(number)
    child.send_signal(signal.SIGCONT)
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    child.stdout.close()


def _babble(port, over):
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(8)
        listening.settimeout(0.2)
        while not over.is_set():
            try:
                line, _ = listening.accept()
                with line:
                    line.sendall(os.urandom(4096))
            except OSError:
                pass
