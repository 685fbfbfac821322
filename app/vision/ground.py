"""ground: from the picture to metres on flat ground. No state."""

from typing import Sequence, Tuple

import numpy as np

Points = Sequence[Tuple[float, float]]


def homography(picture: Points, metres: Points) -> np.ndarray:
    """
    (3, 3) float64: takes four picture points to their four places; of neither may three be on one
    line. Direct linear transformation with normalised points, as in R. Hartley and A. Zisserman,
    "Multiple View Geometry" (2nd ed.), 4.1 and 4.4.
    """
    source, moved = _normalised(picture)
    target, placed = _normalised(metres)
    rows = np.zeros((8, 8))
    for number, ((x, y), (u, v)) in enumerate(zip(source, target)):
        rows[2 * number] = x, y, 1, 0, 0, 0, -u * x, -u * y
        rows[2 * number + 1] = 0, 0, 0, x, y, 1, -v * x, -v * y
    solved = np.append(np.linalg.solve(rows, target.ravel()), 1).reshape(3, 3)
    return np.asarray(np.linalg.inv(placed) @ solved @ moved)


def in_metres(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(N, 2) picture points on the ground, float64; NaN for those on or beyond the horizon."""
    x, y = points.T
    u, v, depth = matrix[:, :1] * x + matrix[:, 1:2] * y + matrix[:, 2:]
    depth = np.where(depth > 1e-9, depth, np.nan)
    return np.stack([u / depth, v / depth], axis=1)


def _normalised(points: Points) -> Tuple[np.ndarray, np.ndarray]:
    """The points about their middle at a distance of about 1, and the matrix that takes them so."""
    rows = np.asarray(points, np.float64)
    middle = rows.mean(axis=0)
    scale = 1 / max(float(np.abs(rows - middle).mean()), 1e-12)
    matrix = np.array([[scale, 0, -scale * middle[0]], [0, scale, -scale * middle[1]], [0, 0, 1]])
    return (rows - middle) * scale, matrix
