"""
kalman: where boxes are and how fast they move, by a Kalman filter over time in seconds.

A box is followed as centre x, centre y, width and height, each at a constant rate but for random
acceleration. The four do not depend on one another, so the 8x8 covariance of the usual filter
falls into four of 2x2, and all of a scene's tracks are a few operations on small arrays. A state
is (5, N, 4) float64; for the four coordinates of N tracks it holds

    place      pixels
    rate       pixels a second
    var        variance of place
    cross      covariance of place and rate
    var_rate   variance of rate

Kalman, A New Approach to Linear Filtering and Prediction Problems, 1960. That noise grows with the
box is from Wojke et al., arXiv:1703.07402, and ByteTrack, arXiv:2110.06864; width and height in
place of aspect ratio is from BoT-SORT, arXiv:2206.14651. Functions return new states and change
none that they are given.
"""

import numpy as np

# Standard deviations, in widths of the box for x and width, in heights for y and height.
SEEN = 0.1
RATE = 1.0  # a second, of a track just begun
ACCELERATION = np.array([0.7, 0.3, 0.05, 0.05])

LEAST = 1.0  # pixels: width and height never fall below it


def start(xyxy: np.ndarray) -> np.ndarray:
    """The state (5, N, 4) of tracks first seen as these (N, 4) xyxy boxes, at rest."""
    place = _measured(xyxy)
    size = _size(place)
    state = np.zeros((5,) + place.shape)
    state[0] = place
    state[2] = (SEEN * size) ** 2
    state[4] = (RATE * size) ** 2
    return state


def predict(state: np.ndarray, seconds: float) -> np.ndarray:
    """
    The state so many seconds on; the steps between may be of any length, and their sum counts.

    White noise acceleration in continuous time, Bar-Shalom, Li and Kirubarajan, Estimation with
    Applications to Tracking and Navigation, 2001, section 6.2.2:
    Q = q [[t^3 / 3, t^2 / 2], [t^2 / 2, t]].
    """
    place, rate, var, cross, var_rate = state
    noise = (ACCELERATION * _size(place)) ** 2
    later = np.empty_like(state)
    later[0] = place + rate * seconds
    later[1] = rate
    later[2] = var + seconds * (2 * cross + seconds * (var_rate + noise * (seconds / 3)))
    later[3] = cross + seconds * (var_rate + noise * (seconds / 2))
    later[4] = var_rate + noise * seconds
    return later


def update(state: np.ndarray, xyxy: np.ndarray) -> np.ndarray:
    """The state after track i was seen as box i of these (N, 4) xyxy."""
    place, rate, var, cross, var_rate = state
    total = var + (SEEN * _size(place)) ** 2
    surprise = _measured(xyxy) - place
    gain, gain_rate = var / total, cross / total
    seen = np.empty_like(state)
    seen[0] = place + gain * surprise
    seen[1] = rate + gain_rate * surprise
    seen[2] = var - gain * var
    seen[3] = cross - gain * cross
    seen[4] = var_rate - gain_rate * cross
    return seen


def boxes(state: np.ndarray) -> np.ndarray:
    """Where the state takes the tracks to be: (N, 4) float32 xyxy."""
    centre, half = state[0, :, :2], np.maximum(state[0, :, 2:], LEAST) / 2
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def _measured(xyxy: np.ndarray) -> np.ndarray:
    """(N, 4) xyxy as centre x, centre y, width, height in float64."""
    low, high = xyxy[:, :2].astype(np.float64), xyxy[:, 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=1)


def _size(place: np.ndarray) -> np.ndarray:
    """What noise is measured in, (N, 4): width, height, width, height."""
    return np.maximum(np.concatenate([place[:, 2:]] * 2, axis=1), LEAST)
