"""speeds: how fast tracks move on flat ground, in metres a second."""

from typing import NamedTuple, Tuple

import numpy as np

from app.analytics.alive import MOST, Moment, Seen
from app.vision import ground, polygons

_SMOOTH_S = 0.5  # time constant; after twice that a change of speed is told to 86 %
_LEAST_S = 0.5  # nothing is said of a track before


class Scale(NamedTuple):
    """Four points of the picture, and their places on the ground, in the same order."""

    points: Tuple[Tuple[float, float], ...]  # pixels, or fractions: see polygons.in_fractions
    metres: Tuple[Tuple[float, float], ...]  # any origin and axes


class Speeds:
    """
    Smooths the velocity, and not the speed, of the middle of a box's bottom: so jitter of a few
    centimetres adds up to nothing, at any frame rate. Those above the horizon have no speed.
    """

    def __init__(self, scale: Scale, speed: np.ndarray) -> None:
        """``speed`` (MOST,) float64 is written to; 0: not known."""
        self._scale = scale
        self._speed = speed
        self._matrix = ground.homography(scale.points, scale.metres)
        self._place = np.zeros((MOST, 2))  # metres
        self._velocity = np.zeros((MOST, 2))
        self._when = np.zeros(MOST)
        self._seconds = np.zeros(MOST)  # how long there has been a velocity

    def fit(self, size_wh: Tuple[int, int]) -> None:
        """Take the picture to be of another size."""
        points = polygons.in_pixels(self._scale.points, size_wh)
        self._matrix = ground.homography(points, self._scale.metres)

    def update(self, seen: Seen, moment: Moment) -> None:
        columns = seen.columns
        place = ground.in_metres(seen.points[polygons.ON_BOX.index("bottom")], self._matrix)
        known = ~np.isnan(place[:, 0])
        elapsed = moment.when - self._when[columns]
        moved = known & ~seen.fresh & ~np.isnan(self._place[columns, 0]) & (elapsed > 0)
        begun = ~moved & (seen.fresh | known)
        self._begin(columns[begun], place[begun], moment.when)
        self._move(columns[moved], place[moved], elapsed[moved], moment.when)

    def _begin(self, columns: np.ndarray, place: np.ndarray, when: float) -> None:
        self._place[columns] = place
        self._velocity[columns] = 0
        self._when[columns] = when
        self._seconds[columns] = 0
        self._speed[columns] = 0

    def _move(
        self, columns: np.ndarray, place: np.ndarray, elapsed: np.ndarray, when: float
    ) -> None:
        rate = (place - self._place[columns]) / elapsed[:, None]
        share = 1 - np.exp(-elapsed / _SMOOTH_S)
        velocity = self._velocity[columns]
        velocity += share[:, None] * (rate - velocity)
        seconds = self._seconds[columns] + elapsed
        self._velocity[columns] = velocity
        self._seconds[columns] = seconds
        self._place[columns] = place
        self._when[columns] = when
        # It began at 0: what is left of that is taken out, as in Adam (Kingma and Ba, 2015).
        speed = np.hypot(velocity[:, 0], velocity[:, 1]) / (1 - np.exp(-seconds / _SMOOTH_S))
        self._speed[columns] = np.where(seconds >= _LEAST_S, speed, 0)
