"""playback: one running GStreamer pipeline, owned by one thread, that gives BGR pictures."""

import re
from types import TracebackType
from typing import Any, Callable, List, Mapping, NamedTuple, Optional, Tuple, Type

import numpy as np

from app.media import gst

_LONG_S = 2.0  # for an element that goes to NULL on a thread of its own


class Stream(NamedTuple):
    """What is known of a stream when it shows."""

    media: str  # such as "video/x-raw" or "application/x-rtp"
    memory: str = ""  # such as "memory:NVMM"
    encoding: str = ""  # of RTP, such as "H264"


# Answers the launch string to put behind a stream, or None to leave it.
Chain = Callable[[Stream], Optional[str]]
Room = Callable[[Tuple[int, ...]], np.ndarray]  # shape -> a uint8 array, its content not set

_STATUS = {
    "401": "the camera refused the user or password (401)",
    "403": "the camera forbids this user to see the stream (403)",
    "404": "the camera has no such path (404)",
    "453": "the camera has no bandwidth left (453)",
    "454": "the camera forgot the session (454)",
    "461": "the camera does not offer this transport, try tcp or udp (461)",
    "503": "the camera is too busy (503)",
}

# What GStreamer says of lost connections, in plainer words.
_PLAIN = {
    "Could not open resource for reading and writing": "cannot connect",
    "Could not connect to server": "cannot connect",
    "Could not resolve server name": "cannot find the host",
    "Could not read from resource": "the connection broke",
    "Could not write to resource": "the connection broke",
    "Internal data stream error": "no connection, or it broke",
    "Could not demultiplex stream": "what comes is no MJPEG",
}


class Ended(Exception):
    """The stream came to its end."""


class Broken(Exception):
    """The pipeline failed: why, in our words, then in a library's, which may hold a secret."""

    def __init__(self, why: str, foreign: str = "") -> None:
        super().__init__(why + foreign)
        self.why = why
        self.foreign = foreign


class Refused(Broken):
    """The camera is there and says no."""


class Picture(NamedTuple):
    image: np.ndarray  # (H, W, 3) BGR, owned by whoever takes it
    time: Optional[float]  # seconds since the stream's beginning, where it says so


class Playback:
    """
    A launch string at work between ``with`` and its end; NULL afterwards, on the same thread.

    ``properties`` are set on the element called source: the place for locations and passwords.
    ``chain`` is asked for each stream that shows late; the first that it wants is linked to out.
    """

    def __init__(
        self, launch: str, properties: Mapping[str, Any], chain: Optional[Chain] = None
    ) -> None:
        self._gst = gst.load()
        self._launch = launch
        self._properties = properties
        self._chain = chain
        self._connections: List[Tuple[Any, int]] = []
        self._pipeline: Any = None
        self._out: Any = None
        self._bus: Any = None
        self._trouble: Optional[Broken] = None
        self._orientation = "rotate-0"
        self.room: Room = ordinary  # where pictures are put
        self.linked = chain is None  # data has come through to a decoder

    def __enter__(self) -> "Playback":
        Gst = self._gst
        try:
            self._pipeline = Gst.parse_launch(self._launch)
        except Exception as exc:  # GLib.Error, whose class is only known where gi is
            raise Broken("GStreamer cannot make the pipeline: ", str(exc)) from None
        self._bus = self._pipeline.get_bus()
        self._out = self._pipeline.get_by_name("out")
        source = self._pipeline.get_by_name("source")
        for name, value in self._properties.items():
            if source.find_property(name) is not None:
                source.set_property(name, value)
        if self._chain is not None:
            shows = self._pipeline.get_by_name("streams") or source
            self._connect(shows, "pad-added", self._link)
            if shows.find_property("protocols") is not None:
                self._connect(shows, "select-stream", _is_video)
        _hurry(self._pipeline)
        if self._pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
            try:
                self._raise_trouble()
                raise Broken("it cannot be opened")
            except Broken:
                self._shut()
                raise
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._shut()

    def picture(self, wait_s: float) -> Optional[Picture]:
        """
        The next picture, or None when none came in time. Raises Ended or Broken, both only after
        all pictures that were decoded before.
        """
        sample = self._out.emit("try-pull-sample", int(wait_s * self._gst.SECOND))
        if sample is None:
            self._raise_trouble()
            if self._out.get_property("eos"):
                raise Ended
            return None
        self._listen()
        return self._picture(sample)

    def _picture(self, sample: Any) -> Picture:
        Gst = self._gst
        buffer = sample.get_buffer()
        form = sample.get_caps().get_structure(0)
        width, height = form.get_value("width"), form.get_value("height")
        ok, mapped = buffer.map(Gst.MapFlags.READ)
        if not ok:
            raise Broken("GStreamer gave a picture that cannot be read")
        try:
            image = unpadded(mapped.data, width, height, self.room)
            image = upright(image, self._orientation)
        finally:
            buffer.unmap(mapped)
        seconds: Optional[float] = None
        if buffer.pts != Gst.CLOCK_TIME_NONE:
            place = sample.get_segment().to_stream_time(Gst.Format.TIME, buffer.pts)
            seconds = None if place == Gst.CLOCK_TIME_NONE else place / Gst.SECOND
        return Picture(image, seconds)

    def _connect(self, element: Any, signal: str, call: Callable[..., Any]) -> None:
        self._connections.append((element, element.connect(signal, call)))

    def _link(self, element: Any, pad: Any) -> None:
        """Runs on a thread of GStreamer: raise nothing, note trouble for picture()."""
        Gst = self._gst
        try:
            sink = self._out.get_static_pad("sink")
            if sink.is_linked() or self._chain is None:
                return
            launch = self._chain(self._described(pad))
            if launch is None:
                return
            chain = Gst.parse_bin_from_description(launch, True)
            self._pipeline.add(chain)
            _hurry(chain)
            chain.get_static_pad("src").link(sink)
            chain.sync_state_with_parent()
            if pad.link(chain.get_static_pad("sink")) != Gst.PadLinkReturn.OK:
                self._trouble = Broken("GStreamer cannot join the stream to its decoder")
            self.linked = True
        except Broken as exc:
            self._trouble = exc
        except Exception as exc:  # GLib.Error
            self._trouble = Broken("GStreamer cannot decode it: ", str(exc))

    def _described(self, pad: Any) -> Stream:
        caps = pad.get_current_caps() or pad.query_caps(None)
        form = caps.get_structure(0)
        return Stream(
            form.get_name(),
            caps.get_features(0).to_string(),
            form.get_value("encoding-name") or "",
        )

    def _listen(self) -> None:
        """Empty the bus, which would grow for ever otherwise; keep what matters."""
        Gst = self._gst
        while self._bus.have_pending():
            kinds = Gst.MessageType
            message = self._bus.pop_filtered(kinds.ERROR | kinds.TAG)  # novm: flags
            if message is None:
                continue
            if message.type == Gst.MessageType.TAG:
                found, orientation = message.parse_tag().get_string("image-orientation")
                self._orientation = orientation if found else self._orientation
            elif self._trouble is None:
                error, details = message.parse_error()
                self._trouble = in_words(error.message, details or "")

    def _raise_trouble(self) -> None:
        self._listen()
        if self._trouble is not None:
            raise self._trouble

    def _shut(self) -> None:
        Gst = self._gst
        for element, connection in self._connections:
            element.disconnect(connection)
        self._connections = []
        self._pipeline.set_state(Gst.State.NULL)
        self._pipeline.get_state(int(_LONG_S * Gst.SECOND))
        self._bus.set_flushing(True)
        self._pipeline = self._out = self._bus = None


