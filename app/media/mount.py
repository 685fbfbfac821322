"""mount: one path of the RTSP server: what encodes it, and the way in for its pictures."""

import functools
import time
import weakref
from typing import Any, NamedTuple, Optional

import numpy as np

from app.core.steady import SteadyEvent
from app.media import gst
from app.media.camera import Login
from app.media.encode import Format, has_property, rtsp_launch
from app.media.yuv import i420

_STEP_NS = 1000000  # two pictures are never closer: players divide by the difference
_LEAVING_S = 2.0
_STUCK = 3  # pictures without a packet


class RtspSettings(NamedTuple):
    address: str = "127.0.0.1"  # nothing listens beyond it
    port: int = 8554
    bitrate_kbps: int = 2500
    keyframe_s: float = 1.0
    viewers: int = 16  # at once, of all mounts together
    mosaic: bool = False  # one more mount, of all cameras
    login: Login = Login("", "")  # what a viewer must know; empty: nothing
    auth: str = "digest"  # or "basic", for which the password is sent as it is
    certificate: str = ""  # PEM with key and certificate: rtsps:// in place of rtsp://


class Line:
    """What exists from the first viewer to the last."""

    def __init__(self, media: Any, source: Any, form: Format) -> None:
        self.media = media
        self.source = source  # the appsrc
        self.form = form
        self.pts = 0  # of the newest picture; 0 before the first
        self.sent = -1  # the newest packet's number, and
        self.shown = 0  # how many pictures there were when it was new
        self.gone = SteadyEvent()


class Mount:
    """One path: a factory of GStreamer lines, and the way into the line that runs now."""

    def __init__(self, settings: RtspSettings, encoder: str, rtsp: "Bindings", udp: Any) -> None:
        self._settings = settings
        self._encoder = encoder
        self._rtsp = rtsp
        self.line: Optional[Line] = None  # replaced whole, by the server's threads
        self.encoded = 0
        self.skipped = 0
        self.offered = Format(0, 0, 1)
        self.factory = _factory_of_one(rtsp.Server)()
        self.factory.set_shared(True)
        self.factory.set_latency(0)
        self.factory.set_address_pool(udp)
        self.factory.connect("media-configure", self._begin)

    def offer(self, form: Format) -> None:
        """Say what the next first viewer gets. Who watches already keeps what they have."""
        self.factory.set_launch(
            rtsp_launch(
                self._encoder,
                form,
                self._settings.bitrate_kbps,
                self._settings.keyframe_s,
                has_property,
            )
        )
        self.offered = form

    def show(self, image: np.ndarray, captured: float) -> None:
        """Send a picture to who watches, fitted into their size. By one thread at a time."""
        line = self.line
        if line is None:
            return
        clock, base = line.source.get_clock(), line.source.get_base_time()
        if clock is None or not base:  # still being set up
            return
        size = (line.form.width, line.form.height)
        if line.source.get_property("current-level-bytes") > 3 * size[0] * size[1]:
            self.skipped += 1
            return
        picture = self._rtsp.Gst.Buffer.new_wrapped(i420(image, size).tobytes())
        age_ns = int((time.monotonic() - captured) * 1e9)
        line.pts = max(clock.get_time() - base - age_ns, line.pts + _STEP_NS)
        picture.pts = line.pts
        picture.duration = self._rtsp.Gst.SECOND // line.form.fps
        line.source.emit("push-buffer", picture)
        self.encoded += 1

    def end(self) -> None:
        """Tell who watches that this is the end. No pictures may follow."""
        line = self.line
        if line is not None:
            line.source.emit("end-of-stream")

    def settle(self) -> None:
        """Let a line that is being taken down go first: joining it, a viewer would be told 503."""
        line = self.line
        if line is not None:
            leaving = self._rtsp.Server.RTSPMediaStatus.UNPREPARING
            if line.media.get_status() == leaving:
                line.gone.wait(_LEAVING_S)

    def refresh(self) -> None:
        """Make the next picture a key frame: somebody has begun to watch."""
        line = self.line
        if line is None:
            return
        pay = line.media.get_element().get_by_name("pay0")
        event = self._rtsp.Video.video_event_new_upstream_force_key_unit(
            self._rtsp.Gst.CLOCK_TIME_NONE, True, 0
        )
        pay.get_static_pad("sink").push_event(event)

    def unblock(self) -> None:
        """
        Let a stream go on that stands still although there are pictures. To be called several
        times a second, by one thread.

        Where all viewers have stalled, GStreamer's server (1.22) holds a packet back until one of
        them takes something, whoever else has come meanwhile. It is taken away here, which lets
        the next one come. Only where it is stuck: else the server would wait for it, with a lock.
        """
        line = self.line
        if line is None:
            return
        sent = line.media.get_element().get_by_name("pay0").get_property("seqnum")
        if sent != line.sent:
            line.sent, line.shown = sent, self.encoded
        elif self.encoded - line.shown >= _STUCK:
            line.shown = self.encoded
            for element in line.media.get_element().get_parent().children:
                if element.get_factory().get_name() == "appsink" and _carries_rtp(element):
                    element.emit("try-pull-sample", 0)

    def _begin(self, _: Any, media: Any) -> None:
        source = media.get_element().get_by_name("source")
        shape = source.get_property("caps").get_structure(0)
        width, height = shape.get_value("width"), shape.get_value("height")
        _, fps, _ = shape.get_fraction("framerate")
        line = Line(media, source, Format(width, height, fps))
        # weakly: media and line would hold each other, and both of them sockets, for long
        media.connect_after("unprepared", self._end, weakref.ref(line))
        self.line = line

    def _end(self, _: Any, ended: "weakref.ReferenceType[Line]") -> None:
        line = ended()
        if line is None:
            return
        if self.line is line:
            self.line = None
        line.gone.set()


def _carries_rtp(sink: Any) -> bool:
    """Whether pictures go through an appsink, and not reports (RTCP)."""
    caps = sink.get_static_pad("sink").get_current_caps()
    return caps is not None and caps.get_structure(0).get_name() == "application/x-rtp"


@functools.lru_cache(maxsize=None)
def _factory_of_one(server: Any) -> Any:
    """A factory whose media is shared by all viewers, whatever is behind the path they ask for."""

    base: Any = server.RTSPMediaFactory

    class Factory(base):  # type: ignore[misc]
        # Else "/a?b", "/a/" and a SETUP of "/a/stream=0" alone would each make a line of its own,
        # and those who watch already would be left without pictures.
        def do_gen_key(self, _: Any) -> str:
            return "one"

    return Factory


class Bindings(NamedTuple):
    Gst: Any
    GLib: Any
    Gio: Any
    Server: Any
    Rtsp: Any
    Video: Any


@functools.lru_cache(maxsize=None)
def bindings() -> Bindings:
    loaded = gst.load()
    server, rtsp, video = map(gst.namespace, ("GstRtspServer", "GstRtsp", "GstVideo"))
    from gi.repository import Gio, GLib

    return Bindings(loaded, GLib, Gio, server, rtsp, video)
