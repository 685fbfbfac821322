"""draw_strip: a camera's name, time, rate and age in a corner of its picture, in place."""

import time
from typing import NamedTuple, Optional

import numpy as np

from app.media.draw_letters import THEMES, pen_for, plain, put, written

_A_DAY = 86400.0
_LIVE_FROM = 1e8  # seconds; no clip is three years long, and no clock is that far back


class Status(NamedTuple):
    """What a strip says; None: not known."""

    camera: str
    time: float = 0.0  # seconds: place in a clip, or UNIX time
    fps: Optional[float] = None
    age_ms: Optional[float] = None  # from capture to here
    celsius: Optional[float] = None  # of the machine


def draw_strip(image: np.ndarray, status: Status, theme: str = "dark", scale: float = 1.0) -> None:
    """Draw on (H, W, 3) uint8, BGR, in the lower left corner: as much as there is room for."""
    height, width = image.shape[:2]
    pen = pen_for(width, height, scale)
    plates = THEMES[theme]
    room = width - 2 * pen.margin
    facts = [clock(status.time)]
    if status.fps is not None:
        facts.append(f"{status.fps:.0f} fps" if status.fps >= 9.95 else f"{status.fps:.1f} fps")
    if status.age_ms is not None:
        facts.append(f"{status.age_ms:.0f} ms")
    if status.celsius is not None:
        facts.append(f"{status.celsius:.0f} C")
    name = written(plain(status.camera), "", plates.plate, room, pen)
    tiles, wide = [name], name.shape[1]
    for fact in facts:
        tile = written("  " + fact, "", plates.quiet, room, pen)
        wide += tile.shape[1]
        if wide > room:
            break
        tiles.append(tile)
    put(image, np.concatenate(tiles, axis=1), pen.margin, height - len(name) - pen.margin)


def clock(seconds: float) -> str:
    """Local date and time where ``seconds`` is UNIX time; else the place in a clip, "0:01:23"."""
    if not np.isfinite(seconds) or not 0 <= seconds < _A_DAY * 365e4:
        return "-"
    if seconds >= _LIVE_FROM:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
