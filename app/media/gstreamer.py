"""
gstreamer: launch strings, as pure functions of what a platform has; needs no GStreamer.

No location, user or password is ever part of a string: they are set as properties of the element
called ``source``. Pictures arrive as BGR at the appsink called ``out``. rtspsrc and decodebin show
their streams late; what to put behind them is a string too (rtp_chain, raw_chain).
"""

from fractions import Fraction
from typing import AbstractSet, FrozenSet, NamedTuple, Optional, Tuple

_SINK = "appsink name=out caps=video/x-raw,format=BGR sync=false enable-last-sample=false"
LIVE_SINK = f"{_SINK} drop=true max-buffers=1"
FILE_SINK = f"{_SINK} drop=false max-buffers=2"

_TO_BGR = "videoconvert"
# nvvidconv makes no BGR
_NVMM_TO_BGR = "nvvidconv ! video/x-raw,format=BGRx ! videoconvert"


class Decoder(NamedTuple):
    """One element that turns a codec into pictures."""

    codec: str  # "h264", "h265" or "jpeg"
    launch: str
    to_bgr: str = _TO_BGR
    needs: Tuple[str, ...] = ()  # elements that must be there besides
    hardware: bool = False

    @property
    def element(self) -> str:
        return self.launch.split()[0]


# best first
DECODERS = (
    Decoder("h264", "nvv4l2decoder name=decoder", _NVMM_TO_BGR, ("nvvidconv",), True),
    Decoder("h264", "nvh264dec name=decoder", hardware=True),
    Decoder("h264", "avdec_h264"),
    Decoder("h264", "openh264dec"),
    Decoder("h265", "nvv4l2decoder name=decoder", _NVMM_TO_BGR, ("nvvidconv",), True),
    Decoder("h265", "nvh265dec name=decoder", hardware=True),
    Decoder("h265", "avdec_h265"),
    Decoder("h265", "libde265dec"),
    Decoder("jpeg", "nvv4l2decoder name=decoder mjpeg=1", _NVMM_TO_BGR, ("nvvidconv",), True),
    Decoder("jpeg", "jpegdec"),
    Decoder("jpeg", "avdec_mjpeg"),
)

PARSERS = {"h264": "h264parse", "h265": "h265parse", "jpeg": "jpegparse"}

# encoding-name of RTP: codec, depayloader
_RTP = {
    "H264": ("h264", "rtph264depay ! h264parse"),
    "H265": ("h265", "rtph265depay ! h265parse"),
    "JPEG": ("jpeg", "rtpjpegdepay"),
}

# Every element that a string here can name: what to look for on a machine.
ELEMENTS = frozenset(
    {decoder.element for decoder in DECODERS}
    | set(PARSERS.values())
    | {"rtspsrc", "rtph264depay", "rtph265depay", "rtpjpegdepay", "souphttpsrc", "multipartdemux"}
    | {"v4l2src", "nvarguscamerasrc", "nvvidconv", "cudadownload", "gldownload"}
    | {"filesrc", "decodebin", "appsrc", "appsink", "videoconvert"}
)

# Which Debian or Ubuntu package has it; on a Jetson, nv* come with JetPack.
PACKAGES = {
    "filesrc": "libgstreamer1.0-0",
    "appsink": "gstreamer1.0-plugins-base",
    "appsrc": "gstreamer1.0-plugins-base",
    "decodebin": "gstreamer1.0-plugins-base",
    "videoconvert": "gstreamer1.0-plugins-base",
    "h264parse": "gstreamer1.0-plugins-bad",
    "h265parse": "gstreamer1.0-plugins-bad",
}


class Platform(NamedTuple):
    """What a machine can decode with, and the elements it has."""

    elements: FrozenSet[str]
    decoders: Tuple[Decoder, ...]

    def decoders_of(self, codec: str) -> Tuple[Decoder, ...]:
        """Those of one codec, best first."""
        return tuple(decoder for decoder in self.decoders if decoder.codec == codec)


class Wish(NamedTuple):
    """What is asked of a camera that can be asked: None is for the camera to choose."""

    size_wh: Optional[Tuple[int, int]] = None
    fps: Optional[float] = None


def platform(elements: AbstractSet[str]) -> Platform:
    """The platform of a machine that has these elements."""
    here = tuple(
        decoder
        for decoder in DECODERS
        if {decoder.element, *decoder.needs} <= elements and _parser(decoder) <= elements
    )
    return Platform(frozenset(elements), here)


