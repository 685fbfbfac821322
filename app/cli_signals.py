"""cli_signals: what Ctrl-C, SIGTERM and SIGHUP do."""

import contextlib
import os
import signal
from typing import Any, Iterator, List

from app.core.stage import Stop


class Asked:
    """What signals have asked for. ``stop`` is of one pipeline; each gets a new one."""

    def __init__(self, reloads: bool) -> None:
        self.stop = Stop()
        self.ended = False  # for good
        self.reload = False  # of the config; whoever does it clears it
        self.reloads = reloads
        self._heard: List[int] = []  # the event is also set when only files are left to close

    def on_signal(self, number: int, _: Any) -> None:
        if number == signal.SIGHUP and self.reloads:
            self.reload = True
            return
        # A terminal that closes sends SIGHUP, and so does its shell: two are no impatience.
        if self._heard and number != signal.SIGHUP:
            os._exit(130)  # with no word: the main thread may be in the midst of one
        self._heard.append(number)
        self.ended = True
        self.stop.set()

    @property
    def interrupted(self) -> bool:
        """By Ctrl-C."""
        return signal.SIGINT in self._heard

    def again(self) -> Stop:
        """The event of the next pipeline."""
        stop = Stop()
        self.stop = stop
        if self.ended:  # meanwhile
            stop.set()
        return stop


@contextlib.contextmanager
def stopping(reloads: bool = False) -> Iterator[Asked]:
    """
    What signals ask for within. A second Ctrl-C or SIGTERM ends the process where it stands.
    SIGHUP ends it, too, or with ``reloads`` asks that the config is read again.
    """
    asked = Asked(reloads)
    with handling(asked.on_signal):
        yield asked


@contextlib.contextmanager
def handling(on_signal: Any) -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP go to on_signal(number, frame) for the length of a ``with``."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # which is what nohup asks for
        numbers.append(signal.SIGHUP)
    before = [signal.signal(number, on_signal) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)


def interrupt(number: int, _: Any) -> None:
    raise KeyboardInterrupt


def has_terminal() -> bool:
    """Whether a terminal stands behind this process, whose closing would send SIGHUP."""
    try:
        with open("/dev/tty", "rb"):
            return True
    except OSError:
        return False
