"""gst: the one place that loads and starts GStreamer, late, for the import takes seconds."""

import contextlib
import ctypes
import functools
import importlib
import logging
import os
import warnings
from typing import AbstractSet, Any, FrozenSet, List

from app.errors import SourceError
from app.media.gstreamer import PACKAGES

logger = logging.getLogger(__name__)

_ENUMS = (
    ("State", "PLAYING"), ("StateChangeReturn", "FAILURE"), ("MessageType", "ERROR"),
    ("FlowReturn", "OK"), ("MapFlags", "READ"), ("Format", "TIME"), ("PadProbeType", "BUFFER"),
    ("PadProbeReturn", "OK"), ("EventType", "EOS"), ("PadDirection", "SRC"), ("SeekFlags", "FLUSH"),
)  # fmt: skip

APT = (
    "sudo apt install python3-gi gir1.2-gst-rtsp-server-1.0 gir1.2-gst-plugins-base-1.0 "
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad "
    "gstreamer1.0-plugins-ugly gstreamer1.0-libav; a virtual environment must be of the system's "
    "Python and made with --system-site-packages"
)


@functools.lru_cache(maxsize=None)
def load() -> Any:
    """The Gst module, started. Raises SourceError, with what to install, where there is none."""
    Gst = namespace("Gst")
    if not os.environ.get("GST_DEBUG"):
        Gst.debug_set_active(False)
        _hush()
    ok, _ = Gst.init_check([])
    if not ok:
        raise SourceError(f"GStreamer does not start. Run: {APT}")
    # PyGObject fills an enum when it is first used, and not for two threads at once: a camera
    # that starts beside another would now and then find no member in it.
    for enum, member in _ENUMS:
        getattr(getattr(Gst, enum), member)
    return Gst


def namespace(name: str) -> Any:
    """
    One of GStreamer's modules of version 1.0, such as GstRtspServer; Gst itself is load()'s.

    Raises SourceError where it is missing.
    """
    # GStreamer brings libunwind, which has the same names as GCC's unwinder: a C++ library loaded
    # later (ONNX Runtime, TensorRT) would mix the two and abort where it means to throw.
    with contextlib.suppress(OSError):
        ctypes.CDLL("libgcc_s.so.1", ctypes.RTLD_GLOBAL)
    try:
        with warnings.catch_warnings():
            # PyGObject's importer is older than Python 3.10's rules
            warnings.simplefilter("ignore")
            import gi

            gi.require_version(name, "1.0")
            return importlib.import_module("gi.repository." + name)
    except (ImportError, ValueError) as exc:
        raise SourceError(f"GStreamer for Python is not here ({exc}). Run: {APT}") from exc


def _hush() -> None:
    """Let what GStreamer would write to stderr about itself be our DEBUG."""
    from gi.repository import GLib

    def note(domain: str, level: Any, message: str, *_: Any) -> None:
        logger.debug("%s: %s", domain, message)

    kinds = GLib.LogLevelFlags.LEVEL_WARNING | GLib.LogLevelFlags.LEVEL_CRITICAL  # novm: flags
    with contextlib.suppress(AttributeError, TypeError):  # a PyGObject that cannot: let it speak
        GLib.log_set_handler("GStreamer", kinds, note)


def absent() -> str:
    """Why GStreamer cannot be used and how to get it, or "" where it can."""
    try:
        load()
    except SourceError as error:
        return str(error)
    return ""


def works() -> bool:
    """Say whether GStreamer can be loaded."""
    return not absent()


def version() -> str:
    """GStreamer's release, as "1.22.0"; nothing where it cannot be used."""
    if not works():
        return ""
    return ".".join(str(part) for part in load().version()[:3])


def available(names: AbstractSet[str]) -> FrozenSet[str]:
    """Those of the elements that this machine has, whether or not they work."""
    find = load().ElementFactory.find
    return frozenset(name for name in names if find(name) is not None)


def missing(*names: str) -> List[str]:
    """Those of the elements that this machine lacks."""
    here = available(frozenset(names))
    return [name for name in names if name not in here]


def require(what: str, *names: str) -> None:
    """Raise SourceError, with the package to install, unless every element is here."""
    for name in missing(*names):
        if name.startswith("nv"):
            raise SourceError(f"{what} needs {name}, which comes with JetPack, on a Jetson only")
        package = PACKAGES.get(name, "gstreamer1.0-plugins-good")
        raise SourceError(f"{what} needs GStreamer's {name}. Run: sudo apt install {package}")
