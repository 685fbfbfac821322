"""unreliable: a network in front of a real camera, that breaks, falls silent or talks rubbish."""

import contextlib
import os
import socket
import struct
import threading


class Network:
    """
    Listens on ``port`` and carries bytes to and from a camera's. After ``most`` bytes from the
    camera a connection is cut, every other one by a reset. ``way``: "whole"; "silent", where it
    accepts and says nothing; or "rubbish".
    """

    def __init__(self, camera_port, most=float("inf")):
        self.way = "whole"
        self.most = most
        self.connections = 0
        self._camera_port = int(camera_port)
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(50)
        self.port = self._listener.getsockname()[1]
        self._open = []  # carried, each by threads that close it
        self._mute = []
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self):
        return f"rtsp://127.0.0.1:{self.port}/cam"

    def cut(self):
        """Break all connections."""
        for one in self._open:
            _broken(one)
        for one in self._mute:
            one.close()
        self._open, self._mute = [], []

    def close(self):
        _broken(self._listener)
        self._listener.close()
        self.cut()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            (self._open if self.way == "whole" else self._mute).append(client)
            try:
                self._begin(client)
            except OSError:  # the camera refuses, or the client has gone
                client.close()

    def _begin(self, client):
        if self.way == "rubbish":
            client.sendall(os.urandom(5000))
        if self.way == "whole":
            camera = socket.create_connection(("127.0.0.1", self._camera_port))
            threading.Thread(target=self._carry, args=(client, camera), daemon=True).start()
            back = (camera, client, self.most, self.connections % 2)
            threading.Thread(target=self._carry, args=back, daemon=True).start()

    def _carry(self, source, target, most=float("inf"), reset=False):
        try:
            while most > 0:
                content = source.recv(4096)
                if not content:
                    break
                if self.way == "whole":
                    target.sendall(content)
                most -= len(content)
            if reset:
                linger = struct.pack("ii", 1, 0)
                target.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        except OSError:
            pass
        for one in (source, target):
            _broken(one)
            one.close()
            with contextlib.suppress(ValueError):
                self._open.remove(one)


def _broken(one):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
