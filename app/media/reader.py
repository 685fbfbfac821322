"""reader: the right Source for a camera."""

import functools
from typing import List

from app.core.stage import Source
from app.media import cv_reader, gst, gst_reader, probe
from app.media.camera import Camera
from app.media.clip import Clip
from app.media.clip import Way as ClipWay
from app.media.fitted import Fitted
from app.media.folder import Folder, is_picture
from app.media.live import Live, Way
from app.media.pattern import Pattern
from app.media.playback import Room, ordinary
from app.media.uri import Kind


def open_source(camera: Camera, room: Room = ordinary) -> Source:
    """
    A Source that is ready to be run; nothing of the camera itself is opened yet. A live camera's
    pictures are put where ``room`` says.

    Raises SourceError where this machine lacks what the kind of camera needs.
    """
    source = _opened(camera, room)
    asked = camera.uri.kind in (Kind.TEST, Kind.V4L2, Kind.CSI)  # for its size, at the source
    size_wh = None if asked else camera.size_wh
    if size_wh is None and camera.most_fps is None:
        return source
    return Fitted(source, size_wh, camera.most_fps)


def _opened(camera: Camera, room: Room) -> Source:
    kind = camera.uri.kind
    if kind is Kind.TEST:
        return Pattern(camera)
    if kind is Kind.FOLDER or kind is Kind.FILE and is_picture(camera.uri.location):
        return Folder(camera)
    if kind is Kind.FILE:
        return Clip(camera, _file_ways(camera.uri.location))
    return Live(camera, live_way(camera), room=room)


def _file_ways(path: str) -> List[ClipWay]:
    """GStreamer where it is, for its hardware decoders; OpenCV for what it cannot play."""
    if path.lower().endswith(".gif"):  # GStreamer never says that one has ended
        return [cv_reader.file_pictures]
    if not gst.works() or gst.missing("filesrc", "decodebin", "videoconvert", "appsink"):
        return [cv_reader.file_pictures]
    return [
        functools.partial(gst_reader.file_pictures, here=probe.found()),
        cv_reader.file_pictures,
    ]


def live_way(camera: Camera) -> Way:
    """How a live camera is reached. Raises SourceError where this machine lacks the elements."""
    kind, shown = camera.uri.kind, camera.shown
    gst.require(shown, "appsink", "videoconvert")
    if kind is Kind.RTSP:
        gst.require(shown, "rtspsrc", "rtph264depay", "h264parse")
        return gst_reader.rtsp(camera, probe.found())
    if kind is Kind.HTTP:
        gst.require(shown, "souphttpsrc", "multipartdemux", "jpegdec")
        return gst_reader.http_mjpeg(camera)
    if kind is Kind.V4L2:
        gst.require(shown, "v4l2src", "jpegparse")
        return gst_reader.v4l2(camera, probe.found())
    gst.require(shown, "nvarguscamerasrc", "nvvidconv")
    return gst_reader.csi(camera)
