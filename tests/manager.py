"""manager: the part of systemd that services talk to: a socket, and what was said on it."""

import contextlib
import os
import socket
import time


class Manager:
    """Give ``environ`` to a process; ``heard`` are the datagrams so far, each as its lines."""

    def __init__(self, heard, path, watchdog_s):
        self._socket = heard
        self.heard = []
        self.environ = {"NOTIFY_SOCKET": path}
        if watchdog_s:
            self.environ["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))

    def listen(self, seconds=0.0):
        """Everything that comes for so long."""
        limit = time.monotonic() + seconds
        while True:
            self._socket.settimeout(max(0.01, limit - time.monotonic()))
            try:
                self.heard.append(self._socket.recv(65536).decode().split("\n"))
            except socket.timeout:
                return self.heard

    def wait(self, word, seconds=30.0, since=0):
        """Until a datagram from the ``since``-th on has a line that begins so; its number."""
        limit = time.monotonic() + seconds
        while True:
            for number, lines in enumerate(self.heard[since:], since):
                if any(line.startswith(word) for line in lines):
                    return number
            assert time.monotonic() < limit, (word, self.heard[since:])
            self.listen(0.1)


@contextlib.contextmanager
def managing(folder, watchdog_s=0):
    path = os.path.join(str(folder), "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(path)
        yield Manager(heard, path, watchdog_s)
