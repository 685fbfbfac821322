"""rtsp: serve pictures as H.264 over RTSP; each mount is encoded once, and only while watched."""

from __future__ import generator_stop

import contextlib
import ctypes
import errno
import functools
import logging
import os
import socket
import threading
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np

from app.errors import OutputError, SourceError
from app.media import gst
from app.media.encode import best
from app.media.mount import Mount, RtspSettings, bindings

logger = logging.getLogger(__name__)

_UDP_PORTS = (50000, 50999)
_CLEANUP_S = 2
_CLOSING_S = 2.0
_CLIENTS = 64  # each costs a thread and two files, whether or not it ever asks for something


class MountStats(NamedTuple):
    viewers: int
    running: bool  # an encoder exists: somebody watches, or is about to
    encoded: int  # pictures handed to the encoder; stands still while nobody watches
    skipped: int  # pictures that came while the encoder was busy with older ones


class RtspServer:
    """Takes pictures from one thread, serves them from others. See serving()."""

    def __init__(self, settings: RtspSettings, mounts: Sequence[str]) -> None:
        self._settings = settings
        self._rtsp = bindings()
        self.encoder = best()
        self._server = self._rtsp.Server.RTSPServer()
        self._server.set_address(settings.address)
        self._server.set_service(str(settings.port))
        self._server.set_backlog(_CLIENTS)
        # A thread a client: one whose camera is silent waits in DESCRIBE, alone.
        self._server.get_thread_pool().set_max_threads(-1)
        self._server.connect("client-connected", self._welcome)
        udp = self._rtsp.Server.RTSPAddressPool()
        host = socket.getaddrinfo(settings.address, None)[0][4][0]
        udp.add_range(host, host, _UDP_PORTS[0], _UDP_PORTS[1], 0)
        self._mounts: Dict[str, Mount] = {}
        for name in mounts:
            mount = Mount(name, settings, self.encoder, self._rtsp, udp)
            self._server.get_mount_points().add_factory("/" + name, mount.factory)
            self._mounts[name] = mount
        self._context = self._rtsp.GLib.MainContext.new()
        self._closing = threading.Event()
        self._surplus: List[Any] = []  # clients beyond the limit; only turn()'s thread looks
        attached = self._server.attach(self._context)
        if not attached:
            raise _in_use(settings)
        self._listening = self._context.find_source_by_id(attached)
        self._cleanup = self._rtsp.GLib.timeout_source_new_seconds(_CLEANUP_S)
        self._cleanup.set_callback(self._forget_the_dead)
        self._cleanup.attach(self._context)

    def push(self, mount: str, image: np.ndarray, captured: float) -> None:
        """
        Show a picture, taken at ``captured`` (monotonic seconds). Returns at once and never
        raises because of viewers; the picture is the caller's again afterwards.
        """
        self._mounts[mount].push(image, captured)

    def url(self, mount: str) -> str:
        return url(self._settings._replace(port=self._server.get_bound_port()), mount)

    def viewers(self, mount: str) -> int:
        """How many are playing now. One that vanished counts until its session times out."""
        line = self._mounts[mount].line
        playing = self._rtsp.Rtsp.RTSPState.PLAYING
        return sum(
            1
            for session in self._server.get_session_pool().filter(None, None)
            for part in session.filter(None, None)
            if line is not None
            and part.get_media() == line.media
            and part.get_rtsp_state() == playing
        )

    def stats(self, mount: str) -> MountStats:
        chosen = self._mounts[mount]
        running = chosen.line is not None
        return MountStats(self.viewers(mount), running, chosen.encoded, chosen.skipped)

    def turn(self) -> None:
        """Serve until close(). The body of the server's own thread."""
        while not self._closing.is_set():
            self._context.iteration(True)
            while self._surplus:
                self._surplus.pop().close()
        self._cleanup.destroy()
        self._listening.destroy()
        self._cleanup = self._listening = None  # the source holds the socket
        remove = self._rtsp.Server.RTSPFilterResult.REMOVE
        self._server.client_filter(lambda *_: remove)
        self._server.get_session_pool().filter(lambda *_: remove)
        while self._context.pending():
            self._context.iteration(False)

    def close(self) -> None:
        self._closing.set()
        self._context.wakeup()

    def _forget_the_dead(self, *_: Any) -> bool:
        self._server.get_session_pool().cleanup()
        return True

    def _welcome(self, server: Any, client: Any) -> None:
        if len(server.client_filter(None, None)) >= _CLIENTS:
            self._surplus.append(client)  # it cannot be closed before this signal is over
            return
        client.connect("pre-describe-request", self._admit)
        client.connect("pre-setup-request", self._admit)
        client.connect("play-request", self._refresh)

    def _admit(self, _: Any, context: Any) -> Any:
        """Say 503 "come again" where no picture has come yet, so that clients do not wait."""
        codes = self._rtsp.Rtsp.RTSPStatusCode
        mount = self._asked(context)
        if mount is not None and not mount.ready:
            return codes.SERVICE_UNAVAILABLE
        if mount is not None:
            mount.settle()
        return codes.OK

    def _refresh(self, _: Any, context: Any) -> None:
        mount = self._asked(context)
        if mount is not None:
            mount.refresh()

    def _asked(self, context: Any) -> "Optional[Mount]":
        return self._mounts.get(context.uri.abspath.strip("/").split("/stream=")[0])


