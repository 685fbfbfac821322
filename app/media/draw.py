"""draw: boxes, label plates and class lists on a picture, in place, legible from 320x180 to 4K."""

import functools
import math
import unicodedata
from typing import NamedTuple, Sequence, Tuple

import cv2
import numpy as np

from app.core.detections import Detections, name_of
from app.core.frame import Top

Colour = Tuple[int, int, int]  # blue, green, red

# Okabe and Ito's colours, then Tol's: told apart with any kind of colour vision.
_PALETTE_RGB = (
    0xE69F00, 0x56B4E9, 0x009E73, 0xF0E442, 0x0072B2, 0xD55E00, 0xCC79A7, 0x44AA99,
    0xAA3377, 0xDDCC77, 0x88CCEE, 0xEE6677, 0x999933, 0x4477AA, 0xCC3311, 0x66CC66,
    0xAA4499, 0xEE8866, 0xBBCC33, 0x77AADD,
)  # fmt: skip
PALETTE: Tuple[Colour, ...] = tuple((rgb & 255, rgb >> 8 & 255, rgb >> 16) for rgb in _PALETTE_RGB)
_BLACK: Colour = (0, 0, 0)
_WHITE: Colour = (255, 255, 255)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPITAL = 21.0  # height of its capitals at scale 1


class Style(NamedTuple):
    """What is written on a plate, and how large beside what the picture's size suggests."""

    scale: float = 1.0
    score: bool = True
    track: bool = True


PLAIN = Style()


class Pen(NamedTuple):
    """Sizes in pixels for one size of picture."""

    line: int  # width of a box's line
    font_scale: float
    stroke: int  # width of a letter's line
    baseline: int  # what letters stand on, from the top of their plate
    plate_height: int
    margin: int  # between letters and the edge of their plate


