"""draw_letters: colours, sizes and plates of text, legible from 320x180 to 4K."""

import functools
import math
import unicodedata
from typing import Dict, NamedTuple, Sequence, Tuple

import cv2
import numpy as np

Colour = Tuple[int, int, int]  # blue, green, red

# Okabe and Ito's colours, then Tol's: told apart with any kind of colour vision.
_PALETTE_RGB = (
    0xE69F00, 0x56B4E9, 0x009E73, 0xF0E442, 0x0072B2, 0xD55E00, 0xCC79A7, 0x44AA99,
    0xAA3377, 0xDDCC77, 0x88CCEE, 0xEE6677, 0x999933, 0x4477AA, 0xCC3311, 0x66CC66,
    0xAA4499, 0xEE8866, 0xBBCC33, 0x77AADD,
)  # fmt: skip
PALETTE: Tuple[Colour, ...] = tuple((rgb & 255, rgb >> 8 & 255, rgb >> 16) for rgb in _PALETTE_RGB)
BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPITAL = 21.0  # height of its capitals at scale 1


class Paint(NamedTuple):
    """What a plate and the letters on it are coloured with."""

    ground: Colour
    ink: Colour


class Theme(NamedTuple):
    """Colours of what belongs to no class, and whether zones are filled and trails fade."""

    plate: Paint
    quiet: Paint  # what is of less weight
    calm: Colour = (233, 180, 86)  # a zone or line; Okabe and Ito's sky blue
    alarm: Colour = (0, 94, 213)  # their vermilion
    shaded: bool = True


_NIGHT: Colour = (36, 30, 27)
_PAPER: Colour = (244, 246, 246)
_DARK = Theme(Paint(_NIGHT, (255, 255, 255)), Paint(_NIGHT, (200, 194, 188)))
THEMES = {
    "dark": _DARK,
    "light": Theme(Paint(_PAPER, (28, 22, 18)), Paint(_PAPER, (92, 84, 78))),
    "plain": _DARK._replace(shaded=False),
}


class Pen(NamedTuple):
    """Sizes in pixels for one size of picture."""

    line: int  # width of a box's line where it is strong
    thin: int  # and elsewhere
    font_scale: float
    stroke: int  # width of a letter's line
    baseline: int  # what letters stand on, from the top of their plate
    plate_height: int
    margin: int  # between letters and the edge of their plate


@functools.lru_cache(maxsize=64)
def pen_for(width: int, height: int, scale: float = 1.0) -> Pen:
    """Sizes that suit the shorter side of a picture."""
    side = min(width, height) * scale
    capital = max(8.0, side / 68)  # smaller letters run together
    margin = max(2, int(round(capital * 0.35)))
    line = max(2, int(round(side / 300)))
    return Pen(
        line=line,
        thin=(line + 1) // 2,
        font_scale=capital / _CAPITAL,
        stroke=max(1, int(round(capital / 8))),
        baseline=margin + int(round(capital)),
        plate_height=2 * margin + int(round(capital * 1.25)),
        margin=margin,
    )


def colour_of(class_id: int) -> Colour:
    """The same colour for the same class, always."""
    return PALETTE[class_id % len(PALETTE)]


@functools.lru_cache(maxsize=256)
def paint_on(ground: Colour) -> Paint:
    """Black or white letters, whichever this colour shows better."""
    return Paint(ground, BLACK if _luminance(ground) > 0.18 else WHITE)


def spelt(text: str) -> str:
    """The nearest text that OpenCV's letters can write: accents dropped, the rest as "?"."""
    letters = "".join(
        c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)
    )
    return "".join(c if " " <= c <= "~" else "?" for c in letters)


@functools.lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """As spelt(), and known the next time: for names, not for what is soon another text."""
    return spelt(text)


