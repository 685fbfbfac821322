"""notify: tell systemd how the service is, by sd_notify's protocol, where systemd asked for it."""

import logging
import os
import socket
import time
from typing import Mapping, Optional

logger = logging.getLogger(__name__)

_LONGEST = 200  # characters of a status; systemctl shows one line


class Notifier:
    """
    Datagrams to ``$NOTIFY_SOCKET``; without it nothing is sent. The protocol is that of the manual
    pages sd_notify(3) and sd_watchdog_enabled(3). Nothing here raises: a service whose manager
    does not listen goes on.
    """

    def __init__(self, environ: Mapping[str, str], pid: int = 0) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address: Optional[str] = None
        if address[:1] in ("/", "@"):
            self._address = "\0" + address[1:] if address[0] == "@" else address
        self._watchdog_us = _watchdog(environ, pid or os.getpid())
        self._status = ""
        self._ready = self._reloading = self._stopping = False

    @property
    def listened_to(self) -> bool:
        return self._address is not None

    @property
    def watchdog_s(self) -> float:
        """Seconds within which systemd wants to hear of progress; 0: it does not."""
        return self._watchdog_us / 1e6

    def ready(self) -> None:
        """To be called when the first frame is done; later calls tell nothing new."""
        if not self._ready:
            self._ready = True
            self._send("READY=1")

    def expect(self, patience_s: float) -> None:
        """So long without progress may be right, where that is more than systemd grants."""
        if self._watchdog_us and patience_s * 1e6 > self._watchdog_us:
            self._watchdog_us = int(patience_s * 1e6)
            self._send(f"WATCHDOG_USEC={self._watchdog_us}")

    def extend(self, span_s: float) -> None:
        """
        What is under way gets on, and may take so long from now until more is heard of it. Told
        where systemd waits with a time-out that this can only lengthen: for READY, or for a reload.
        """
        if (not self._ready or self._reloading) and not self._stopping:
            self._send(f"EXTEND_TIMEOUT_USEC={int(span_s * 1e6)}")

    def status(self, text: str) -> None:
        """One line that ``systemctl status`` shows; sent when it has changed."""
        line = " ".join(text.split())[:_LONGEST]
        if line != self._status:
            self._status = line
            self._send("STATUS=" + line)

    def progress(self) -> None:
        """To be called when something was done, never by a timer."""
        if self._watchdog_us:
            self._send("WATCHDOG=1")

    def reloading(self, patience_s: float) -> None:
        """The config is read again; what follows may take so long without progress."""
        if not self._ready:  # it would be taken for ready when it has been read
            return
        self._reloading = True
        lines = ["RELOADING=1", f"MONOTONIC_USEC={int(time.monotonic() * 1e6)}"]
        lines.append(f"EXTEND_TIMEOUT_USEC={int(patience_s * 1e6)}")
        if self._watchdog_us:
            lines.append(f"WATCHDOG_USEC={int(max(patience_s * 1e6, self._watchdog_us))}")
        self._send("\n".join(lines))

    def reloaded(self) -> None:
        if not self._ready:
            return
        self._reloading = False
        lines = ["READY=1"]
        if self._watchdog_us:
            lines += ["WATCHDOG=1", f"WATCHDOG_USEC={self._watchdog_us}"]
        self._send("\n".join(lines))

    def stopping(self) -> None:
        self._stopping = True
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(1.0)  # a manager that hangs must not hang us
                sender.sendto(message.encode("utf-8", "replace"), self._address)
        except OSError as error:  # also where no file can be opened any more
            logger.debug("systemd was not told %r: %s", message, error)


def _watchdog(environ: Mapping[str, str], pid: int) -> int:
    """Microseconds that were asked of this process; 0 where none were."""
    try:
        asked = int(environ.get("WATCHDOG_USEC", "0"))
        meant = int(environ.get("WATCHDOG_PID", str(pid)))
    except ValueError:
        return 0
    return asked if asked > 0 and meant == pid else 0
