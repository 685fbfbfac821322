"""rtsp: serve pictures as H.264 over RTSP; each mount is encoded once, and only while watched."""

from __future__ import generator_stop

import contextlib
import ctypes
import functools
import logging
import socket
import threading
import time
from types import MappingProxyType
from typing import Any, Callable, Dict, Iterator, Mapping, NamedTuple, Optional, Sequence, Set

import numpy as np

from app.core.stage import Source
from app.errors import OutputError, SourceError
from app.media import gst, listen, mosaic
from app.media.encode import best
from app.media.guard import admit, guard, vacate
from app.media.mosaic import Mosaic
from app.media.mount import Mount, RtspSettings, bindings
from app.media.slate import Slate
from app.media.view import View

logger = logging.getLogger(__name__)

_UDP_PORTS = (50000, 50999)
_CLEANUP_MS = 2000
_SLATE_MS = 250
_CLOSING_S = 2.0
_CLIENTS = 64  # at least; each costs a thread and two files, whether or not it asks for anything
_IDLE_S = 10.0  # a connection that watches nothing for so long makes room for others
_MOST_BYTES = 65536  # of one request

Sources = Mapping[str, Source]
_UNKNOWN: Sources = MappingProxyType({})


class MountStats(NamedTuple):
    viewers: int
    running: bool  # an encoder exists: somebody watches, or is about to
    encoded: int  # pictures handed to the encoder; stands still while nobody watches
    skipped: int  # pictures that came while the encoder was busy with older ones
    encoder: str = ""  # the GStreamer element that makes the H.264


