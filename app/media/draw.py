"""draw: boxes, label plates and class lists on a picture, in place."""

import functools
import math
from types import MappingProxyType
from typing import Mapping, NamedTuple, Optional, Sequence, Set, Tuple

import cv2
import numpy as np

from app.core.detections import Detections, name_of
from app.core.event import Attribute
from app.core.frame import Top
from app.media.draw_letters import (
    BLACK,
    THEMES,
    Colour,
    Pen,
    colour_of,
    paint_on,
    pen_for,
    plain,
    put,
    room_in,
    stacked,
    written,
)

Attributes = Mapping[int, Tuple[Attribute, ...]]
_UNKNOWN: Attributes = MappingProxyType({})
_CORNERS = np.array([[0, 1], [2, 1], [2, 3], [0, 3]])  # of an xyxy
# From each corner of a box, clockwise from the upper left: into it, and along both its sides.
_INWARD = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.int32)
_WAYS = np.array(
    [
        [[0, 1], [0, 0], [1, 0]],
        [[-1, 0], [0, 0], [0, 1]],
        [[0, -1], [0, 0], [-1, 0]],
        [[1, 0], [0, 0], [0, -1]],
    ],
    np.int32,
)


class Style(NamedTuple):
    """What is drawn and written, and how large beside what the picture's size suggests."""

    scale: float = 1.0
    score: bool = True
    track: bool = True
    theme: str = "dark"  # a key of draw_letters.THEMES
    boxes: bool = True
    trail_s: float = 2.0  # how long a trail is; 0: none
    zones: bool = True  # zones and lines
    heat: bool = False  # where things were for how long
    strip: bool = False  # camera, time, rate and age in a corner


PLAIN = Style()


def draw(
    image: np.ndarray,
    detections: Detections,
    labels: Sequence[str],
    style: Style = PLAIN,
    attributes: Attributes = _UNKNOWN,
    below: Optional[Set[int]] = None,
) -> None:
    """
    Draw each box and its plate on (H, W, 3) uint8, BGR and not BGRx, the surest on top.

    ``attributes`` of a track stand on a second line. ``below`` is the caller's memory of the tracks
    whose plate stands below its box, read and changed here, so that no plate goes to and fro.
    """
    height, width = image.shape[:2]
    boxes = _inside(detections.xyxy, width, height)
    visible = np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    if not len(visible):
        return
    pen = pen_for(width, height, style.scale)
    order = visible[np.argsort(detections.score[visible], kind="mergesort")].tolist()
    class_ids, track_ids = detections.class_id.tolist(), detections.track_id.tolist()
    scores, corners = detections.score.tolist(), boxes.tolist()
    kinds = {n: (plain(name_of(n, labels)), paint_on(colour_of(n))) for n in set(class_ids)}
    _outline(image, boxes[order], [kinds[class_ids[row]][1].ground for row in order], pen)
    room = room_in(width)
    second = THEMES[style.theme].plate
    for row in order:  # after the boxes, so that no line crosses a label
        name, paint = kinds[class_ids[row]]
        tile = written(name, facts(scores[row], track_ids[row], style), paint, room, pen)
        known = attributes.get(track_ids[row])
        if known:
            text = plain(", ".join(one.label for one in known))
            tile = stacked([tile, written(text, "", second, room, pen)])
        _place(image, corners[row], tile, pen, track_ids[row], below)


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
    room = room_in(width) - left
    for one in tops:
        if one.score < 0.005:
            return
        name = plain(name_of(one.class_id, labels))
        rest = f" {one.score:.0%}" if style.score else ""
        tile = written(name, rest, paint_on(colour_of(one.class_id)), room, pen)
        place = image[top : top + tile.shape[0], left : left + tile.shape[1]]
        if place.shape[0] < tile.shape[0]:
            return
        place[...] = tile[:, : place.shape[1]]
        top += tile.shape[0]


def facts(score: float, track_id: int, style: Style = PLAIN) -> str:
    """What a plate says after the name: " 87% #12"."""
    text = f" {score:.0%}" if style.score and math.isfinite(score) else ""
    return f"{text} #{track_id}" if style.track and track_id >= 0 else text


