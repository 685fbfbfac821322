"""camera: a real RTSP camera for tests, that can be killed, frozen and started again."""

import os
import select
import subprocess
import sys


class RtspServer:
    def __init__(self, *options):
        script = os.path.join(os.path.dirname(__file__), "rtsp_server.py")
        self._command = [sys.executable, script, *options]
        self.port = "0"
        self.start()

    def start(self, *more):
        """Once more on the same port, with more options."""
        self._process = subprocess.Popen(
            self._command + ["--port", self.port, *more],
            stdout=subprocess.PIPE,
            universal_newlines=True,
        )
        self.port = self._process.stdout.readline().split()[1]
        self._clients = 0

    @property
    def clients(self):
        """How many have connected since it was started."""
        out = self._process.stdout
        while select.select([out], [], [], 0)[0]:
            said = os.read(out.fileno(), 4096)
            if not said:
                break
            self._clients += said.count(b"client")
        return self._clients

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def url(self, login="", path="/cam"):
        return f"rtsp://{login}127.0.0.1:{self.port}{path}"
