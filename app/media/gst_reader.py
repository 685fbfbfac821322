"""gst_reader: what GStreamer plays, for Clip and Live."""

from __future__ import generator_stop

import glob
import os
import threading
import time
from typing import Any, Dict, Optional

from app.media import gstreamer
from app.media.camera import Camera
from app.media.clip import Pictures
from app.media.gstreamer import Decoder, Platform, Wish
from app.media.live import Way
from app.media.playback import Broken, Ended, Playback, Stream

_SLICE_S = 0.2
# decodebin now and then swallows its demuxer's error; a file with no first picture in this time
# goes to the next reader, and one that stops later is given up.
_FIRST_S = 5.0
_NEXT_S = 30.0


def file_pictures(path: str, stop: threading.Event, here: Platform) -> Pictures:
    """Every frame of the video in a file, upright. Raises Broken where it breaks off."""

    def chain(stream: Stream) -> Optional[str]:
        if not stream.media.startswith("video/"):
            return None
        return gstreamer.raw_chain(stream.memory, here)

    with Playback(gstreamer.file(), {"location": path}, chain) as playback:
        heard, patience_s = time.monotonic(), _FIRST_S
        while not stop.is_set():
            try:
                picture = playback.picture(_SLICE_S)
            except Ended:
                return
            if picture is not None:
                yield picture
                heard, patience_s = time.monotonic(), _NEXT_S
            elif time.monotonic() - heard > patience_s:
                raise Broken(f"no picture for {patience_s:g} s")


def rtsp(camera: Camera, here: Platform) -> Way:
    launch = gstreamer.rtsp(camera.transport, camera.latency_ms, camera.timeout_s)

    def opened(hardware: bool) -> Playback:
        def chain(stream: Stream) -> Optional[str]:
            codec = gstreamer.codec_of(stream.encoding)
            if codec is None:
                raise Broken(f"the camera sends {stream.encoding}: set it to H.264 or H.265")
            return gstreamer.rtp_chain(stream.encoding, _decoder(here, codec, hardware))

        return Playback(launch, _at(camera), chain)

    return Way(opened, hardware=any(decoder.hardware for decoder in here.decoders))


def http_mjpeg(camera: Camera) -> Way:
    launch = gstreamer.http_mjpeg(camera.timeout_s)
    return Way(lambda _: Playback(launch, _at(camera)))


def v4l2(camera: Camera, here: Platform) -> Way:
    wish = Wish(camera.wanted_wh, camera.wanted_fps)
    device = camera.uri.location

    def opened(hardware: bool) -> Playback:
        if not os.path.exists(device):
            raise Broken(f"there is no {device}; {_devices()}")
        launch = gstreamer.v4l2_raw(wish)
        if camera.uri.options.get("format") == "mjpeg":
            launch = gstreamer.v4l2_mjpeg(wish, _decoder(here, "jpeg", hardware))
        return Playback(launch, {"device": device})

    return Way(opened, hardware=any(decoder.hardware for decoder in here.decoders_of("jpeg")))


def csi(camera: Camera) -> Way:
    flip = int(camera.uri.options.get("flip", 0))
    wish = Wish(camera.wanted_wh, camera.wanted_fps)
    launch = gstreamer.csi(int(camera.uri.location), wish, flip)
    return Way(lambda _: Playback(launch, {}))


def _decoder(here: Platform, codec: str, hardware: bool) -> Decoder:
    for decoder in here.decoders_of(codec):
        if hardware or not decoder.hardware:
            return decoder
    raise Broken(f"no decoder for {codec} is installed. Run: sudo apt install gstreamer1.0-libav")


def _at(camera: Camera) -> Dict[str, Any]:
    properties: Dict[str, Any] = {"location": camera.uri.location}
    if camera.login.user or camera.login.password:
        properties["user-id"] = camera.login.user
        properties["user-pw"] = camera.login.password
    return properties


def _devices() -> str:
    devices = sorted(glob.glob("/dev/video[0-9]*"))
    return "there are " + ", ".join(devices) if devices else "no video device is plugged in"
