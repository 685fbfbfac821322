"""clients: who is connected to the RTSP server: who may come in, and who has to go."""

import contextlib
import time
from typing import Any, Callable, Dict, Optional, Set

from app.media.guard import vacate
from app.media.mount import Bindings, Line, Mount

_CLIENTS = 64  # at least; each costs a thread and two files, whether or not it asks for anything
_IDLE_S = 10.0  # a connection that watches nothing for so long makes room for others


class Clients:
    """
    ``viewers`` may watch at once. Signals of GStreamer's server come on its clients' threads; what
    ends clients is called on the server's own.
    """

    def __init__(
        self,
        server: Any,
        viewers: int,
        rtsp: Bindings,
        mount: Callable[[str], Optional[Mount]],
    ) -> None:
        """``mount``: finds one by its name."""
        self._server = server
        self._viewers = viewers
        self._rtsp = rtsp
        self._mount = mount
        self._most = max(_CLIENTS, 2 * viewers)
        self._used: Dict[Any, _Used] = {}
        self._empty: Set[Any] = set()  # sessions without a stream
        server.set_backlog(self._most)
        server.get_session_pool().set_max_sessions(viewers)
        server.connect("client-connected", self._welcome)

    def playing(self, line: Optional[Line]) -> int:
        """How many watch it now."""
        playing = self._rtsp.Rtsp.RTSPState.PLAYING
        # filter(None) and never (None, None): PyGObject would lose what it makes of the second
        return sum(
            1
            for session in self._server.get_session_pool().filter(None)
            for part in session.filter(None)
            if line is not None
            and part.get_media() == line.media
            and part.get_rtsp_state() == playing
        )

    def forget_the_dead(self) -> None:
        """End silent sessions, and connections that have watched nothing lately."""
        pool = self._server.get_session_pool()
        pool.cleanup()
        self._empty = vacate(pool, self._empty)
        now = time.monotonic()
        for client in self._server.client_filter(None):
            watches, used = client.session_filter(None), self._used.get(client)
            if used is None:  # it has left, and must not be entered again
                continue
            if watches:
                used.when = now
            elif now - used.when >= _IDLE_S:
                _hang_up(client)
        # What is left of a failed handshake waits there, with its socket, to be let go.
        default = self._rtsp.GLib.MainContext.default()
        for _ in range(self._most):
            if not default.iteration(False):
                break

    def send_away(self, line: Line) -> None:
        """Hang up on those who watch it."""

        def watches(session: Any) -> bool:
            return any(part.get_media() == line.media for part in session.filter(None))

        for client in self._server.client_filter(None):
            if any(map(watches, client.session_filter(None))):
                _hang_up(client)
        what = self._rtsp.Server.RTSPFilterResult
        self._server.get_session_pool().filter(
            lambda _, session, *rest: what.REMOVE if watches(session) else what.KEEP
        )

    def end(self) -> None:
        """Hang up on all."""
        clients = self._server.client_filter(None)
        for gone in set(self._used) - set(clients):  # a client may leave while it is looked at
            self._used.pop(gone, None)
        for client in clients:
            _hang_up(client)
        remove = self._rtsp.Server.RTSPFilterResult.REMOVE
        self._server.get_session_pool().filter(lambda *_: remove)

    def _welcome(self, server: Any, client: Any) -> None:
        if len(server.client_filter(None)) >= self._most:
            _hang_up(client)
            return
        self._used[client] = _Used(time.monotonic())
        client.connect("closed", self._leave)
        client.connect("pre-describe-request", self._admit)
        client.connect("pre-setup-request", self._admit)
        client.connect("play-request", self._refresh)

    def _leave(self, client: Any) -> None:
        self._used.pop(client, None)

    def _admit(self, _: Any, context: Any) -> Any:
        """Say 503 "come again" to one viewer too many, before anything is made for it."""
        codes = self._rtsp.Rtsp.RTSPStatusCode
        sessions = self._server.get_session_pool().get_n_sessions()
        if context.session is None and sessions >= self._viewers:
            return codes.SERVICE_UNAVAILABLE
        mount = self._asked(context)
        if mount is not None:
            mount.settle()
        return codes.OK

    def _refresh(self, _: Any, context: Any) -> None:
        mount = self._asked(context)
        if mount is not None:
            mount.refresh()

    def _asked(self, context: Any) -> Optional[Mount]:
        return self._mount(context.uri.abspath.strip("/").split("/stream=")[0])


class _Used:
    """``when`` a client was last seen to watch, or came: monotonic seconds."""

    def __init__(self, when: float) -> None:
        self.when = when


def _hang_up(client: Any) -> None:
    """
    Have a client's own thread close it. Closed from another, one amid TLS's handshake would stay,
    and one that reads would crash.
    """
    with contextlib.suppress(Exception):  # GLib.Error: it has gone by itself
        client.get_connection().get_read_socket().shutdown(True, True)