def draw(
    image: np.ndarray, detections: Detections, labels: Sequence[str], style: Style = PLAIN
) -> None:
    """Draw each box and its plate on (H, W, 3) uint8, BGR and not BGRx, the surest on top."""
    height, width = image.shape[:2]
    boxes = _inside(detections.xyxy, width, height)
    visible = np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    if not len(visible):
        return
    pen = pen_for(width, height, style.scale)
    order = visible[np.argsort(detections.score[visible], kind="mergesort")]
    edge = max(1, pen.line // 3)  # black, so that no scene swallows the colour
    room = max(width // 2, min(width, 160))
    for row in order:
        x1, y1, x2, y2 = boxes[row].tolist()
        colour = colour_of(int(detections.class_id[row]))
        cv2.rectangle(image, (x1, y1), (x2, y2), _BLACK, pen.line + 2 * edge)
        cv2.rectangle(image, (x1, y1), (x2, y2), colour, pen.line)
    for row in order:  # after the boxes, so that no line crosses a label
        name, rest = caption(detections, int(row), labels, style)
        tile = _written(name, rest, colour_of(int(detections.class_id[row])), room, pen)
        _plate(image, boxes[row].tolist(), tile, pen)


def draw_classes(
    image: np.ndarray, tops: Sequence[Top], labels: Sequence[str], style: Style = PLAIN
) -> None:
    """
    List the classes of (H, W, 3) uint8, BGR, in its upper left corner: a plate each, as many as
    there is room for, and none that would say 0%.
    """
    height, width = image.shape[:2]
    pen = pen_for(width, height, style.scale)
    top = left = pen.margin
    room = max(width // 2, min(width, 160)) - left
    for one in tops:
        if one.score < 0.005:
            return
        name = plain(name_of(one.class_id, labels))
        rest = f" {one.score:.0%}" if style.score else ""
        tile = _written(name, rest, colour_of(one.class_id), room, pen)
        place = image[top : top + tile.shape[0], left : left + tile.shape[1]]
        if place.shape[0] < tile.shape[0]:
            return
        place[...] = tile[:, : place.shape[1]]
        top += tile.shape[0]


def colour_of(class_id: int) -> Colour:
    """The same colour for the same class, always."""
    return PALETTE[class_id % len(PALETTE)]


def caption(
    detections: Detections, row: int, labels: Sequence[str], style: Style = PLAIN
) -> Tuple[str, str]:
    """What the plate says, the name and the rest: "person" and " 87% #12"."""
    class_id = int(detections.class_id[row])
    name = name_of(class_id, labels)
    rest = ""
    score = float(detections.score[row])
    if style.score and np.isfinite(score):
        rest += f" {score:.0%}"
    if style.track and detections.track_id[row] >= 0:
        rest += f" #{detections.track_id[row]}"
    return plain(name), rest


@functools.lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """The nearest text that OpenCV's letters can write: accents dropped, the rest as "?"."""
    letters = "".join(
        c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)
    )
    return "".join(c if " " <= c <= "~" else "?" for c in letters)


@functools.lru_cache(maxsize=64)
def pen_for(width: int, height: int, scale: float = 1.0) -> Pen:
    """Sizes that suit the shorter side of a picture."""
    side = min(width, height) * scale
    capital = max(8.0, side / 68)  # smaller letters run together
    margin = max(2, int(round(capital * 0.35)))
    return Pen(
        line=max(2, int(round(side / 300))),
        font_scale=capital / _CAPITAL,
        stroke=max(1, int(round(capital / 8))),
        baseline=margin + int(round(capital)),
        plate_height=2 * margin + int(round(capital * 1.25)),
        margin=margin,
    )


def _inside(xyxy: np.ndarray, width: int, height: int) -> np.ndarray:
    """(N, 4) whole pixels inside the picture; a box that cannot be shown has no area."""
    limit = np.array([width - 1, height - 1] * 2, np.float32)
    known = np.isfinite(xyxy).all(axis=1, keepdims=True)
    return np.clip(np.where(known, xyxy, 0), 0, limit).round().astype(np.int32)


def _plate(image: np.ndarray, box: Sequence[int], tile: np.ndarray, pen: Pen) -> None:
    """Put a plate above its box; where there is no room inside it; at last below it."""
    height, width = image.shape[:2]
    tall, wide = tile.shape[:2]
    x1, y1, x2, y2 = box
    top = y1 - tall
    if top < 0:
        top = y1 if y2 - y1 >= 2 * tall or y2 + tall > height else y2
    left = max(0, min(x1 - pen.line // 2, width - wide))
    top = max(0, min(top, height - tall))
    room = image[top : top + tall, left : left + wide]
    room[...] = tile[: room.shape[0], : room.shape[1]]


def _written(name: str, rest: str, colour: Colour, room: int, pen: Pen) -> np.ndarray:
    """(h, w, 3) a plate at most ``room`` pixels wide: the name is cut, what follows it is kept."""
    tail = [_letter(letter, colour, pen) for letter in rest]
    letters = [_letter(letter, colour, pen) for letter in name]
    room -= 2 * pen.margin + sum(letter.shape[1] for letter in tail)
    if sum(letter.shape[1] for letter in letters) > room:
        dots = [_letter(".", colour, pen)] * 2
        ends = np.cumsum([letter.shape[1] for letter in letters])
        letters = letters[: int(np.searchsorted(ends, room - 2 * dots[0].shape[1], "right"))] + dots
    space = _space(colour, pen)
    return np.concatenate([space] + letters + tail + [space], axis=1)


@functools.lru_cache(maxsize=4096)
def _letter(letter: str, colour: Colour, pen: Pen) -> np.ndarray:
    """(h, w, 3) one letter on its plate's colour. Drawn once: OpenCV 4 needs 10 us for each."""
    pair, single = (
        cv2.getTextSize(text, _FONT, pen.font_scale, pen.stroke)[0][0]
        for text in ("|" + letter + letter + "|", "|" + letter + "|")
    )
    tile = np.empty((pen.plate_height, max(1, pair - single), 3), np.uint8)
    tile[...] = colour
    ink = _BLACK if _luminance(colour) > 0.18 else _WHITE
    place = (0, pen.baseline)
    cv2.putText(tile, letter, place, _FONT, pen.font_scale, ink, pen.stroke, cv2.LINE_AA)
    return tile


@functools.lru_cache(maxsize=256)
def _space(colour: Colour, pen: Pen) -> np.ndarray:
    tile = np.empty((pen.plate_height, pen.margin, 3), np.uint8)
    tile[...] = colour
    return tile


def _luminance(colour: Colour) -> float:
    """Relative luminance, 0 to 1, as WCAG has it (with a plain gamma of 2.2)."""
    blue, green, red = (math.pow(part / 255, 2.2) for part in colour)
    return 0.0722 * blue + 0.7152 * green + 0.2126 * red
