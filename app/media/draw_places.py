"""draw_places: a camera's zones and lines on its picture, in place, with what was counted."""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

from app.core.event import Place
from app.media.draw_letters import (
    BLACK,
    THEMES,
    Paint,
    Pen,
    Theme,
    paint_on,
    pen_for,
    plain,
    put,
    room_in,
    stacked,
    written,
)
from app.media.draw_stencil import Tile, shade, stencil

_TINT = 0.24  # how far a filled zone goes from the scene's colour to its own
_CLASSES = 4  # so many are told apart on one plate

_Count = Tuple[str, int, int]  # label, in, out


class _Path(NamedTuple):
    """A line, and the arrow at its middle."""

    points: np.ndarray  # (K, 2) int32
    arrow: np.ndarray  # (3, 2) int32


class _Plate(NamedTuple):
    tile: np.ndarray
    left: int
    top: int


class Places:
    """
    Draws the zones and lines of one camera. What they look like is kept until they change: 6 bytes
    for each of their pixels, and for some around them.
    """

    def __init__(self, theme: str = "dark", scale: float = 1.0) -> None:
        self._theme = THEMES[theme]
        self._scale = scale
        self._shapes: Dict[str, Tuple[object, List[Tile]]] = {}
        self._plates: Dict[str, Tuple[object, Optional[_Plate]]] = {}

    def draw(self, image: np.ndarray, places: Sequence[Place]) -> None:
        """Draw on (H, W, 3) uint8, BGR. A place with a point that is no number is left out."""
        pen = pen_for(image.shape[1], image.shape[0], self._scale)
        for place in places:
            if place.kind == "line" or self._theme.shaded:
                shade(image, self._shape(place, image, pen))
            elif _drawable(place):
                _border(image, place, self._theme, pen)
        if max(len(self._shapes), len(self._plates)) > len(places):
            names = {place.name for place in places}
            self._shapes = {name: one for name, one in self._shapes.items() if name in names}
            self._plates = {name: one for name, one in self._plates.items() if name in names}

    def label(self, image: np.ndarray, places: Sequence[Place]) -> None:
        """
        Write each place's name and counts on (H, W, 3) uint8, BGR. They stand still, so what
        moves had better pass below them: to be called once that is drawn.
        """
        pen = pen_for(image.shape[1], image.shape[0], self._scale)
        for place in places:
            plate = self._plate(place, image, pen)
            if plate is not None:
                put(image, *plate)

    def _shape(self, place: Place, image: np.ndarray, pen: Pen) -> List[Tile]:
        made_for = (place.kind, place.points, place.alarm, image.shape)
        kept = self._shapes.get(place.name)
        if kept is not None and kept[0] == made_for:
            return kept[1]
        make = _line if place.kind == "line" else _zone
        made = make(place, image.shape, self._theme, pen) if _drawable(place) else []
        self._shapes[place.name] = made_for, made
        return made

    def _plate(self, place: Place, image: np.ndarray, pen: Pen) -> Optional[_Plate]:
        made_for = (place, image.shape)
        kept = self._plates.get(place.name)
        if kept is not None and kept[0] == made_for:
            return kept[1]
        made = None
        if _drawable(place):
            make = _line_plate if place.kind == "line" else _zone_plate
            # In a small picture the classes would hide too much. A zone's share one row.
            rows = min(_CLASSES, image.shape[0] // (8 * pen.plate_height) - 1)
            told = _told(place)[: rows if place.kind == "line" else _CLASSES] if rows > 0 else ()
            made = make(place, told, room_in(image.shape[1]), self._theme, pen)
        self._plates[place.name] = made_for, made
        return made


def _drawable(place: Place) -> bool:
    return len(place.points) > 1 and all(
        abs(value) < 1e5 for point in place.points for value in point
    )


def _whole(place: Place) -> np.ndarray:
    return np.array(place.points).round().astype(np.int32)


def _border(image: np.ndarray, place: Place, theme: Theme, pen: Pen) -> None:
    """A zone that is not filled; with an alarm its border is as wide as can be."""
    wide = 3 * pen.line if place.alarm else pen.thin
    colour = theme.alarm if place.alarm else theme.calm
    cv2.polylines(image, [_whole(place)], True, colour, wide)


def _zone(place: Place, shape: Tuple[int, ...], theme: Theme, pen: Pen) -> List[Tile]:
    """
    The zone's tint and border. The tint shifts the colours by a share of what the zone's own is
    from grey: the scene keeps its contrast, and both black and white show it.
    """
    colour = np.array(theme.alarm if place.alarm else theme.calm, np.float32)
    points = _whole(place)
    left, top, right, bottom = _bounds(points, 2 * pen.line, shape)
    area = (bottom - top, right - left)
    if not area[0] or not area[1]:
        return []
    points = points - np.array([left, top])
    inside = np.zeros(area, np.uint8)
    cv2.fillPoly(inside, [points], 255)
    shift = (colour - 128) * _TINT
    minus, plus = (
        np.where(inside[..., None] > 0, np.maximum(way * shift, 0), 0).astype(np.uint8)
        for way in (-1, 1)
    )
    lines = np.zeros(area, np.uint8)  # how much of a pixel a line covers
    if place.alarm:
        gap = 10 * pen.line
        for start in range(-area[0], area[1], gap):
            cv2.line(lines, (start, area[0]), (start + area[0], 0), 90, pen.thin, cv2.LINE_AA)
        lines[inside == 0] = 0
    wide = pen.line + pen.thin if place.alarm else pen.thin + 1
    dark = np.zeros(area, np.uint8)
    cv2.polylines(dark, [points], True, 70, wide + 2 * max(1, pen.thin // 2), cv2.LINE_AA)
    if place.alarm:
        cv2.polylines(lines, [points], True, 255, wide, cv2.LINE_AA)
    else:
        cv2.polylines(lines, _dashes(points, 6 * pen.line), False, 255, wide, cv2.LINE_AA)
    for x, y in points.tolist():
        cv2.circle(lines, (x, y), pen.line, 255, -1, cv2.LINE_AA)
    minus = np.maximum(minus, np.maximum(dark, lines)[..., None])
    covered = lines[..., None] / np.float32(255)
    plus = np.where(dark[..., None] > 0, 0, plus * (1 - covered)) + covered * colour
    return stencil(minus, plus.clip(0, 255).astype(np.uint8), left, top)


def _bounds(points: np.ndarray, around: int, shape: Tuple[int, ...]) -> Tuple[int, int, int, int]:
    """Left, top, right and bottom of points and so many pixels around, inside the picture."""
    left, top = np.clip(points.min(axis=0) - around, 0, shape[1::-1]).tolist()
    right, bottom = np.clip(points.max(axis=0) + around + 1, 0, shape[1::-1]).tolist()
    return left, top, right, bottom


def _dashes(points: np.ndarray, length: int) -> List[np.ndarray]:
    """A polygon's sides in dashes; each corner has a whole one on either side."""
    dashes = []
    for begin, end in zip(points, np.roll(points, -1, axis=0)):
        side = float(np.hypot(*(end - begin)))
        count = max(1, int(side / length)) // 2 * 2 + 1
        ends = begin + (end - begin) * (np.arange(count + 1) / count)[:, None]
        rows = ends.round().astype(np.int32)
        dashes += [rows[row : row + 2] for row in range(0, count, 2)]
    return dashes


def _zone_plate(place: Place, told: Sequence[_Count], room: int, theme: Theme, pen: Pen) -> _Plate:
    """As the tab of a folder: above the zone's highest point."""
    paint = paint_on(theme.alarm) if place.alarm else theme.plate
    name = ("ALARM  " if place.alarm else "") + plain(place.name)
    rest = f"  {place.now} now  {place.total} total"
    rows = ["  ".join(f"{plain(label)} {total}" for label, total, _ in told)]
    tile = _plate([(name, rest)] + [(row, "") for row in rows if row], paint, room, theme, pen)
    x, y = min(_whole(place).tolist(), key=lambda point: (point[1], point[0]))
    return _Plate(tile, x - pen.line, y - len(tile) - pen.line)


def _line_plate(place: Place, told: Sequence[_Count], room: int, theme: Theme, pen: Pen) -> _Plate:
    """On the outward side of the line's middle, clear of its arrow."""
    texts = [(plain(place.name), f"  in {place.inward}  out {place.outward}")]
    texts += [(plain(label), f"  in {into}  out {out}") for label, into, out in told]
    tile = _plate(texts, theme.plate, room, theme, pen)
    (x, y), (across, down) = _middle(place)
    tall, wide = tile.shape[:2]
    away = 3 * pen.line + abs(across) * wide / 2 + abs(down) * tall / 2
    return _Plate(tile, int(x - across * away - wide / 2), int(y - down * away - tall / 2))


def _told(place: Place) -> Sequence[_Count]:
    """The classes, those first that were counted most, where there are several."""
    if len(place.counts) < 2:
        return ()
    return sorted(place.counts, key=lambda one: (-one[1] - one[2], one[0]))


def _plate(
    texts: Sequence[Tuple[str, str]], paint: Paint, room: int, theme: Theme, pen: Pen
) -> np.ndarray:
    """(h, w, 3) the first row in full, those below it quieter, an edge in the place's colour."""
    tile = stacked(
        [
            written(name, rest, theme.quiet if row else paint, room, pen)
            for row, (name, rest) in enumerate(texts)
        ]
    )
    tile[:, : max(2, pen.margin // 2)] = theme.calm if paint is theme.plate else theme.alarm
    return tile


def _line(place: Place, shape: Tuple[int, ...], theme: Theme, pen: Pen) -> List[Tile]:
    """What it covers of a pixel is where it looks alike on black and on white."""
    path = _path(place, pen)
    points = np.concatenate(path)
    left, top, right, bottom = _bounds(points, 4 * pen.line, shape)
    area = (bottom - top, right - left, 3)
    if not area[0] or not area[1]:
        return []
    black, white = np.zeros(area, np.uint8), np.full(area, 255, np.uint8)
    moved = _Path(*(points - np.array([left, top], np.int32) for points in path))
    for ground in (black, white):
        _draw_path(ground, moved, theme, pen)
    return stencil(255 - cv2.subtract(white, black), black, left, top)


def _path(place: Place, pen: Pen) -> _Path:
    """An arrow at the line's middle points to the side that counts as in."""
    middle, (across, down) = _middle(place)
    size = 7 * pen.line
    corners = np.array([[across, down], [down / 2, -across / 2], [-down / 2, across / 2]]) * size
    return _Path(_whole(place), (middle + corners).round().astype(np.int32))


def _draw_path(image: np.ndarray, path: _Path, theme: Theme, pen: Pen) -> None:
    edge = 2 * max(1, pen.thin // 2)
    cv2.polylines(image, [path.points], False, BLACK, pen.thin + 1 + edge)
    cv2.polylines(image, [path.arrow], True, BLACK, 1 + edge)
    cv2.fillPoly(image, [path.arrow], theme.calm, cv2.LINE_AA)
    cv2.polylines(image, [path.points], False, theme.calm, pen.thin + 1, cv2.LINE_AA)
    for x, y in path.points[[0, -1]].tolist():
        cv2.circle(image, (x, y), pen.line + edge // 2, BLACK, -1)
        cv2.circle(image, (x, y), pen.line, theme.calm, -1, cv2.LINE_AA)


def _middle(place: Place) -> Tuple[Tuple[float, float], Tuple[float, float]]:
    """
    The point halfway along a path, and the unit vector to the path's right there: (-dy, dx), as y
    points down.
    """
    points = np.array(place.points, float)
    steps = np.diff(points, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    if not lengths.any():
        return (float(points[0, 0]), float(points[0, 1])), (0.0, 1.0)
    ends = lengths.cumsum()
    row = int(np.searchsorted(ends, ends[-1] / 2))
    dx, dy = (steps[row] / lengths[row]).tolist()
    over = float(ends[-1] / 2 - (ends[row] - lengths[row]))
    x, y = (points[row] + over * np.array([dx, dy])).tolist()
    return (x, y), (-dy, dx)