def ordinary(shape: Tuple[int, ...]) -> np.ndarray:
    return np.empty(shape, np.uint8)


def unpadded(rows: Any, width: int, height: int, room: Room = ordinary) -> np.ndarray:
    """An owned, contiguous (H, W, 3) copy of BGR whose rows GStreamer pads to 4 bytes."""
    stride = (width * 3 + 3) // 4 * 4
    pixels = np.frombuffer(rows, np.uint8)
    if pixels.size < stride * height:  # the last row may come without its padding, or all may
        stride = width * 3 if pixels.size < stride * (height - 1) + width * 3 else stride
        pixels = np.append(pixels, np.zeros(max(0, stride * height - pixels.size), np.uint8))
    padded = pixels[: stride * height].reshape(height, stride)[:, : width * 3]
    image = room((height, width, 3))
    image.reshape(height, width * 3)[...] = padded
    return image


def upright(image: np.ndarray, orientation: str) -> np.ndarray:
    """A picture of a telephone held upright, turned as GStreamer's image-orientation says."""
    if orientation == "rotate-0":
        return image
    if orientation.startswith("flip-"):
        image = image[:, ::-1]
    turns = {"90": -1, "180": 2, "270": 1}.get(orientation.rpartition("-")[2], 0)
    return np.ascontiguousarray(np.rot90(image, turns))


def in_words(message: str, details: str) -> Broken:
    """Why GStreamer failed, for people; details are only searched, for they hold URLs."""
    status = re.search(r"[a-z] \(([45][0-9][0-9])\)", details)
    if status is not None:
        code = status.group(1)
        return Refused(_STATUS.get(code, f"the camera answers with status {code}"))
    if "connection refused" in details.lower():
        return Broken("connection refused")
    first = message.split("\n")[0].rstrip(". ")
    if first and first not in _PLAIN:
        return Broken("", first)
    return Broken(_PLAIN.get(first, "GStreamer gives no reason"))


def _hurry(box: Any) -> None:
    """Set what some decoders have and others lack."""
    decoder = box.get_by_name("decoder")
    if decoder is not None and decoder.find_property("enable-max-performance") is not None:
        decoder.set_property("enable-max-performance", True)


def _is_video(source: Any, number: int, caps: Any) -> bool:
    return bool(caps.get_structure(0).get_value("media") == "video")
