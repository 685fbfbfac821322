"""soaked: the service that the soak runs, on a config that it changes."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request

from tests import growth

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")

CAMERAS = ("gate", "yard", "roof")

CONFIG = """
cameras:
{cameras}
detect: {{model: {model}, interval: 3}}
track: {{}}
overlay: {{strip: true, trail_s: {trail}}}
rtsp: {{port: {rtsp}, mosaic: true}}
http: {{port: {http}}}
events: {{path: "{folder}/events.jsonl", max_mb: 1, keep: 3, snapshots: "{folder}/shots",
  snapshots_mb: 8}}
record: {{path: "{folder}/{{camera}}-{{time}}.mp4", minutes: 1, keep_gb: 0.03, free_gb: 0.002}}
counters: "{folder}/counters.json"
"""
CAMERA = """- {{name: {name}, source: "rtsp://127.0.0.1:{port}/cam", most_fps: 5,
  zones: [{{name: left, points: [[0, 0], [{edge}, 0], [{edge}, 1], [0, 1]]}}]}}"""
CHANGES = {"trail": (2.0, 1.0), "edge": (0.5, 0.6)}  # what the config says in turn


def free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


class Asked:
    """The service's config, in a file that can be changed."""

    def __init__(self, folder, model, ports):
        """``ports``: camera -> where it is."""
        self.path = os.path.join(folder, "soak.yaml")
        self.http, self.rtsp = free_port(), free_port()
        self._model = model
        self._ports = ports
        self._disk = os.path.join(folder, "disk")
        self._turn = dict.fromkeys(CHANGES, 0)
        self._write()

    def change(self, what):
        self._turn[what] += 1
        self._write()

    def _write(self):
        now = {name: CHANGES[name][turn % 2] for name, turn in self._turn.items()}
        cameras = (CAMERA.format(name=n, port=p, **now) for n, p in self._ports.items())
        with open(self.path, "w") as file:
            file.write(CONFIG.format(
                cameras="\n".join(cameras), model=self._model, rtsp=self.rtsp, http=self.http,
                folder=self._disk, **now,
            ))  # fmt: skip


def _hears_hangups():
    """So that SIGHUP reads the config again, also where nohup has the soak ignore it."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Service:
    """The process under test, and what can be asked of it."""

    def __init__(self, folder, model, cameras):
        self.asked = Asked(folder, model, {name: one.port for name, one in cameras.items()})
        self.http, self.rtsp = self.asked.http, self.asked.rtsp
        self.log = os.path.join(folder, "log.txt")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "run", self.asked.path],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
                preexec_fn=_hears_hangups,
            )

    def metrics(self):
        """Name with labels -> value."""
        url = f"http://127.0.0.1:{self.http}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        rows = (line.rsplit(" ", 1) for line in lines if line and line[0] != "#")
        return {name: float(value) for name, value in rows}

    def frames(self, camera):
        return self.metrics().get(f'jetwatch_frames_total{{camera="{camera}"}}', 0.0)

    def vitals(self):
        """As the system sees them."""
        return growth.vitals(self.process.pid)

    def url(self, mount):
        return f"rtsp://127.0.0.1:{self.rtsp}/{mount}"
