"""view: a camera's mount: its pictures, and slates while there are none."""

import threading
import time
from typing import Any, NamedTuple, Optional, Sequence

import numpy as np

from app.core.stage import Source
from app.core.steady import SteadyEvent
from app.media.encode import Format
from app.media.mount import Bindings, Mount, RtspSettings
from app.media.slate import Slate
from app.media.yuv import encoded_size

LOST_S = 2.0  # a newest picture so old is shown no more
_LOST_SLOW_S = 30.0  # and this old even of a camera that is known to be slow
_SLOW = 2.5  # times its usual step
_SLATE_S = 0.5  # between two slates
_FIRST = (1280, 720, 25)  # the offer before any picture


class Since(NamedTuple):
    """Monotonic seconds: when the newest picture came if one was ``seen``, else of the start."""

    when: float
    seen: bool


class View(Mount):
    """
    A mount whose pictures come by push(), from one thread, and which stand_in(), from another,
    fills with slates when they do not. A lock keeps a picture and a slate apart; it is held for
    no longer than one of them takes to be converted. A slate is never sent after a newer picture.
    """

    def __init__(
        self,
        name: str,
        settings: RtspSettings,
        encoder: str,
        rtsp: Bindings,
        udp: Any,
    ) -> None:
        super().__init__(settings, encoder, rtsp, udp)
        self.since = Since(time.monotonic(), False)  # replaced whole
        self._name = name
        self.follow(None, "dark")
        self._turn = threading.Lock()
        self._opened = SteadyEvent()  # the size is known, or is not waited for any more
        self._steps = (0.0, 0.0)  # seconds between the latest pictures; replaced whole
        self._slated = 0.0
        self._step_s = 0.0
        self._captured = 0.0
        self.offer(Format(*_FIRST))

    def follow(self, source: Optional[Source], theme: str) -> None:
        """Tell on slates, in this theme, what this source is at."""
        self._source = source
        self._slate = Slate(self._name, source, theme)

    def end(self) -> None:
        self.release()
        with self._turn:
            super().end()

    @property
    def lost(self) -> bool:
        """Whether the newest picture is too old to be shown."""
        playing = self._source is None or self._source.state == "playing"
        return time.monotonic() - self.since.when > patience_s(self._steps, playing)

    def push(self, image: np.ndarray, captured: float) -> None:
        """Show a picture (H, W, 3|4), taken at ``captured`` (monotonic seconds)."""
        now = time.monotonic()
        with self._turn:
            if self.since.seen:
                self._steps = (self._steps[1], now - self.since.when)
            self.since = Since(now, True)
            self._learn(captured)
            self._offer(image)
            self.show(image, captured)
        if not self._opened.is_set():
            self._opened.set()

    def stand_in(self) -> None:
        """Show a slate where that is due. To be called several times a second, by one thread."""
        line, since = self.line, self.since
        now = time.monotonic()
        # a line that is new waits for its first picture, and its viewer with it
        if line is None or not self.lost or (line.pts and now - self._slated < _SLATE_S):
            return
        picture = self._slate.picture((line.form.width, line.form.height), *since)
        with self._turn:
            if self.since is not since:
                return
            if now - self._slated >= 2 * _SLATE_S or not line.pts:
                self.refresh()  # a whole picture: nothing of the camera's last one shines through
            self.show(picture, now)
        self._slated = now

    def settle(self) -> None:
        """Let a camera that is about to give its first picture say how large the stream is."""
        self._opened.wait(max(0.0, self.since.when + LOST_S - time.monotonic()))
        super().settle()

    def release(self) -> None:
        """Let nobody wait for a first picture any more."""
        self._opened.set()

    def _learn(self, captured: float) -> None:
        """Keep the mean time between two pictures: encoders want a rate."""
        step = captured - self._captured
        self._captured = captured
        if 0 < step < LOST_S:
            self._step_s = step if not self._step_s else self._step_s * 0.9 + step * 0.1

    def _offer(self, image: np.ndarray) -> None:
        """Say what the next first viewer gets. Who watches already keeps the size they have."""
        width, height = encoded_size(image)
        fps = max(1, min(120, int(round(1 / self._step_s)))) if self._step_s else _FIRST[2]
        old = self.offered
        if old[:2] != (width, height) or abs(old.fps - fps) > 0.2 * old.fps:
            self.offer(Format(width, height, fps))


def patience_s(steps: Sequence[float], playing: bool) -> float:
    """How old a newest picture may be, from the seconds between the latest ones."""
    if not playing:
        return LOST_S
    # the shortest: how long a camera was lost is no step
    return min(max(LOST_S, _SLOW * min(steps)), _LOST_SLOW_S)
