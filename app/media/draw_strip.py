"""draw_strip: a camera's name, time, rate and age in a corner of its picture, in place."""

import time
from typing import NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.media.draw_letters import THEMES, Pen, Theme, pen_for, plain, plate, put

_A_DAY = 86400.0
_LIVE_FROM = 1e8  # seconds; no clip is three years long, and no clock is that far back


class Status(NamedTuple):
    """What a strip says; None: not known."""

    camera: str
    time: float = 0.0  # seconds: place in a clip, or UNIX time
    fps: Optional[float] = None
    age_ms: Optional[float] = None  # from capture to here
    celsius: Optional[float] = None  # of the machine


class Strip:
    """One camera's, which changes with its clock: only the newest is kept."""

    def __init__(self, theme: str = "dark", scale: float = 1.0) -> None:
        self._theme = theme
        self._scale = scale
        self._said: Optional[Tuple[int, int, str, Tuple[str, ...]]] = None
        self._tile = np.empty((0, 0, 3), np.uint8)

    def draw(self, image: np.ndarray, status: Status) -> None:
        """On (H, W, 3) uint8, BGR, in the lower left corner: as much as there is room for."""
        height, width = image.shape[:2]
        said = (width, height, status.camera, _facts(status))
        pen = pen_for(width, height, self._scale)
        if said != self._said:
            self._said = said
            self._tile = _drawn(status.camera, said[3], THEMES[self._theme], width, pen)
        put(image, self._tile, pen.margin, height - len(self._tile) - pen.margin)


def _facts(status: Status) -> Tuple[str, ...]:
    facts = [clock(status.time)]
    if status.fps is not None:
        facts.append(f"{status.fps:.0f} fps" if status.fps >= 9.95 else f"{status.fps:.1f} fps")
    if status.age_ms is not None:
        facts.append(f"{status.age_ms:.0f} ms")
    if status.celsius is not None:
        facts.append(f"{status.celsius:.0f} C")
    return tuple(facts)


def _drawn(camera: str, facts: Sequence[str], plates: Theme, width: int, pen: Pen) -> np.ndarray:
    room = width - 2 * pen.margin
    tiles = [plate(plain(camera), "", plates.plate, room, pen)]
    wide = tiles[0].shape[1]
    for fact in facts:
        tile = plate("  " + fact, "", plates.quiet, room, pen)
        wide += tile.shape[1]
        if wide > room:
            break
        tiles.append(tile)
    return np.concatenate(tiles, axis=1)


def clock(seconds: float) -> str:
    """Local date and time where ``seconds`` is UNIX time; else the place in a clip, "0:01:23"."""
    if not np.isfinite(seconds) or not 0 <= seconds < _A_DAY * 365e4:
        return "-"
    if seconds >= _LIVE_FROM:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
