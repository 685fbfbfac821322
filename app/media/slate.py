"""slate: the picture shown while a camera gives none: which, since when, why, and what is next."""

import math
import time
from typing import List, Optional, Sequence, Tuple

import numpy as np

from app.core.stage import Source
from app.media.draw_letters import THEMES, Paint, Pen, pen_for, plate, put, spelt, width_of

_TODAY_S = 12 * 3600.0  # what is older is told with its date
_TITLE, _TEXT = 3.0, 2.0  # letters, beside those of the overlay


class Slate:
    """
    One camera's slates, of one size at a time. Nothing of the camera's pictures is on them.

    ``source`` tells why there is no picture and when it is tried again; it may be None.
    """

    def __init__(self, camera: str, source: Optional[Source] = None, theme: str = "dark") -> None:
        self._camera = camera
        self._source = source
        self._theme = theme
        self._drawn: Optional[Tuple[Tuple[int, int], Tuple[str, ...], np.ndarray]] = None

    def picture(self, size_wh: Tuple[int, int], since: float, seen: bool) -> np.ndarray:
        """
        (H, W, 3) uint8, BGR, the slate's own: to be read only. ``since``: monotonic seconds, of
        the newest picture if one was ``seen``, else since when one is waited for.
        """
        lines = tuple(said(self._source, since, seen))
        if self._drawn is None or self._drawn[:2] != (size_wh, lines):
            self._drawn = (size_wh, lines, draw_slate(size_wh, self._camera, lines, self._theme))
        return self._drawn[2]


def said(source: Optional[Source], since: float, seen: bool) -> List[str]:
    """The lines below the camera's name. A source's ``state`` is free of secrets."""
    now = time.monotonic()
    age_s = max(0.0, now - since)
    if seen:
        form = "%H:%M:%S" if age_s < _TODAY_S else "%Y-%m-%d %H:%M:%S"
        when = time.strftime(form, time.localtime(time.time() - age_s))
        lines = [f"no picture since {when} ({passed(age_s)})"]
    else:
        lines = [f"no picture yet ({passed(age_s)})"]
    if source is None or source.state == "playing":
        return lines
    state = source.state
    lines.append(state[len("lost: ") :] if state.startswith("lost: ") else state)
    left_s = source.next_try - now
    if left_s > 0:
        lines.append(f"next try in {math.ceil(left_s)} s")
    elif source.next_try:
        lines.append("trying now")
    return lines


def passed(seconds: float) -> str:
    """How long: "42 s", "0:12:05", "3 d 0:12:05". It moves, so that nobody takes it for frozen."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    days, rest = divmod(whole, 86400)
    clock = f"{rest // 3600}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days} d {clock}" if days else clock


def draw_slate(
    size_wh: Tuple[int, int], title: str, lines: Sequence[str], theme: str = "dark"
) -> np.ndarray:
    """(H, W, 3) uint8, BGR: as many of the lines as there is room for, the first before others."""
    width, height = size_wh
    colours = THEMES[theme]
    image = np.empty((height, width, 3), np.uint8)
    image[...] = colours.plate.ground
    large, pen = pen_for(width, height, _TITLE), pen_for(width, height, _TEXT)
    bar = large.line
    start = pen.margin + width // 40
    left = start + bar + pen.margin
    room = width - left - pen.margin
    tiles = [plate(spelt(title), "", colours.plate, room, large)]
    for line in lines:  # which tell of seconds that pass: none comes twice
        wrapped = _wrapped(spelt(line), colours.quiet, room, pen)
        tiles += [plate(part, "", colours.quiet, room, pen) for part in wrapped]
    while len(tiles) > 1 and sum(map(len, tiles)) > height:
        tiles.pop()
    top = max(0, (height - sum(map(len, tiles))) // 2)
    image[top : top + sum(map(len, tiles)), start : start + bar] = colours.alarm
    for row, tile in enumerate(tiles):
        put(image, tile, left if row else left - large.margin + pen.margin, top)
        top += len(tile)
    return image


def _wrapped(text: str, paint: Paint, room: int, pen: Pen) -> List[str]:
    """The text in lines that fit, broken between words; a longer word stays alone."""
    lines: List[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else ""
        if longer and width_of(longer, paint, pen) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