def rtsp(transport: str, latency_ms: int, timeout_s: float) -> str:
    """A camera on the network; rtp_chain() goes behind each stream that it shows."""
    timeout_us = int(timeout_s * 1e6)
    return (
        f"rtspsrc name=source protocols={transport} latency={latency_ms} drop-on-latency=true "
        f"timeout={timeout_us} tcp-timeout={timeout_us} {LIVE_SINK}"
    )


def rtp_chain(encoding: str, decoder: Decoder) -> str:
    """From one RTP stream of rtspsrc to BGR."""
    _, depayload = _RTP[encoding]
    return f"{depayload} ! {decoder.launch} ! {decoder.to_bgr}"


def codec_of(encoding: str) -> Optional[str]:
    """The codec of an RTP encoding-name, or None if it is none of ours."""
    return _RTP[encoding][0] if encoding in _RTP else None


def http_mjpeg(timeout_s: float) -> str:
    """A camera that sends JPEG after JPEG; in software, for odd JPEGs are common."""
    return (
        f"souphttpsrc name=source is-live=true do-timestamp=true timeout={max(1, int(timeout_s))} "
        f"! multipartdemux ! jpegdec ! {_TO_BGR} ! {LIVE_SINK}"
    )


def file() -> str:
    """A file, every frame; raw_chain() goes behind the video that decodebin shows."""
    return (
        "filesrc name=source ! decodebin name=streams expose-all-streams=false "
        f'caps="video/x-raw(ANY)" {FILE_SINK}'
    )


def raw_chain(memory: str, here: Platform) -> str:
    """From raw video in ``memory`` (a caps feature, "" for plain memory) to BGR."""
    if "NVMM" in memory:
        return _NVMM_TO_BGR
    if "CUDA" in memory and "cudadownload" in here.elements:
        return f"cudadownload ! {_TO_BGR}"
    if "GL" in memory and "gldownload" in here.elements:
        return f"gldownload ! {_TO_BGR}"
    return _TO_BGR


def v4l2_raw(wish: Wish) -> str:
    """A USB camera that gives plain pictures."""
    return f"v4l2src name=source ! video/x-raw{_caps(wish)} ! {_TO_BGR} ! {LIVE_SINK}"


def v4l2_mjpeg(wish: Wish, decoder: Decoder) -> str:
    """A USB camera that compresses, as they must for 720p at 30 fps and more."""
    return (
        f"v4l2src name=source ! image/jpeg{_caps(wish)} ! jpegparse ! {decoder.launch} ! "
        f"{decoder.to_bgr} ! {LIVE_SINK}"
    )


def csi(sensor: int, wish: Wish, flip: int = 0) -> str:
    """A camera on the ribbon cable of a Jetson. Size and rate must be a mode of the sensor."""
    wish = Wish(wish.size_wh or (1280, 720), wish.fps or 30.0)
    return (
        f"nvarguscamerasrc sensor-id={sensor} ! "
        f"video/x-raw(memory:NVMM){_caps(wish)},format=NV12 ! nvvidconv flip-method={flip} ! "
        f"video/x-raw,format=BGRx ! {_TO_BGR} ! {LIVE_SINK}"
    )


def decoding_probe(decoder: Decoder) -> str:
    """A few pictures fed to the appsrc called ``in``, decoded."""
    return (
        f"appsrc name=in ! {PARSERS[decoder.codec]} ! {decoder.launch} ! {decoder.to_bgr} ! "
        "appsink name=out sync=false"
    )


def _parser(decoder: Decoder) -> FrozenSet[str]:
    # JPEGs of RTP and HTTP come whole and need no parser
    return frozenset() if decoder.codec == "jpeg" else frozenset([PARSERS[decoder.codec]])


def _caps(wish: Wish) -> str:
    size = ",width={},height={}".format(*wish.size_wh) if wish.size_wh else ""
    if not wish.fps:
        return size
    rate = _rate(wish.fps)
    return f"{size},framerate={rate.numerator}/{rate.denominator}"


def _rate(fps: float) -> Fraction:
    """What a camera means by its rate: 29.97 is NTSC's 30000/1001, and caps compare exactly."""
    whole = round(fps * 1.001)
    if fps != round(fps) and abs(fps * 1.001 - whole) < 0.005:
        return Fraction(whole * 1000, 1001)
    return Fraction(fps).limit_denominator(1001)
