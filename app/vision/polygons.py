"""polygons: where points and their steps lie against polygons and paths. No state."""

from typing import NamedTuple, Sequence, Tuple, Union

import numpy as np

Points = Sequence[Tuple[float, float]]

ON_BOX = ("top", "centre", "bottom")  # points of a box, all in the middle of its width


class Shapes(NamedTuple):
    """
    Polygons, or paths, as one list of their E edges, so that one pass asks all S of them. All
    columns are (E, 1) float64 but the last two.
    """

    x: np.ndarray  # where the edge begins
    y: np.ndarray
    x_end: np.ndarray
    y_end: np.ndarray
    dx: np.ndarray  # from its beginning to its end
    dy: np.ndarray
    of: np.ndarray  # (E,) intp: whose edge it is
    first: np.ndarray  # (S,) intp: the first edge of each


def in_fractions(points: Points) -> bool:
    """Whether a shape is given in fractions of the picture: all of it within 0..1. Else pixels."""
    return all(0 <= value <= 1 for point in points for value in point)


def in_pixels(points: Points, size_wh: Tuple[int, int]) -> Tuple[Tuple[float, float], ...]:
    """The points in pixels of a picture of that size, whichever of the two they are given in."""
    width, height = size_wh if in_fractions(points) else (1, 1)
    return tuple((float(x * width), float(y * height)) for x, y in points)


def on_boxes(xyxy: np.ndarray) -> np.ndarray:
    """(3, N, 2) float64: the points ON_BOX of boxes, (N, 4)."""
    x1, y1, x2, y2 = xyxy.T.astype(np.float64)
    points = np.empty((3, len(xyxy), 2))
    points[:, :, 0] = (x1 + x2) / 2
    points[:, :, 1] = y1, (y1 + y2) / 2, y2
    return points


def place_on_box(names: Sequence[str]) -> Union[int, np.ndarray]:
    """What picks points (N, 2), or (S, N, 2) where they differ, from those of on_boxes()."""
    places = [ON_BOX.index(name) for name in names]
    return places[0] if len(set(places)) == 1 else np.array(places, np.intp)


def polygons(shapes: Sequence[Points]) -> Shapes:
    """Closed shapes, each of one point or more; the last point is joined to the first."""
    return _shapes([_rows(points) for points in shapes], closed=True)


def paths(shapes: Sequence[Points]) -> Shapes:
    """Open shapes, each of two points or more."""
    return _shapes([_rows(points) for points in shapes], closed=False)


def inside(points: np.ndarray, shapes: Shapes) -> np.ndarray:
    """
    (S, N) bool: which points, (N, 2) or (S, N, 2) for each polygon its own, are in which polygon.
    Even-odd rule, by counting the edges to the right of a point as in M. Shimrat, "Algorithm 112"
    (CACM 5, 1962). A point on a border belongs to one of the two polygons that share it.
    """
    px, py = _by_edge(points, shapes)
    side = _side(px - shapes.x, py - shapes.y, shapes.dx, shapes.dy)
    beyond = np.where(shapes.dy > 0, side, -side) > 0
    hit = ((shapes.y <= py) != (shapes.y_end <= py)) & beyond
    found: np.ndarray = np.logical_xor.reduceat(hit, shapes.first, axis=0)
    return found


def distance(points: np.ndarray, shapes: Shapes) -> np.ndarray:
    """(S, N) float64: how far points, (N, 2) or (S, N, 2), are from each border or path."""
    px, py = _by_edge(points, shapes)
    dx, dy = shapes.dx, shapes.dy
    px, py = px - shapes.x, py - shapes.y
    along = (px * dx + py * dy) / np.maximum(dx * dx + dy * dy, 1e-12)
    along = np.minimum(np.maximum(along, 0), 1)
    px -= along * dx
    py -= along * dy
    square = px * px + py * py
    return np.asarray(np.sqrt(np.minimum.reduceat(square, shapes.first, axis=0)))


def crossings(before: np.ndarray, after: np.ndarray, shapes: Shapes) -> np.ndarray:
    """
    (S, N) int: how often the straight steps between points, (N, 2) or (S, N, 2), cross each path:
    +1 to its right, -1 to its left, seen along it with y down; there and back is 0.

    Sums over the steps of a track are exact, also where it stops on the path or goes through a
    corner: all points are taken to be moved by (e, e * e), with an e too small for any number, so
    that none lies on an edge (H. Edelsbrunner and E. Mücke, "Simulation of Simplicity", ACM TOG 9,
    1990).
    """
    count = before.shape[-2]
    px, py = _by_edge(np.concatenate([before, after], axis=-2), shapes)
    side = _side(px - shapes.x, py - shapes.y, shapes.dx, shapes.dy)
    tie = (shapes.dy < 0) | ((shapes.dy == 0) & (shapes.dx > 0))
    right = (side > 0) | ((side == 0) & tie)
    net = np.zeros((len(shapes.first), count), np.int64)
    edge, row = np.nonzero(right[:, :count] != right[:, count:])
    if not len(edge):
        return net
    # Those have crossed the edge's whole line: is it between the edge's ends?
    line = edge if len(px) > 1 else 0
    ax, ay, bx, by = px[line, row], py[line, row], px[line, row + count], py[line, row + count]
    start = _ahead(ax, ay, bx - ax, by - ay, shapes.x[edge, 0], shapes.y[edge, 0])
    end = _ahead(ax, ay, bx - ax, by - ay, shapes.x_end[edge, 0], shapes.y_end[edge, 0])
    step = np.where(right[edge, row], -1, 1) * (start != end)
    np.add.at(net, (shapes.of[edge], row), step)
    return net


