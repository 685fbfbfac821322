"""cv_reader: what OpenCV plays, for Clip where there is no GStreamer."""

from __future__ import generator_stop

import os
import threading
from typing import Any, Optional

import numpy as np

from app.media.clip import Pictures
from app.media.container import Shape, inspect
from app.media.playback import Broken, Picture

# The count in the headers of others is an estimate.
_COUNTED = (Shape.MP4, Shape.AVI)


def file_pictures(path: str, stop: threading.Event) -> Pictures:
    """Every frame of the video in a file, upright. Raises Broken where it breaks off."""
    import cv2

    _hush(cv2)
    video = _opened(cv2, path)
    try:
        if not video.isOpened():
            raise Broken("OpenCV finds no video in it")
        count = 0
        while not stop.is_set():
            ok, image = video.read()
            if not ok:
                break
            yield Picture(_bgr(cv2, image), _time(cv2, video, count))
            count += 1
        else:
            return
        expected = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    finally:
        video.release()
    if inspect(path).shape in _COUNTED and count < 0.9 * expected - 2:
        raise Broken(f"its header speaks of {expected}")


def _hush(cv2: Any) -> None:
    """Keep OpenCV from writing to stderr what we say better ourselves, unless one asks for it."""
    if "OPENCV_LOG_LEVEL" in os.environ:
        return
    utils = getattr(cv2, "utils", None)
    logging = getattr(utils, "logging", cv2)  # OpenCV 5; before, cv2 itself; JetPack 4's has none
    if hasattr(logging, "setLogLevel"):
        logging.setLogLevel(0)


def _opened(cv2: Any, path: str) -> Any:
    # FFmpeg by name: asked for any back end, OpenCV takes clip_001.mp4 for a series of pictures.
    video = cv2.VideoCapture(os.path.abspath(path), cv2.CAP_FFMPEG)
    if not video.isOpened() and not _has_ffmpeg(cv2):
        video = cv2.VideoCapture(os.path.abspath(path))
    return video


def _has_ffmpeg(cv2: Any) -> bool:
    registry = getattr(cv2, "videoio_registry", None)
    return registry is not None and cv2.CAP_FFMPEG in registry.getBackends()


def _time(cv2: Any, video: Any, count: int) -> Optional[float]:
    milliseconds = video.get(cv2.CAP_PROP_POS_MSEC)
    return milliseconds / 1000.0 if milliseconds > 0 or count == 0 else None


def _bgr(cv2: Any, image: np.ndarray) -> np.ndarray:
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(image)
