"""flaky_proxy: a network between a camera and us that fails where it is told to."""

import collections
import contextlib
import os
import socket
import threading

CLOSE, STALL, GARBAGE = "close", "stall", "garbage"


class FlakyProxy:
    """
    Each connection passes so many bytes from the server, then its fate: CLOSE ends it, STALL sends
    no more though it stays open, GARBAGE sends random bytes for ever. Without a fate all passes.
    """

    def __init__(self, server_port, fates=()):
        self.fates = collections.deque(fates)
        self._server_port = server_port
        self._closing = threading.Event()
        self._threads = []
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(8)
        self._listener.settimeout(0.1)
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)

    def close(self):
        self._closing.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while not self._closing.is_set():
            with contextlib.suppress(socket.timeout):
                self._start(self._carry, self._listener.accept()[0])

    def _carry(self, client):
        most, fate = self.fates.popleft() if self.fates else (None, None)
        over = threading.Event()
        with contextlib.closing(client), contextlib.suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self._server_port))
            client.settimeout(0.05)
            server.settimeout(0.05)
            with contextlib.closing(server):
                up = threading.Thread(target=self._upwards, args=(client, server, over))
                up.start()
                try:
                    if self._downwards(server, client, most, over):
                        self._end(client, fate, over)
                finally:
                    over.set()
                    up.join()

    def _downwards(self, server, client, most, over):
        """Whether all that may pass has passed."""
        passed = 0
        while not self._closing.is_set() and not over.is_set():
            if passed == most:
                return True
            try:
                content = server.recv(65536 if most is None else min(65536, most - passed))
            except socket.timeout:
                continue
            if not content:
                return False
            client.settimeout(5)
            client.sendall(content)
            client.settimeout(0.05)
            passed += len(content)
        return False

    def _upwards(self, client, server, over):
        with contextlib.suppress(OSError):
            while not self._closing.is_set() and not over.is_set():
                try:
                    content = client.recv(65536)
                except socket.timeout:
                    continue
                if not content:
                    break
                server.sendall(content)
        over.set()

    def _end(self, client, fate, over):
        while fate != CLOSE and not self._closing.is_set() and not over.wait(0.01):
            if fate == GARBAGE:
                client.settimeout(1)
                client.sendall(os.urandom(4096))
