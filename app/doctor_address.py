"""doctor_address: whether the servers of RTSP and HTTP could listen where they are to, or do."""

import errno
import http.client
import json
import socket
import ssl
from typing import Any, List, Optional

from app.checkup import FAIL, Finding, Machine, fail, ok, skip
from app.conflicts import Config
from app.media.mount import RtspSettings
from app.service.http import HttpSettings

_ANSWER_S = 3.0
_MOST_BYTES = 1 << 20
_OPTIONS = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"
_UNITS = ["systemctl", "list-units", "jetwatch@*.service", "--all", "--plain", "--no-legend"]


def address(there: Machine, config: Optional[Config]) -> Finding:
    """Whether each port is free, or taken by the service that runs with this config."""
    if config is None:
        return skip("no config was named")
    found = []
    for section, served in (("rtsp", config.rtsp), ("http", config.http)):
        if served is None:
            continue
        one = _free(section, served.address, served.port)
        found.append(_held(there, config, section) if one is None else one)
    if not found:
        return skip("nothing is served")
    wrong = [one for one in found if one.verdict == FAIL]
    if wrong:
        return fail("; ".join(one.found for one in wrong), "; ".join(one.fix for one in wrong))
    return ok(", ".join(one.found for one in found))


def _free(section: str, host: str, port: int) -> Optional[Finding]:
    """By listening there for a moment; None where the port is in use."""
    place = f"port {port} of {host}"
    try:
        family, kind, _proto, _name, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(where)
            trial.listen(1)
    except (OSError, UnicodeError) as error:  # the latter of a name that no DNS could know
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            return None
        return fail(
            f"{place} cannot be listened on: {getattr(error, 'strerror', None) or error}",
            f"{section}.address must be one of this machine (hostname -I), "
            f"{section}.port 1024 or more",
        )
    return ok(f"{place} is free")


def _held(there: Machine, config: Config, section: str) -> Finding:
    """Of a port in use: by Jetwatch with this config, which is well, or by something else."""
    served: Any = getattr(config, section)
    place = f"port {served.port} of {served.address}"
    look = f"sudo ss -ltnp 'sport = :{served.port}' shows who; stop it, or change {section}.port"
    cameras = None if config.http is None else _healthz(config.http)
    if cameras and not {one.name for one in config.cameras} & set(cameras):
        by = f"Jetwatch with another config (cameras: {', '.join(cameras)})"
        return fail(f"{place} is in use, maybe by {by}", look)
    running = "the running service"
    if section == "rtsp" and cameras is None:
        units = _units(there)
        running += f" ({', '.join(units)})"
        cameras = units or None
    if cameras is None or section == "rtsp" and not _speaks_rtsp(served):
        return fail(f"{place} is in use, and not by a Jetwatch that answers", look)
    return ok(f"{place} is in use by {running}")


def _healthz(settings: HttpSettings) -> Optional[List[str]]:
    """The cameras of the Jetwatch that answers there; None where none does."""
    asked = http.client.HTTPConnection(_reached(settings.address), settings.port, timeout=_ANSWER_S)
    try:
        asked.request("GET", "/healthz")
        said = json.loads(asked.getresponse().read(_MOST_BYTES).decode("ascii"))
        return [str(name) for name in said["cameras"]] if "level" in said else None
    except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError):
        return None
    finally:
        asked.close()


def _speaks_rtsp(settings: RtspSettings) -> bool:
    """Whether GStreamer's RTSP server answers there, which is ours; it names nothing more."""
    try:
        with socket.create_connection(
            (_reached(settings.address), settings.port), _ANSWER_S
        ) as plain:
            asked = plain
            if settings.certificate:
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE  # a certificate of one's own is none's else
                asked = context.wrap_socket(plain)
            with asked:
                asked.sendall(_OPTIONS)
                said = asked.recv(4096)
    except OSError:  # ssl's errors are of that kind
        return False
    return said.startswith(b"RTSP/1.0 ") and b"GStreamer RTSP server" in said


def _units(there: Machine) -> List[str]:
    """The services of systemd that run; who waits for the first picture listens already."""
    ran = there.run(_UNITS)
    rows = [line.split() for line in ran.out.splitlines()] if ran else []
    states = ("active", "activating", "reloading")
    return [
        row[0].replace(".service", "")
        for row in rows
        if len(row) > 3 and row[2] in states and row[3] != "auto-restart"
    ]


def _reached(host: str) -> str:
    """The address at which this machine itself reaches what listens on one."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
