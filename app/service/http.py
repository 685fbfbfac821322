"""http: the little web server of health, metrics and snapshots; whoever asks harms nobody."""

from __future__ import generator_stop

import contextlib
import errno
import ipaddress
import logging
import os
import socket
import socketserver
import threading
import time
from typing import Any, Callable, Dict, Iterator, NamedTuple, Optional

from app.core.steady import SteadyEvent, ends_within
from app.errors import OutputError
from app.service.board import Board
from app.service.pages import Pages
from app.service.request import Answer, Refused, Request, as_bytes, ours, plain, receive

logger = logging.getLogger(__name__)

THREADS = 16  # requests that are answered at once; who comes then is told to come again
TIMEOUT_S = 5.0  # to send a request; as long again to take its answer
_DRAIN_S = 1.0  # what a client goes on sending is read so long, or it would not see the answer
_DRAIN = 1 << 16
_CLOSING_S = 1.0
_BUSY = as_bytes(plain(503, "too many requests at once. Come again", ("Retry-After", "1")))


class HttpSettings(NamedTuple):
    address: str = "127.0.0.1"  # nothing listens beyond it
    port: int = 8080


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """
    One request a connection, each on a thread of its own, THREADS at most. http.server's own
    would wait for ever on a client that sends a byte now and then, and ask the DNS for our name.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 2 * THREADS

    def __init__(
        self,
        settings: HttpSettings,
        answer: Callable[[Request], Answer],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Listens. Raises OutputError where it cannot."""
        self.answer = answer
        self.address = settings.address
        self.name = socket.gethostname()
        self.timeout_s = timeout_s
        self._guard = threading.Lock()
        self._clients: Dict[socket.socket, Optional[threading.Thread]] = {}
        self._closing = SteadyEvent()
        try:
            found = socket.getaddrinfo(settings.address, settings.port, type=socket.SOCK_STREAM)
            self.address_family, _, _, _, place = found[0]
            super().__init__(place[:2], _Exchange)
        except (OSError, UnicodeError) as exc:  # the latter of a name that no DNS could know
            raise _cannot_listen(settings, exc) from exc

    @property
    def port(self) -> int:
        port: int = self.socket.getsockname()[1]
        return port

    def get_request(self) -> Any:
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                self._closing.wait(0.1)  # who waits is still there, and would be asked for at once
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            busy = len(self._clients) >= THREADS or self._closing.is_set()
            if not busy:
                self._clients[request] = None
        if busy:
            with contextlib.suppress(OSError):
                request.setblocking(False)
                request.send(_BUSY)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError as error:  # no more threads can be had
            logger.debug("a request is not answered: %s", error)
            self._forget(request)
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._clients[request] = threading.current_thread()
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._forget(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("a request was not answered", exc_info=True)

    def end(self) -> None:
        """Hang up on everyone and let go of the port."""
        self._closing.set()
        self.shutdown()
        self.server_close()
        with self._guard:
            clients = dict(self._clients)
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        until = time.monotonic() + _CLOSING_S
        for thread in filter(None, clients.values()):
            ends_within(thread, until - time.monotonic())

    def _forget(self, request: socket.socket) -> None:
        with self._guard:
            self._clients.pop(request, None)


class _Exchange(socketserver.BaseRequestHandler):
    """One request and its answer."""

    server: Server

    def handle(self) -> None:
        connection: socket.socket = self.request
        timeout_s = self.server.timeout_s
        try:
            wanted = receive(connection, time.monotonic() + timeout_s)
            if wanted is None:
                return
            if not ours(wanted.host, self.server.address, self.server.name):
                raise Refused(421, "this server has another name. Ask for it by its IP address")
            reply = self._answer(wanted)
            whole = as_bytes(reply, with_content=wanted.method != "HEAD")
        except Refused as refused:
            whole = as_bytes(refused.answer)
        except OSError:  # it has gone
            return
        with contextlib.suppress(OSError):
            connection.settimeout(timeout_s)  # for all of it
            connection.sendall(whole)
            connection.shutdown(socket.SHUT_WR)
            self._drain(connection)

    def _answer(self, wanted: Request) -> Answer:
        try:
            return self.server.answer(wanted)
        except Exception:  # a bug in one page must not be seen on it, nor end the others
            logger.exception("%s could not be answered", wanted.path)
            return plain(500, "this page is broken; the log says why")

    def _drain(self, connection: socket.socket) -> None:
        """Closing on unread bytes would reset the connection, and take the answer away."""
        until, left = time.monotonic() + _DRAIN_S, _DRAIN
        while left > 0 and time.monotonic() < until:
            connection.settimeout(max(0.01, until - time.monotonic()))
            some = connection.recv(4096)
            if not some:
                return
            left -= len(some)


@contextlib.contextmanager
def serving(settings: Optional[HttpSettings], board: Board) -> Iterator[Optional[Server]]:
    """
    Answer of what stands on the board for the length of the ``with``; without settings, nothing
    listens. Raises OutputError where it cannot listen.
    """
    if settings is None:
        yield None
        return
    server = Server(settings, Pages(board).answer)
    # Its loop waits for clients, not for frames, so it is no lane of the pipeline.
    thread = threading.Thread(target=server.serve_forever, args=(0.2,), name="http", daemon=True)
    thread.start()
    logger.info("serving %s", url(settings._replace(port=server.port)))
    try:
        yield server
    finally:
        server.end()
        ends_within(thread, _CLOSING_S)


def check(settings: HttpSettings) -> None:
    """Raise OutputError where serving() would."""
    Server(settings, Pages(Board()).answer).server_close()


def url(settings: HttpSettings) -> str:
    """Where a browser on this machine finds it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.address, settings.address)
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{settings.port}/"


def public(settings: HttpSettings) -> bool:
    """Whether others than this machine may reach it."""
    try:
        return not ipaddress.ip_address(settings.address).is_loopback
    except ValueError:
        return settings.address != "localhost"


def _cannot_listen(settings: HttpSettings, error: Exception) -> OutputError:
    number = getattr(error, "errno", None) or 0
    place = f"port {settings.port} of {settings.address}"
    if number == errno.EADDRINUSE:
        return OutputError(
            f"{place} is in use. Stop the program that has it, or choose another in http.port"
        )
    why = os.strerror(number) if number > 0 else str(error.args[-1])
    return OutputError(
        f"HTTP cannot listen on {place}: {why}. "
        "Choose an address of this machine in http.address, and a port from 1024 on"
    )
