"""Who is connected to the RTSP server, with stand-ins for the server and its clients."""

import types

from app.media.clients import Clients


class Pool:
    def set_max_sessions(self, most):
        pass

    def cleanup(self):
        pass

    def filter(self, *_):
        return []


class Server:
    def __init__(self):
        self.clients = []
        self.welcome = None

    def set_backlog(self, most):
        pass

    def get_session_pool(self):
        return Pool()

    def connect(self, signal, welcome):
        self.welcome = welcome

    def client_filter(self, _):
        return list(self.clients)


class Client:
    """One that watches, and leaves amid the next look at it."""

    def __init__(self, server):
        self._server = server
        self._closed = None
        server.welcome(server, self)
        server.clients.append(self)

    def connect(self, signal, told):
        if signal == "closed":
            self._closed = told

    def session_filter(self, _):
        # on its own thread, once its sessions were read and before they are told
        self._server.clients.remove(self)
        self._closed(self)
        return ["session"]


def known(server):
    default = types.SimpleNamespace(iteration=lambda _: False)
    context = types.SimpleNamespace(default=lambda: default)
    rtsp = types.SimpleNamespace(GLib=types.SimpleNamespace(MainContext=context))
    return Clients(server, 4, rtsp, lambda name: None)


def test_a_client_that_leaves_while_it_is_looked_at_is_forgotten():
    """Entered again it would stay, with its socket, until the server ends."""
    server = Server()
    made = known(server)
    for _ in range(5):
        Client(server)
        made.forget_the_dead()
    assert not server.clients and not made._used