def area(points: Points) -> float:
    """The area of a polygon that does not cross itself, in square units of its points."""
    x, y = _rows(points).T
    return float(abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))) / 2


def perimeter(points: Points) -> float:
    """The length of a polygon's border."""
    rows = _rows(points)
    return float(np.sum(np.hypot(*(np.roll(rows, -1, axis=0) - rows).T)))


def crosses_itself(points: Points) -> bool:
    """Whether edges of a polygon meet elsewhere than where one follows the other."""
    rows = _rows(points)
    rows = rows[np.any(rows != np.roll(rows, -1, axis=0), axis=1)]  # edges of some length
    count = len(rows)
    if count < 3:
        return False
    ends = np.roll(rows, -1, axis=0)
    number = np.arange(count)
    gap = (number - number[:, None]) % count
    apart = (gap > 1) & (gap < count - 1)
    step = ends - rows
    ahead = np.roll(step, -1, axis=0)
    turn = step[:, 0] * ahead[:, 1] - step[:, 1] * ahead[:, 0]
    folds = (turn == 0) & (np.sum(step * ahead, axis=1) < 0)
    return bool(np.any(_meet(rows, ends, rows, ends) & apart) or folds.any())


def reaches(points: Points, closed: bool, size_wh: Tuple[int, int]) -> bool:
    """Whether any of a polygon, or of a path, lies in a picture of that size."""
    rows = _rows(points)
    width, height = size_wh
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    if closed and inside(corners[:1], polygons([points]))[0, 0]:
        return True
    if np.all((rows[0] >= 0) & (rows[0] <= corners[2])):
        return True
    starts, ends = rows, np.roll(rows, -1, axis=0)
    if not closed:
        starts, ends = starts[:-1], ends[:-1]
    return bool(_meet(starts, ends, corners, np.roll(corners, -1, axis=0)).any())


def _rows(points: Points) -> np.ndarray:
    return np.asarray(points, np.float64).reshape(-1, 2)


def _shapes(shapes: Sequence[np.ndarray], closed: bool) -> Shapes:
    starts = [rows if closed else rows[:-1] for rows in shapes]
    ends = [np.roll(rows, -1, axis=0) if closed else rows[1:] for rows in shapes]
    counts = np.array([len(rows) for rows in starts], np.intp)
    edges = np.concatenate([np.empty((0, 4))] + [np.hstack(pair) for pair in zip(starts, ends)])
    x, y, x_end, y_end = np.ascontiguousarray(edges.T)[:, :, None]
    of = np.repeat(np.arange(len(counts)), counts)
    return Shapes(x, y, x_end, y_end, x_end - x, y_end - y, of, np.cumsum(counts) - counts)


def _by_edge(points: np.ndarray, shapes: Shapes) -> Tuple[np.ndarray, np.ndarray]:
    """x and y of the points, (1, N), or (E, N) where each shape has points of its own."""
    if points.ndim == 2:
        return points[None, :, 0], points[None, :, 1]
    return points[shapes.of, :, 0], points[shapes.of, :, 1]


def _side(x: np.ndarray, y: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """
    Above 0 where a point is to the right of a way, seen along it with y down; 0 on its line. x and
    y are from the beginning of the way to the point, dx and dy from there to its end.
    """
    return np.asarray(dx * y - dy * x)


def _ahead(
    ax: np.ndarray, ay: np.ndarray, dx: np.ndarray, dy: np.ndarray, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Whether a point is to the right of a step whose two ends are moved by (e, e * e)."""
    side = _side(x - ax, y - ay, dx, dy)
    tie = (dy > 0) | ((dy == 0) & (dx < 0))
    return np.asarray((side > 0) | ((side == 0) & tie))


def _meet(
    starts: np.ndarray, ends: np.ndarray, others: np.ndarray, other_ends: np.ndarray
) -> np.ndarray:
    """(A, B) bool: which of A edges have a point in common with which of B, ends included."""
    a, b = starts[:, None], ends[:, None]
    c, d = others[None], other_ends[None]
    near = (np.minimum(a, b) <= np.maximum(c, d)) & (np.minimum(c, d) <= np.maximum(a, b))

    def sign(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
        return np.sign(_side(*np.moveaxis(r - p, 2, 0), *np.moveaxis(q - p, 2, 0)))

    split = (sign(a, b, c) * sign(a, b, d) <= 0) & (sign(c, d, a) * sign(c, d, b) <= 0)
    return np.asarray(near.all(axis=2) & split)
