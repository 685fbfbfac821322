"""probe: trust an element of GStreamer only after it has done its work once."""

import base64
import functools
import logging
import time
from typing import Any, Optional

from app.media import gst
from app.media.gstreamer import ELEMENTS, Decoder, Platform, decoding_probe, platform

logger = logging.getLogger(__name__)

LIMIT_S = 5.0
_SLICE_S = 0.1

# Eight pictures of 320x240, a ball that moves, each picture one slice. Made by
#   gst-launch-1.0 videotestsrc num-buffers=8 pattern=ball !
#     video/x-raw,width=320,height=240,framerate=30/1,format=I420 !
#     x264enc speed-preset=veryslow pass=quant quantizer=40 bframes=0 ref=1 threads=1 !
#     video/x-h264,profile=constrained-baseline,stream-format=byte-stream ! filesink location=b.h264
# less the SEI and delimiter units (types 6 and 9), which only take room.
_H264 = base64.b64decode(
    "AAAAAWdCwA3aBQfsBagwMDUoAAADAAgAAAMB5HihVQAAAAFozgOSyAAAAWWIhD8mKAAIGN999999999999999999"
    "9ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
    "ddddddddddddddddddddcd//+N9/MbkRe/DfsGUD5uDBypAJjNoZ2Acd5//rr9TnBP7Ax11l//T8EHNsnfffffff"
    "XXXXXXXX/aH9IU0KpGOWluGzxOX6Q/t+E6bhv21eGzpa666666666666666/6f/D/fSZ/XUeL9Zd0gKvK/+xb7lx"
    "ngXCx9hSyFUmf0Dx7/L//D1j5466666666666666666766666666666666666666666666666666666666666666"
    "6666666666666666666666666666666666666666666666666666666666666666668AAAFBmiPAQJ/h8E+oISrs"
    "kIn+clIEIJ3hE/qevLCYjhXwp4U8KeFPFQAAAUGaQ8BBH+CMEe74SgjBPCl6vCV4U8KeFPCnhTxcAAABQZpjwEGf"
    "z8JQTgh5C5asv8vhLdWuCMEMI+FPCnhTwp4U8XAAAAFBmoPASx/glBHwTgl4fDsIwSgj6dSnhHV5YR8KeFPCnhTx"
    "cAAAAUGao8BLwQgl4JwS9nhEV96gjBDCJ/vCmoU8KeFPCnioAAABQZrDwEuf4IwR5+EoJQR1BKCWEvCnhTwp4U8K"
    "eKgAAAFBmuPATB+E4IwR8EYI+CUEcJe4IwRwjkhTwp4U8KeKgA=="
)
# The same by x265enc speed-preset=veryslow qp=40
#   option-string="bframes=0:ref=1:info=0:repeat-headers=1", less the unit types 35, 39 and 40.
_H265 = base64.b64decode(
    "AAAAAUABDAH//wFgAAADAJAAAAMAAAMAPLoCQAAAAAFCAQEBYAAAAwCQAAADAAADADygCggPFlupJG2v/wABAAFq"
    "DAwMCAAAAwAIAAADAPBAAAAAAUQBwXGxEgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABQAEMAf//AWAAAAMA"
    "kAAAAwAAAwA8ugJAAAAAAUIBAQFgAAADAJAAAAMAAAMAPKAKCA8WW6kkba//AAEAAWoMDAwIAAADAAgAAAMA8EAA"
    "AAABRAHBcbESAAABKAGvC2D6hv/wlRN/WdmHVUQGIG+c0Re9EWfN+G2Xvby7KW/ngf+Rlf6nWS5rt5bzqzsKr0/p"
    "xZCsIW3XCMSAXMDAZE3ywlmqm1I4AAATxeMMyrcQWIlej/l0fjlpszSCqp0H0tTVcAhEBwAAAwAT2AAACAgAAAAB"
    "AgHQCX4QyHP8GTN0vxJ0AA5YAAAAAQIB0BH/hDIcQPwZNCadMBGwAAAAAQIB0Bn/hDIcQPwZM8tnTARsAAAAAQIB"
    "0CH/hDIcwPwZNK1AfACogAAAAAECAdAp/4QyHED8GTPA12/ALCAAAAABAgHQMf+EMhzA/BkuJ230EHAAAAABAgHQ"
    "Of+EMhxA/BkuJnAKyA=="
)
_SAMPLES = {"h264": _H264, "h265": _H265}


def produces(
    launch: str, seconds: float = LIMIT_S, feed: Optional[bytes] = None, buffers: int = 1
) -> bool:
    """
    Say whether a launch string brings ``buffers`` buffers to its appsink ``out`` in time.

    ``feed`` is pushed into its appsrc ``in``, then the stream ends. Elements that are missing, that
    refuse to play or that report an error make it False; nothing is raised or left behind.
    """
    Gst = gst.load()
    try:
        pipeline = Gst.parse_launch(launch)
    except Exception:  # GLib.Error, whose class is only known where gi is
        return False
    try:
        return _count(Gst, pipeline, seconds, feed, buffers) >= buffers
    finally:
        pipeline.set_state(Gst.State.NULL)


@functools.lru_cache(maxsize=None)
def found() -> Platform:
    """This machine: the hardware decoders that work, and all in software. Once per process."""
    here = platform(gst.available(ELEMENTS))
    trusted = tuple(each for each in here.decoders if not each.hardware or decodes(each))
    for element in {each.element for each in here.decoders} - {each.element for each in trusted}:
        _outrank(element)
    logger.debug("decoders: %s", ", ".join(f"{each.codec} {each.element}" for each in trusted))
    return here._replace(decoders=trusted)


def _count(Gst: Any, pipeline: Any, seconds: float, feed: Optional[bytes], wanted: int) -> int:
    deadline = time.monotonic() + seconds
    out = pipeline.get_by_name("out")
    if pipeline.set_state(Gst.State.PLAYING) == Gst.StateChangeReturn.FAILURE:
        return 0
    if feed is not None:
        source = pipeline.get_by_name("in")
        source.emit("push-buffer", Gst.Buffer.new_wrapped(feed))
        source.emit("end-of-stream")
    count = 0
    while count < wanted and time.monotonic() < deadline:
        if out.emit("try-pull-sample", int(_SLICE_S * Gst.SECOND)) is not None:
            count += 1
        elif out.get_property("eos") or _failed(Gst, pipeline):
            break
    return count


def _failed(Gst: Any, pipeline: Any) -> bool:
    return pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR) is not None


@functools.lru_cache(maxsize=None)
def decodes(decoder: Decoder) -> bool:
    """Say whether a decoder has decoded a sample of its codec: tried once per process."""
    if decoder.codec == "jpeg":
        source = "videotestsrc num-buffers=4 ! video/x-raw,width=320,height=240 ! jpegenc"
        launch = decoding_probe(decoder).replace("appsrc name=in", source)
        worked = produces(launch, LIMIT_S, buffers=2)
    else:
        worked = produces(decoding_probe(decoder), LIMIT_S, _SAMPLES[decoder.codec], buffers=4)
    if not worked:
        logger.info("%s is here but decodes no %s: not used", decoder.element, decoder.codec)
    return worked


def _outrank(element: str) -> None:
    """Keep decodebin from choosing an element, for the rest of this process."""
    Gst = gst.load()
    factory = Gst.ElementFactory.find(element)
    if factory is not None:
        factory.set_rank(Gst.Rank.NONE)