def _inside(xyxy: np.ndarray, width: int, height: int) -> np.ndarray:
    """(N, 4) whole pixels inside the picture; a box that cannot be shown has no area."""
    limit = np.array([width - 1, height - 1] * 2, np.float32)
    known = np.isfinite(xyxy).all(axis=1, keepdims=True)
    boxes = np.maximum(0, np.minimum(limit, np.where(known, xyxy, 0)))
    return boxes.round().astype(np.int32)


def _outline(image: np.ndarray, boxes: np.ndarray, colours: Sequence[Colour], pen: Pen) -> None:
    """
    A thin line for each box between two of black, so that no scene swallows it, and strong corners
    where there is room.
    """
    edge = max(1, pen.thin // 3)
    wide = pen.thin + 2 * edge
    out = pen.thin // 2 + edge  # so far it goes out of the box, and the rest into it
    height, width = image.shape[:2]
    if min(height, width) < wide:
        return
    least, most = (np.array(side * 2) for side in ([out, out], [width - 1 - out, height - 1 - out]))
    boxes = np.maximum(least, np.minimum(most, boxes))
    ends = boxes + np.array([-out, -out, out + 1 - wide, out + 1 - wide])
    arm = np.minimum(8 * pen.line, (boxes[:, 2:] - boxes[:, :2]).min(axis=1) // 4)
    strong = (arm > 2 * pen.line).tolist()
    arms = _arms(boxes, arm, pen) if any(strong) else []
    long = max(height, width)
    for row, (x1, y1, x2, y2) in enumerate(ends.tolist()):
        # Copied, as OpenCV needs longer for lines. Each side begins with a corner and ends short of
        # the next.
        top, right, bottom, left = _sides(colours[row], pen.thin, edge, long)
        image[y1 : y1 + wide, x1:x2] = top[:, : x2 - x1]
        image[y1:y2, x2 : x2 + wide] = right[: y2 - y1]
        image[y2 : y2 + wide, x1 + wide : x2 + wide] = bottom[:, long - x2 + x1 :]
        image[y1 + wide : y2 + wide, x1 : x1 + wide] = left[long - y2 + y1 :]
        if strong[row]:
            cv2.polylines(image, list(arms[row]), False, colours[row], 1)


@functools.lru_cache(maxsize=32)
def _sides(colour: Colour, thin: int, edge: int, long: int) -> Sequence[np.ndarray]:
    """
    A large box's upper, right, lower and left side, clockwise: so wide, so ``long``, uint8, with
    the corner that each begins with.
    """
    across = np.array([BLACK] * edge + [colour] * thin + [BLACK] * edge, np.uint8)
    depth = np.minimum(np.arange(len(across))[:, None], np.arange(long))
    upper = across[depth]
    upright = upper.transpose(1, 0, 2)
    sides = upper, upright[:, ::-1], upper[::-1, ::-1], upright[::-1]
    return [np.ascontiguousarray(side) for side in sides]


def _arms(boxes: np.ndarray, arm: np.ndarray, pen: Pen) -> np.ndarray:
    """
    (N, K, 3, 2) int32 lines that make each box's corners strong where the sides are not: many of
    one pixel, for OpenCV takes far longer for a wide one.
    """
    half, out = (pen.line + 1) // 2, pen.thin // 2  # as wide as OpenCV draws them
    beside = np.arange(-half, half + 1)
    beside = beside[(beside < -out) | (beside >= pen.thin - out)]
    corners = boxes[:, None, _CORNERS] + beside[:, None, None] * _INWARD
    lines = corners[..., None, :] + (arm[:, None] - beside)[..., None, None, None] * _WAYS
    return lines.reshape(len(boxes), -1, 3, 2).astype(np.int32, order="C")


def _place(
    image: np.ndarray,
    box: Sequence[int],
    tile: np.ndarray,
    pen: Pen,
    track_id: int,
    below: Optional[Set[int]],
) -> None:
    """
    Put a plate above its box, down into it at the picture's upper edge; below it where it would
    hide a small one. What was below stays there until there is clearly room above.
    """
    tall = len(tile)
    x1, y1, x2, y2 = box
    was = below is not None and track_id in below
    slack = tall // 2 if was else 0
    under = y1 < tall + slack and y2 - y1 < 2 * tall + slack and y2 + tall <= len(image)
    if below is not None and track_id >= 0 and under != was:
        (below.add if under else below.discard)(track_id)
    put(image, tile, x1 - pen.line // 2, y2 if under else y1 - tall)
