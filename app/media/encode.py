"""encode: GStreamer launch strings for H.264, and which encoder this machine really has."""

import functools
import logging
import subprocess
import sys
from typing import Callable, NamedTuple, Optional

from app.errors import OutputError
from app.media import gst

logger = logging.getLogger(__name__)

NVENC = "nvv4l2h264enc"
X264 = "x264enc"
OPENH264 = "openh264enc"

Has = Callable[[str, str], bool]  # has(element, property)

_FASTEST_FPS = 60  # more pictures cost no more bits
_FRAGMENT_MS = 2000  # as far apart as key frames: what a power cut costs
_PROBE_S = 15.0
_PROBE = """
import sys, gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
line = Gst.parse_launch(sys.argv[1])
ends = Gst.MessageType.EOS | Gst.MessageType.ERROR
line.set_state(Gst.State.PLAYING)
message = line.get_bus().timed_pop_filtered(int(float(sys.argv[2]) * Gst.SECOND), ends)
sys.exit(0 if message is not None and message.type == Gst.MessageType.EOS else 1)
"""


class Format(NamedTuple):
    """What an encoder is given: I420 of an even size."""

    width: int
    height: int
    fps: int


def rtsp_launch(encoder: str, form: Format, bitrate_kbps: int, keyframe_s: float, has: Has) -> str:
    """What a mount runs while someone watches: as little delay as each encoder can do."""
    return (
        f"( {_source(form, encoder, True)} ! "
        "queue leaky=downstream max-size-buffers=2 max-size-bytes=0 max-size-time=0 ! "
        f"{live_encoder(encoder, form, bitrate_kbps, keyframe_s, has)} ! "
        # The parser repeats SPS and PPS: rtph264pay puts them before each slice, which FFmpeg's
        # clients cannot read.
        "h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 config-interval=0"
        f"{_known('rtph264pay', 'aggregate-mode=zero-latency', has)} )"
    )


def mp4_launch(encoder: str, form: Format, has: Has, in_fragments: bool = False) -> str:
    """What writes a file: every picture kept, good pictures for few bytes."""
    fragments = f" fragment-duration={_FRAGMENT_MS}" if in_fragments else ""
    return (
        f"{_source(form, encoder, False)} ! {file_encoder(encoder, form, has)} ! "
        f"h264parse ! mp4mux{fragments} ! filesink name=sink sync=false"
        # or 64 kB of a still scene, many seconds, would not be on the disk yet
        + (_known("filesink", "buffer-mode=unbuffered", has) if in_fragments else "")
    )


def live_encoder(encoder: str, form: Format, bitrate_kbps: int, keyframe_s: float, has: Has) -> str:
    gop = max(1, int(round(keyframe_s * form.fps)))
    if encoder == NVENC:
        return _nvenc(bitrate_kbps, gop, has)
    if encoder == X264:
        # Threads that work on whole pictures delay each by (threads - 1) pictures, 75 ms on two
        # cores; so one thread, and slices where one may be too slow.
        small = form.width * form.height <= 1280 * 720
        threads = "threads=1 sliced-threads=false" if small else "threads=4 sliced-threads=true"
        return (
            f"x264enc tune=zerolatency speed-preset=ultrafast {threads} bitrate={bitrate_kbps} "
            f"key-int-max={gop} ! video/x-h264,profile=constrained-baseline"
        )
    return (
        f"openh264enc bitrate={bitrate_kbps * 1000} gop-size={gop} complexity=low "
        "rate-control=bitrate"
    )


def file_encoder(encoder: str, form: Format, has: Has) -> str:
    fps = min(form.fps, _FASTEST_FPS)  # what was measured can be too much
    gop = 2 * fps
    # 0.2 bits a pixel: for encoders that cannot be told a quality
    bitrate_kbps = max(500, int(form.width * form.height * fps * 0.2 / 1000))
    if encoder == NVENC:
        return _nvenc(bitrate_kbps, gop, has)
    if encoder == X264:
        return (
            # no B-frames: with uneven steps the file's edit list would end before the last of them
            f"x264enc speed-preset=superfast pass=qual quantizer=23 bframes=0 key-int-max={gop}"
        )
    return f"openh264enc bitrate={bitrate_kbps * 1000} gop-size={gop} rate-control=bitrate"


def choose(exists: Callable[[str], bool], encodes: Callable[[str], bool]) -> Optional[str]:
    """The best encoder there is. NVENC must prove itself: Orin Nano has but the element."""
    if exists(NVENC):
        if encodes(NVENC):
            return NVENC
        logger.info("%s is there but encodes nothing on this machine", NVENC)
    return next((name for name in (X264, OPENH264) if exists(name)), None)


@functools.lru_cache(maxsize=None)
def best() -> str:
    """This machine's H.264 encoder, found once. Raises OutputError where there is none."""
    name = choose(exists, _proves_itself)
    if name is None:
        raise OutputError(f"GStreamer has no H.264 encoder here. Run: {gst.APT}")
    logger.info("H.264 is encoded by %s", name)
    return name


def exists(element: str) -> bool:
    return not gst.missing(element)


@functools.lru_cache(maxsize=None)
def has_property(element: str, name: str) -> bool:
    """Whether this machine's GStreamer (1.14 to 1.24) knows a property."""
    made = gst.load().ElementFactory.make(element, None)
    return made is not None and made.find_property(name) is not None


def encodes(launch: str, limit_s: float = _PROBE_S) -> bool:
    """Whether a launch line runs to its end, tried in a child: a driver may hang or crash."""
    command = [sys.executable, "-c", _PROBE, launch, str(limit_s)]
    try:
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit_s + 5
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _proves_itself(encoder: str) -> bool:
    form = Format(640, 480, 30)
    return encodes(
        "videotestsrc num-buffers=8 ! video/x-raw,format=I420,width=640,height=480,framerate=30/1"
        f" ! {live_encoder(encoder, form, 1000, 1.0, has_property)} ! h264parse ! fakesink"
    )


def _source(form: Format, encoder: str, live: bool) -> str:
    # OpenCV converts by BT.601 at any size, players assume BT.709 from 720 lines on. nvvidconv is
    # not told: it may refuse.
    colours = "" if encoder == NVENC else ",colorimetry=bt601"
    return (
        f"appsrc name=source is-live={str(live).lower()} format=time block=false max-bytes=0 "
        f"caps=video/x-raw,format=I420,width={form.width},height={form.height},"
        f"framerate={form.fps}/1{colours}"
    )


def _nvenc(bitrate_kbps: int, gop: int, has: Has) -> str:
    wanted = (
        f"bitrate={bitrate_kbps * 1000}",  # in bit/s, unlike x264enc's
        "insert-sps-pps=true",
        f"idrinterval={gop}",
        f"iframeinterval={gop}",
        "preset-level=1",
        "maxperf-enable=true",
    )
    return "nvvidconv ! video/x-raw(memory:NVMM),format=NV12 ! nvv4l2h264enc" + "".join(
        _known(NVENC, setting, has) for setting in wanted
    )


def _known(element: str, setting: str, has: Has) -> str:
    """A setting, where this version of the element has it."""
    return " " + setting if has(element, setting.split("=")[0]) else ""
