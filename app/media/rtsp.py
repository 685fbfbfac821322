"""rtsp: serve pictures as H.264 over RTSP; each mount is encoded once, and only while watched."""

from __future__ import generator_stop

import collections
import contextlib
import functools
import logging
import socket
import threading
import time
from typing import (
    Any,
    Callable,
    Deque,
    Dict,
    Iterator,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

import numpy as np

from app.core.stage import Source
from app.core.steady import SteadyEvent, ends_within
from app.errors import OutputError, SourceError
from app.media import gst, listen, mosaic
from app.media.clients import Clients
from app.media.encode import best
from app.media.guard import admit, guard
from app.media.mosaic import Mosaic
from app.media.mount import Mount, RtspSettings, bindings
from app.media.slate import Slate
from app.media.view import View

logger = logging.getLogger(__name__)

_UDP_PORTS = (50000, 50999)
_CLEANUP_MS = 2000
_LOOK_MS = 250
_CLOSING_S = 2.0
_BYE_S = 1.0  # for the word of the end to reach viewers, before they are hung up on
_MOST_BYTES = 65536  # of one request

Sources = Mapping[str, Optional[Source]]  # of each camera, where it is known


class MountStats(NamedTuple):
    viewers: int
    running: bool  # an encoder exists: somebody watches, or is about to
    encoded: int  # pictures handed to the encoder; stands still while nobody watches
    skipped: int  # pictures that came while the encoder was busy with older ones
    encoder: str = ""  # the GStreamer element that makes the H.264


class RtspServer:
    """Takes pictures from one thread, serves them from others. See serving()."""

    def __init__(self, settings: RtspSettings) -> None:
        """Listens; answers once turn() runs."""
        self._settings = settings
        self._rtsp = bindings()
        self.encoder = best()
        self._server = self._rtsp.Server.RTSPServer()
        self._server.set_address(settings.address)
        self._server.set_service(str(settings.port))
        if self._server.find_property("content-length-limit"):  # not in JetPack 4's GStreamer
            self._server.set_property("content-length-limit", _MOST_BYTES)
        self._server.set_auth(guard(settings, self._rtsp))
        # A thread a client: one that has to wait waits alone.
        self._server.get_thread_pool().set_max_threads(-1)
        self._clients = Clients(self._server, settings.viewers, self._rtsp, self._mount)
        udp = self._rtsp.Server.RTSPAddressPool()
        host = socket.getaddrinfo(settings.address, None)[0][4][0]
        udp.add_range(host, host, _UDP_PORTS[0], _UDP_PORTS[1], 0)
        self._common = (settings, self.encoder, self._rtsp, udp)
        self._views: Dict[str, View] = {}  # these two are replaced whole
        self._mounts: Dict[str, Mount] = {}
        # what is served no more, and when its viewers have to be gone, in monotonic seconds
        self._leaving: Deque[Tuple[float, Mount]] = collections.deque()
        self._mosaic: Optional[Mosaic] = None
        if settings.mosaic:
            self._mosaic = Mosaic(Mount(*self._common))
        self._context = self._rtsp.GLib.MainContext.new()
        self._closing = SteadyEvent()
        attached = self._server.attach(self._context)
        if not attached:
            raise listen.in_use(settings)
        self._sources = [self._context.find_source_by_id(attached)]
        self._every(_CLEANUP_MS, self._clients.forget_the_dead)
        self._every(_LOOK_MS, self._stand_in)
        self._every(_LOOK_MS, self._unblock)
        if self._mosaic is not None:
            self._every(1000 // mosaic.FPS, self._mosaic.compose)

    def show(self, sources: Sources, theme: str = "dark") -> None:
        """
        Have one mount for each camera, and the mosaic of them all if that is asked for. Those that
        are there go on, with their viewers; the viewers of others are told of the end.

        A mount without a new picture shows a slate, in the overlay's ``theme``, which says what its
        source knows. A mount has no size before its first picture, which its first viewer waits
        for, but not for long.
        """
        before, views = self._mounts, {}
        for name, source in sources.items():
            views[name] = self._views.get(name) or View(name, *self._common)
            views[name].follow(source, theme)
        mounts: Dict[str, Mount] = dict(views)
        if self._mosaic is not None:
            slates = {name: Slate(name, source, theme) for name, source in sources.items()}
            self._mosaic.follow(views, slates)
            mounts[mosaic.NAME] = self._mosaic.mount
        points = self._server.get_mount_points()
        for name in set(before) - set(mounts):
            points.remove_factory("/" + name)
        self._views, self._mounts = views, mounts
        for name in mounts:
            if name not in before:
                admit(mounts[name].factory, self._rtsp)
                points.add_factory("/" + name, mounts[name].factory)
                logger.info("serving %s", self.url(name))
        for name in set(before) - set(mounts):
            logger.info("serving %s no more", self.url(name))
            before[name].end()
            self._leaving.append((time.monotonic() + _BYE_S, before[name]))

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
        return self._clients.playing(self._mounts[mount].line)

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
        self._clients.end()
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
        while self._leaving and self._leaving[0][0] <= time.monotonic():
            line = self._leaving.popleft()[1].line
            if line is not None:
                self._clients.send_away(line)

    def _unblock(self) -> None:
        for mount in self._mounts.values():
            mount.unblock()

    def _mount(self, name: str) -> Optional[Mount]:
        return self._mounts.get(name)


@contextlib.contextmanager
def serving(settings: RtspSettings, mounts: Sequence[str] = ()) -> Iterator[RtspServer]:
    """
    Serve for the length of the ``with``: ``mounts`` of cameras of which nothing is known, and
    what show() asks for. Raises OutputError where it cannot.
    """
    check(settings)
    server = RtspServer(settings)
    server.show(dict.fromkeys(mounts))
    # GLib's loop must have a thread; the one thread that Pipeline does not make.
    thread = threading.Thread(target=server.turn, name="rtsp", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        ends_within(thread, _CLOSING_S)


def check(settings: RtspSettings) -> None:
    """
    Raise OutputError where serving() would: no GStreamer, no usable certificate, an address that
    is taken.
    """
    check_usable(settings)
    listen.check(settings)


def check_usable(settings: RtspSettings) -> None:
    """Raise OutputError where serving() would, whoever has the address."""
    reason = missing()
    if reason:
        raise OutputError(reason)
    guard(settings, bindings())


@functools.lru_cache(maxsize=None)
def missing() -> str:
    """Why there is no RTSP here and how to get it, or "" where there is."""
    try:
        bindings()
    except SourceError as error:
        return str(error)
    absent = gst.missing("appsrc", "h264parse", "rtph264pay")
    return f"GStreamer lacks {', '.join(absent)}. Run: {gst.APT}" if absent else ""
