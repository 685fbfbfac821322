"""listen: the address and port that viewers ask, and what they are told of them."""

import errno
import os
import socket

from app.errors import OutputError
from app.media.mount import RtspSettings


def url(settings: RtspSettings, mount: str) -> str:
    """Where a viewer on this machine finds a mount."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.address, settings.address)
    host = f"[{host}]" if ":" in host else host
    scheme = "rtsps" if settings.certificate else "rtsp"
    return f"{scheme}://{host}:{settings.port}/{mount}"


def check(settings: RtspSettings) -> None:
    """Raise OutputError where nothing could listen: no such address, or one that is taken."""
    if not 0 <= settings.port <= 65535:  # the C library would take the remainder
        raise OutputError(f"{settings.port} is no port. Choose one of 1024 to 65535")
    try:
        family, kind, _, _, place = socket.getaddrinfo(
            settings.address, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(place)
            trial.listen(1)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise in_use(settings) from exc
        raise OutputError(
            f"RTSP cannot listen on port {settings.port} of {settings.address}: "
            f"{os.strerror(exc.errno) if (exc.errno or 0) > 0 else exc.args[-1]}. "
            "Choose an address of this machine, and a port from 1024 on"
        ) from exc


def open_to_all(settings: RtspSettings) -> str:
    """What to think of where other machines may watch and no password is asked for, or ""."""
    if settings.login.user or local(settings.address):
        return ""
    return (
        f"rtsp: whoever reaches port {settings.port} of {settings.address} may watch. "
        "Set rtsp.user and rtsp.password, or rtsp.address 127.0.0.1"
    )


def local(address: str) -> bool:
    """Whether only this machine can reach an address; True also for one that is none."""
    try:
        found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return True  # nothing can listen on it, which is said where it is tried
    return all(str(place[4][0]).startswith(("127.", "::1")) for place in found)


def in_use(settings: RtspSettings) -> OutputError:
    return OutputError(
        f"port {settings.port} of {settings.address} is in use. "
        "Stop the program that has it, or choose another with --rtsp PORT"
    )
