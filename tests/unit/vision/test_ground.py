"""ground: four points go where they belong, and so do those between them."""

import numpy as np

from app.vision.ground import homography, in_metres

PICTURE = ((100, 400), (540, 400), (420, 200), (220, 200))
METRES = ((0, 0), (4, 0), (4, 10), (0, 10))


def test_the_four_points():
    matrix = homography(PICTURE, METRES)
    assert np.allclose(in_metres(np.array(PICTURE, float), matrix), METRES)
    assert in_metres(np.empty((0, 2)), matrix).shape == (0, 2)


def test_a_known_camera():
    """A pinhole 5 m up that looks 30 degrees down: points of the ground come back."""
    tilt = np.radians(30)
    ground = np.random.RandomState(0).uniform([-5, 4], [5, 30], (50, 2))

    def seen(where):
        x, far = where[:, 0], where[:, 1]
        depth = far * np.cos(tilt) + 5 * np.sin(tilt)
        down = 5 * np.cos(tilt) - far * np.sin(tilt)
        return np.stack([640 + 900 * x / depth, 360 + 900 * down / depth], axis=1)

    corners = np.array([(-3, 5), (3, 5), (3, 20), (-3, 20)], float)
    matrix = homography(seen(corners), corners)
    assert np.allclose(in_metres(seen(ground), matrix), ground)
    horizon = 360 - 900 * np.tan(tilt)
    above = np.array([(640, horizon - 1), (0, horizon - 200)])
    assert np.isnan(in_metres(above, matrix)).all()


def test_pixels_or_fractions_give_the_same():
    size = np.array([640, 480])
    points = np.array([(300.0, 300), (320, 250)])
    one = in_metres(points, homography(PICTURE, METRES))
    other = in_metres(points / size, homography(np.array(PICTURE) / size, METRES))
    assert np.allclose(one, other)
