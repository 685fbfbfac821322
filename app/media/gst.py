"""gst: the late import of GStreamer's Python bindings."""

import functools
from typing import Any

from app.errors import DeviceError

APT = (
    "sudo apt install python3-gi gir1.2-gst-rtsp-server-1.0 gir1.2-gst-plugins-base-1.0 "
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad "
    "gstreamer1.0-plugins-ugly gstreamer1.0-libav"
)


@functools.lru_cache(maxsize=None)
def load() -> Any:
    """The Gst module, initialised. Raises DeviceError where GStreamer's bindings are missing."""
    reason = missing()
    if reason:
        raise DeviceError(reason)
    from gi.repository import Gst

    Gst.init(None)
    return Gst


@functools.lru_cache(maxsize=None)
def missing() -> str:
    """Why GStreamer cannot be used and how to get it, or "" where it can."""
    try:
        import gi

        gi.require_version("Gst", "1.0")
        from gi.repository import Gst  # noqa: F401
    except (ImportError, ValueError) as exc:
        return f"GStreamer's Python bindings are missing ({exc}). Run: {APT}"
    return ""