class RtspServer:
    """Takes pictures from one thread, serves them from others. See serving()."""

    def __init__(
        self,
        settings: RtspSettings,
        mounts: Sequence[str],
        sources: Sources = _UNKNOWN,
        theme: str = "dark",
    ) -> None:
        self._settings = settings
        self._rtsp = bindings()
        self.encoder = best()
        self._server = self._rtsp.Server.RTSPServer()
        self._server.set_address(settings.address)
        self._server.set_service(str(settings.port))
        self._clients = max(_CLIENTS, 2 * settings.viewers)
        self._server.set_backlog(self._clients)
        if self._server.find_property("content-length-limit"):  # not in JetPack 4's GStreamer
            self._server.set_property("content-length-limit", _MOST_BYTES)
        self._server.get_session_pool().set_max_sessions(settings.viewers)
        self._server.set_auth(guard(settings, self._rtsp))
        # A thread a client: one that has to wait waits alone.
        self._server.get_thread_pool().set_max_threads(-1)
        self._server.connect("client-connected", self._welcome)
        udp = self._rtsp.Server.RTSPAddressPool()
        host = socket.getaddrinfo(settings.address, None)[0][4][0]
        udp.add_range(host, host, _UDP_PORTS[0], _UDP_PORTS[1], 0)
        common = (settings, self.encoder, self._rtsp, udp)
        self._views = {name: View(name, *common, sources.get(name), theme) for name in mounts}
        self._mounts: Dict[str, Mount] = dict(self._views)
        self._mosaic: Optional[Mosaic] = None
        if settings.mosaic:
            slates = {name: Slate(name, sources.get(name), theme) for name in mounts}
            whole = self._mounts[mosaic.NAME] = Mount(*common)
            self._mosaic = Mosaic(whole, self._views, slates)
        for name, mount in self._mounts.items():
            admit(mount.factory, self._rtsp)
            self._server.get_mount_points().add_factory("/" + name, mount.factory)
        self._context = self._rtsp.GLib.MainContext.new()
        self._closing = threading.Event()
        self._used: Dict[Any, float] = {}  # client -> when it was last seen to watch, or came
        self._empty: Set[Any] = set()  # sessions without a stream
        attached = self._server.attach(self._context)
        if not attached:
            raise listen.in_use(settings)
        self._sources = [self._context.find_source_by_id(attached)]
        self._every(_CLEANUP_MS, self._forget_the_dead)
        self._every(_SLATE_MS, self._stand_in)
        if self._mosaic is not None:
            self._every(1000 // mosaic.FPS, self._mosaic.compose)

    def push(self, mount: str, image: np.ndarray, captured: float) -> None:
        """
        Show a picture, taken at ``captured`` (monotonic seconds). Returns at once and never
        raises because of viewers; the picture is the caller's again afterwards.
        """
        self._views[mount].push(image, captured)
        if self._mosaic is not None:
            self._mosaic.take(mount, image)

    @property
    def mounts(self) -> Sequence[str]:
        return tuple(self._mounts)

    def url(self, mount: str) -> str:
        return listen.url(self._settings._replace(port=self._server.get_bound_port()), mount)

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
        return MountStats(
            self.viewers(mount), running, chosen.encoded, chosen.skipped, self.encoder
        )

    def turn(self) -> None:
        """Serve until close(). The body of the server's own thread."""
        while not self._closing.is_set():
            self._context.iteration(True)
        while self._sources:
            self._sources.pop().destroy()  # and forget it: one of them holds the socket
        clients = self._server.client_filter(None, None)
        for gone in set(self._used) - set(clients):  # a client may leave while it is looked at
            self._used.pop(gone, None)
        for client in clients:
            _hang_up(client)
        remove = self._rtsp.Server.RTSPFilterResult.REMOVE
        self._server.get_session_pool().filter(lambda *_: remove)
        while self._context.pending():
            self._context.iteration(False)

    def close(self) -> None:
        self._closing.set()
        for view in self._views.values():
            view.release()
        self._context.wakeup()

    def _every(self, period_ms: int, work: Callable[[], None]) -> None:
        """Have turn()'s thread do some work over and over."""

        def again(*_: Any) -> bool:
            try:
                work()
            except Exception:  # GLib would not call it again, for ever
                logger.exception("the RTSP server stumbles")
            return True

        source = self._rtsp.GLib.timeout_source_new(period_ms)
        source.set_callback(again)
        source.attach(self._context)
        self._sources.append(source)

    def _stand_in(self) -> None:
        for view in self._views.values():
            view.stand_in()

    def _forget_the_dead(self) -> None:
        """End silent sessions, and connections that have watched nothing lately."""
        self._server.get_session_pool().cleanup()
        self._empty = vacate(self._server.get_session_pool(), self._empty)
        now = time.monotonic()
        for client in self._server.client_filter(None, None):
            if client.session_filter(None, None):
                self._used[client] = now
            elif now - self._used.get(client, now) >= _IDLE_S:
                _hang_up(client)
        # What is left of a failed handshake waits there, with its socket, to be let go.
        default = self._rtsp.GLib.MainContext.default()
        for _ in range(self._clients):
            if not default.iteration(False):
                break

    def _welcome(self, server: Any, client: Any) -> None:
        if len(server.client_filter(None, None)) >= self._clients:
            _hang_up(client)
            return
        self._used[client] = time.monotonic()
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
        if context.session is None and sessions >= self._settings.viewers:
            return codes.SERVICE_UNAVAILABLE
        mount = self._asked(context)
        if mount is not None:
            mount.settle()
        return codes.OK

    def _refresh(self, _: Any, context: Any) -> None:
        mount = self._asked(context)
        if mount is not None:
            mount.refresh()

    def _asked(self, context: Any) -> "Optional[Mount]":
        return self._mounts.get(context.uri.abspath.strip("/").split("/stream=")[0])


def _hang_up(client: Any) -> None:
    """
    Have a client's own thread close it. Closed from another, one amid TLS's handshake would stay,
    and one that reads would crash.
    """
    with contextlib.suppress(Exception):  # GLib.Error: it has gone by itself
        client.get_connection().get_read_socket().shutdown(True, True)


@contextlib.contextmanager
def serving(
    settings: RtspSettings,
    mounts: Sequence[str],
    sources: Sources = _UNKNOWN,
    theme: str = "dark",
) -> Iterator[RtspServer]:
    """
    Serve ``mounts``, one for each camera, for the length of the ``with``, and the mosaic of them
    all if that is asked for. Raises OutputError where it cannot.

    A mount without a new picture shows a slate, in the overlay's ``theme``, which says what
    ``sources`` know of the camera. A mount has no size before its first picture, which its first
    viewer waits for, but not for long.
    """
    check(settings)
    server = RtspServer(settings, mounts, sources, theme)
    # GLib's loop must have a thread; the one thread that Pipeline does not make.
    thread = threading.Thread(target=server.turn, name="rtsp", daemon=True)
    thread.start()
    for mount in server.mounts:
        logger.info("serving %s", server.url(mount))
    try:
        yield server
    finally:
        server.close()
        thread.join(_CLOSING_S)


def check(settings: RtspSettings) -> None:
    """
    Raise OutputError where serving() would: no GStreamer, no usable certificate, an address that
    is taken.
    """
    reason = missing()
    if reason:
        raise OutputError(reason)
    guard(settings, bindings())
    listen.check(settings)


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
