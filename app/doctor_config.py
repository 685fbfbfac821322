"""doctor_config: what a config asks for: models, engines, elements of GStreamer."""

import json
from typing import Any, Dict, List, Optional

from app import chosen
from app.checkup import ANSWERING, Finding, Machine, fail, ok, skip, warn
from app.conflicts import Config
from app.device import machine
from app.doctor_address import address
from app.errors import AppError
from app.media import gst
from app.media.uri import Kind

_NONE = "no config was named"

# Each in a Python of its own: a driver may crash or hang where it is asked.
_GSTREAMER = (
    ANSWERING
    + """
import json, logging
logging.disable(logging.CRITICAL)
from app.media import encode, gst, probe, rtsp
told = {"absent": gst.absent(), "rtsp": "", "decoders": {}, "encoder": "", "csi": False}
if not told["absent"]:
    told["rtsp"] = rtsp.missing()
    told["decoders"] = {one.codec: one.element for one in reversed(probe.found().decoders)}
    told["csi"] = not gst.missing("nvarguscamerasrc")
    try:
        told["encoder"] = encode.best()
    except Exception:
        pass
print(json.dumps(told), file=answer, flush=True)
"""
)
_ENGINES = (
    ANSWERING
    + """
import contextlib, json, logging, sys
logging.disable(logging.CRITICAL)
from app import catalogue
from app.device import planfile
from app.device.jetson import GpuBackend
from app.errors import DeviceError
try:
    with contextlib.closing(GpuBackend()) as backend:
        now = backend.fingerprint()
except DeviceError:
    now = None
rows = planfile.listing(catalogue.folders(), now)
told = [[row.name, row.fits, row.verdict] for row in rows]
print(json.dumps(told), file=answer, flush=True)
"""
)


def models(_: Machine, config: Optional[Config]) -> Finding:
    """Whether each model's file is here."""
    if config is None:
        return skip(_NONE)
    names = _models(config)
    wrong = []
    for name in names:
        try:
            chosen.model_of(config, name)
        except AppError as error:
            wrong.append(str(error))
    if not wrong:
        return ok(", ".join(names))
    fetch = [name for name in names if any(line.startswith(f"{name}: ") for line in wrong)]
    fix = (
        f"jetwatch fetch {' '.join(fetch)}"
        if fetch
        else "jetwatch fetch --list shows what there is"
    )
    return fail("; ".join(wrong), fix)


def engines(there: Machine, config: Optional[Config]) -> Finding:
    """Whether engines fit this device and this TensorRT: an update makes all of them stale."""
    ran = there.python(_ENGINES)
    if ran.code:
        return skip(f"they cannot be listed: {ran.last}")
    rows = json.loads(ran.out)
    stale = [f"{name}: {verdict}" for name, fits, verdict in rows if fits is False]
    if not stale:
        if not rows:
            return skip("there are none")
        unknown = any(fits is None for _, fits, _ in rows)
        return skip("no GPU to hold them against") if unknown else ok(f"{len(rows)} fit")
    names = [name for name, fits, _ in rows if fits is False]
    used = config is not None and config.backend.kind == "gpu" and config.backend.build == "never"
    needed = used and config is not None and set(names) & set(_models(config))
    return (fail if needed else warn)("; ".join(stale), f"jetwatch build {' '.join(names)}")


def gstreamer(there: Machine, config: Optional[Config]) -> Finding:
    """Whether there is any, for Python; files can be read without."""
    told = _gstreamer(there)
    if not told["absent"]:
        return ok("GStreamer loads")
    kinds = {one.uri.kind for one in config.cameras} if config else set()
    needed = bool(kinds - {Kind.FILE, Kind.FOLDER, Kind.TEST}) or bool(config and config.rtsp)
    made = fail if needed else warn
    return made(told["absent"].split(" Run: ")[0], gst.APT)


def decoders(there: Machine, _: Any) -> Finding:
    """Decoders that have decoded a few pictures here."""
    told = _gstreamer(there)
    if told["absent"]:
        return skip("no GStreamer")
    found = told["decoders"]
    lacking = [codec for codec in ("h264", "h265", "jpeg") if codec not in found]
    if lacking:
        return warn(
            f"nothing decodes {', '.join(lacking)}",
            "sudo apt install "
            "gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav",
        )
    listed = ", ".join(f"{codec}: {element}" for codec, element in sorted(found.items()))
    if machine.tegra(there.root) and "nvv4l2decoder" not in found.values():
        return warn(
            f"the hardware decodes nothing ({listed})",
            "sudo apt-get install --reinstall nvidia-l4t-gstreamer && "
            "rm -rf ~/.cache/gstreamer-1.0",
        )
    return ok(listed)


def encoder(there: Machine, config: Optional[Config]) -> Finding:
    """What encodes H.264; an Orin Nano has no hardware for it."""
    told = _gstreamer(there)
    if told["absent"]:
        return skip("no GStreamer")
    wanted = config is not None and (config.rtsp or config.record)
    if not told["encoder"]:
        fix = "sudo apt install gstreamer1.0-plugins-ugly"
        return (fail if wanted else warn)("nothing encodes H.264", fix)
    if told["rtsp"]:
        why = told["rtsp"].split(" Run: ")[0]
        return (fail if config and config.rtsp else warn)(f"no RTSP server: {why}", gst.APT)
    return ok(str(told["encoder"]))


def csi(there: Machine, config: Optional[Config]) -> Finding:
    """The element that reads cameras on the ribbon connector."""
    if config is None or not any(one.uri.kind is Kind.CSI for one in config.cameras):
        return skip("no csi:// camera in a config")
    told = _gstreamer(there)
    if told["csi"]:
        return ok("nvarguscamerasrc is here")
    return fail(
        "nvarguscamerasrc, which reads csi:// cameras, is not here",
        "sudo apt-get install --reinstall nvidia-l4t-camera nvidia-l4t-gstreamer, on a Jetson; "
        "nothing else has such cameras",
    )


def _gstreamer(there: Machine) -> Dict[str, Any]:
    ran = there.python(_GSTREAMER)
    if ran.code:
        raise OSError(f"GStreamer fails: {ran.last}")
    made: Dict[str, Any] = json.loads(ran.out)
    return made


def _models(config: Config) -> List[str]:
    """What the config looks with, each once."""
    names = [config.models_of.get(one.name, config.detect.model) for one in config.cameras]
    names += [one.model for one in config.looks]
    if config.privacy and config.privacy.faces:
        names.append(config.privacy.faces)
    return list(dict.fromkeys(names))


CHECKS: Dict[str, Any] = {
    "models": models,
    "engines": engines,
    "gstreamer": gstreamer,
    "decoders": decoders,
    "encoder": encoder,
    "csi": csi,
    "address": address,
}
