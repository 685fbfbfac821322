"""shapes: what is wrong with the points of a zone, a line or a scale, said in a sentence."""

import math
from typing import Optional, Sequence, Tuple

import numpy as np

from app.analytics.speeds import Scale
from app.vision import polygons

Points = Sequence[Tuple[float, float]]

_FARTHEST = 65535  # pixels
_LEAST = {"zone": 3, "line": 2}


def problems(points: Points, kind: str) -> Optional[str]:
    """Why these points make no "zone" or no "line"; None where they do."""
    least = _LEAST[kind]
    if len(points) < least:
        return f"A {kind} needs {least} points or more, and this one has {len(points)}."
    wrong = _numbers(points)
    if wrong is not None:
        return wrong
    distinct = {(float(x), float(y)) for x, y in points}
    if kind == "line":
        return "The line has no length: all its points are one." if len(distinct) < 2 else None
    if len(distinct) < 3 or _flat(points):
        return "The zone has no area: all its points are on one line."
    if polygons.crosses_itself(points):
        return "The zone's border crosses itself; give its corners in the order of a walk around."
    return None


def outside(points: Points, kind: str, size_wh: Tuple[int, int]) -> Optional[str]:
    """Why these points, good ones, find nothing in a picture of that size; None where they do."""
    if polygons.reaches(polygons.in_pixels(points, size_wh), kind == "zone", size_wh):
        return None
    return f"The {kind} is wholly outside the picture of {size_wh[0]}x{size_wh[1]} pixels."


def scale_problems(scale: Scale) -> Optional[str]:
    """Why four points and their places give no scale; None where they do."""
    for points, what in ((scale.points, "in the picture"), (scale.metres, "on the ground")):
        if len(points) != 4:
            return f"A scale needs 4 points {what}, and this one has {len(points)}."
    wrong = _numbers(scale.points)
    if wrong is not None:
        return wrong
    if not all(math.isfinite(value) for point in scale.metres for value in point):
        return "A place on the ground is not a finite number of metres."
    for points, what in ((scale.points, "in the picture"), (scale.metres, "on the ground")):
        if any(_flat([*points[:left], *points[left + 1 :]]) for left in range(4)):
            return f"Three of the scale's 4 points {what} are on one line."
    if len({_turn(scale.points, left) * _turn(scale.metres, left) for left in range(4)}) > 1:
        return "The scale's points and their places do not go round in the same order."
    return None


def _numbers(points: Points) -> Optional[str]:
    """What is wrong with the numbers by themselves."""
    values = [float(value) for point in points for value in point]
    for value in values:
        if not math.isfinite(value):
            return f"A coordinate is {value}, which is not a finite number."
        if value < 0:
            return f"A coordinate is {value:g}; none may be below 0."
        if value > _FARTHEST:
            return f"A coordinate is {value:g}; no picture reaches that far."
    parts = [value for value in values if 0 < value < 1]
    if parts and max(values) > 1:
        return (
            f"The points mix fractions of the picture ({parts[0]:g}) with pixels "
            f"({max(values):g}); give all in one of the two."
        )
    return None


def _turn(points: Points, left: int) -> int:
    """Which way the other three of four points go round: 1 or -1."""
    (ax, ay), (bx, by), (cx, cy) = [*points[:left], *points[left + 1 :]]
    return 1 if (bx - ax) * (cy - ay) > (by - ay) * (cx - ax) else -1


def _flat(points: Points) -> bool:
    """Whether points are on one line, but for the rounding of their coordinates."""
    rows = np.array(points, np.float64)
    rows -= rows.mean(axis=0)
    return bool(np.linalg.matrix_rank(rows, tol=1e-9 * max(float(np.abs(rows).max()), 1e-300)) < 2)