def room_in(width: int) -> int:
    """How wide a plate may be."""
    return max(width // 2, min(width, 160))


@functools.lru_cache(maxsize=256)
def written(name: str, rest: str, paint: Paint, room: int, pen: Pen) -> np.ndarray:
    """
    As plate(), and there the next time: for what is written again and again. A clock's plate would
    stay until 256 others have come. It is shared, and cannot be written on.
    """
    tile = plate(name, rest, paint, room, pen)
    tile.setflags(write=False)
    return tile


def plate(name: str, rest: str, paint: Paint, room: int, pen: Pen) -> np.ndarray:
    """(h, w, 3) at most ``room`` pixels wide: the name is cut, what follows it is kept."""
    letters = _alphabet(paint, pen)
    margin = letters[""]
    tail = [letters[letter] for letter in rest] + [margin]
    head = [margin] + [letters[letter] for letter in name]
    room -= sum(tile.shape[1] for tile in tail)
    if sum(tile.shape[1] for tile in head) > room:
        ends = np.cumsum([tile.shape[1] for tile in head])
        dots = [letters["."]] * 2
        fit = int(np.searchsorted(ends, room - 2 * dots[0].shape[1], "right"))
        head = head[: max(1, fit)] + dots
    return np.concatenate(head + tail, axis=1)


def width_of(text: str, paint: Paint, pen: Pen) -> int:
    """How wide its plate is, where there is room."""
    letters = _alphabet(paint, pen)
    return 2 * pen.margin + sum(int(letters[letter].shape[1]) for letter in text)


def stacked(tiles: Sequence[np.ndarray]) -> np.ndarray:
    """(h, w, 3) plates one under the other, each drawn out to the widest in its own colour."""
    wide = max(tile.shape[1] for tile in tiles)
    block = np.empty((sum(len(tile) for tile in tiles), wide, 3), np.uint8)
    top = 0
    for tile in tiles:
        row = block[top : top + len(tile)]
        row[:, : tile.shape[1]] = tile
        row[:, tile.shape[1] :] = tile[0, 0]
        top += len(tile)
    return block


def put(image: np.ndarray, tile: np.ndarray, left: int, top: int) -> None:
    """Set a plate on the picture, moved to where all of it shows, or as much as there is room."""
    height, width = image.shape[:2]
    tall, wide = tile.shape[:2]
    left = max(0, min(left, width - wide))
    top = max(0, min(top, height - tall))
    if wide > width or tall > height:
        tile = tile[:height, :width]
    image[top : top + tall, left : left + wide] = tile


class _Alphabet(Dict[str, np.ndarray]):
    """
    (h, w, 3) letters on their plate's colour, and "" for its margin. Each is drawn when it is
    first wanted: OpenCV 4 needs 10 us for one.
    """

    def __init__(self, paint: Paint, pen: Pen) -> None:
        super().__init__()
        self._paint = paint
        self._pen = pen
        self[""] = self._ground(pen.margin)

    def __missing__(self, letter: str) -> np.ndarray:
        pen = self._pen
        pair, single = (
            cv2.getTextSize(text, _FONT, pen.font_scale, pen.stroke)[0][0]
            for text in ("|" + letter + letter + "|", "|" + letter + "|")
        )
        tile = self[letter] = self._ground(max(1, pair - single))
        ink, place = self._paint.ink, (0, pen.baseline)
        cv2.putText(tile, letter, place, _FONT, pen.font_scale, ink, pen.stroke, cv2.LINE_AA)
        return tile

    def _ground(self, width: int) -> np.ndarray:
        tile = np.empty((self._pen.plate_height, width, 3), np.uint8)
        tile[...] = self._paint.ground
        return tile


@functools.lru_cache(maxsize=64)
def _alphabet(paint: Paint, pen: Pen) -> _Alphabet:
    return _Alphabet(paint, pen)


def _luminance(colour: Colour) -> float:
    """Relative luminance, 0 to 1, as WCAG has it (with a plain gamma of 2.2)."""
    blue, green, red = (math.pow(part / 255, 2.2) for part in colour)
    return 0.0722 * blue + 0.7152 * green + 0.2126 * red