@contextlib.contextmanager
def serving(settings: RtspSettings, mounts: Sequence[str]) -> Iterator[RtspServer]:
    """
    Serve ``mounts`` for the length of the ``with``. Raises OutputError where it cannot.

    A mount has no size before its first picture; who asks earlier is told 503.
    """
    check(settings)
    server = RtspServer(settings, mounts)
    # GLib's loop must have a thread; the one thread that Pipeline does not make.
    thread = threading.Thread(target=server.turn, name="rtsp", daemon=True)
    thread.start()
    for mount in mounts:
        logger.info("serving %s", server.url(mount))
    try:
        yield server
    finally:
        server.close()
        thread.join(_CLOSING_S)


def url(settings: RtspSettings, mount: str) -> str:
    """Where a viewer on this machine finds a mount."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.address, settings.address)
    host = f"[{host}]" if ":" in host else host
    return f"rtsp://{host}:{settings.port}/{mount}"


def check(settings: RtspSettings) -> None:
    """Raise OutputError where serving() would: no GStreamer, or an address that is taken."""
    reason = missing()
    if reason:
        raise OutputError(reason)
    if not 0 <= settings.port <= 65535:  # the C library would take the remainder
        raise OutputError(f"{settings.port} is no port. Choose one of 1024 to 65535")
    try:
        family, kind, _, _, place = socket.getaddrinfo(
            settings.address, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(place)
            trial.listen(1)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise _in_use(settings) from exc
        raise OutputError(
            f"RTSP cannot listen on port {settings.port} of {settings.address}: "
            f"{os.strerror(exc.errno) if (exc.errno or 0) > 0 else exc.args[-1]}. "
            "Choose an address of this machine, and a port from 1024 on"
        ) from exc


@functools.lru_cache(maxsize=None)
def missing() -> str:
    """Why there is no RTSP here and how to get it, or "" where there is."""
    try:
        bindings()
    except SourceError as error:
        return str(error)
    absent = gst.missing("appsrc", "h264parse", "rtph264pay")
    return f"GStreamer lacks {', '.join(absent)}. Run: {gst.APT}" if absent else ""


def limit_arenas(count: int = 1) -> None:
    """
    Keep glibc to one memory arena; call before threads are made.

    Each viewer comes with new threads, each thread may open a new arena, and an arena that has
    grown stays: without a limit 200 viewers that came and went leave the process twice as large.
    """
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).mallopt(-8, count)  # M_ARENA_MAX


def _in_use(settings: RtspSettings) -> OutputError:
    return OutputError(
        f"port {settings.port} of {settings.address} is in use. "
        "Stop the program that has it, or choose another with --rtsp PORT"
    )
