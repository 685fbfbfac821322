"""letterbox: where pictures land, to the pixel."""

import numpy as np
import pytest

from app.vision import letterbox
from app.vision.letterbox import Fit


@pytest.mark.parametrize(
    "image_wh, input_wh, short, expected",
    [  # worked out by hand from torchvision's rules
        ((224, 224), (224, 224), 224, (224, 224, 0, 0)),
        ((256, 256), (224, 224), 256, (256, 256, -16, -16)),
        ((640, 480), (224, 224), 256, (341, 256, -58, -16)),  # 341.3; 58.5 to the even
        ((480, 640), (224, 224), 256, (256, 341, -16, -58)),
        ((500, 375), (224, 224), 256, (341, 256, -58, -16)),
        ((512, 383), (224, 224), 256, (342, 256, -59, -16)),
        ((1920, 1080), (224, 224), 256, (455, 256, -116, -16)),  # 115.5 to the even
        ((3, 2), (224, 224), 256, (384, 256, -80, -16)),
        ((10000, 1), (224, 224), 256, (2560000, 256, -1279888, -16)),
        ((640, 480), (299, 299), 342, (456, 342, -78, -22)),  # 78.5 and 21.5
        ((100, 100), (224, 224), 100, (100, 100, 62, 62)),
        ((101, 101), (224, 224), 101, (101, 101, 61, 61)),  # the odd pixel goes right and below
        ((300, 100), (224, 224), 100, (300, 100, -38, 62)),
        ((640, 480), (320, 240), 240, (320, 240, 0, 0)),
        ((480, 640), (320, 240), 240, (240, 320, 40, -40)),
    ],
)
def test_a_centre_crop(image_wh, input_wh, short, expected):
    fit = letterbox.centre_crop(image_wh, input_wh, short)
    assert fit[:4] == expected
    assert (fit.scale_x, fit.scale_y) == (fit.wide / image_wh[0], fit.high / image_wh[1])


@pytest.mark.parametrize("image_wh", [(640, 480), (480, 640), (100, 40), (7, 9)])
@pytest.mark.parametrize("short", [100, 224, 256])
def test_undo_is_the_way_back_from_a_crop(image_wh, short):
    fit = letterbox.centre_crop(image_wh, (224, 224), short)
    middle = np.array([[112, 112, 112, 112]], np.float32)
    half = np.array(image_wh * 2) / 2
    np.testing.assert_allclose(letterbox.undo(middle, fit, image_wh)[0], half, rtol=0.01)
    everywhere = np.array([[-1e4, -1e4, 1e4, 1e4]], np.float32)
    assert letterbox.undo(everywhere, fit, image_wh)[0].tolist() == [0, 0] + list(image_wh)


@pytest.mark.parametrize(
    "fit, rows, columns",
    [
        (Fit(224, 224, 0, 0, 1, 1), (0, 224), (0, 224)),
        (Fit(341, 256, -58, -16, 1, 1), (16, 240), (58, 282)),
        (Fit(100, 100, 62, 62, 1, 1), (0, 100), (0, 100)),
        (Fit(300, 100, -38, 62, 1, 1), (0, 100), (38, 262)),
    ],
)
def test_what_is_seen_of_a_resized_picture(fit, rows, columns):
    assert letterbox.visible(fit, (224, 224)) == (slice(*rows), slice(*columns))


def test_sampling_is_bilinear_between_pixel_centres():
    picture = np.array([[[0], [100]]], np.uint8)
    line = letterbox.sampled(picture, Fit(4, 2, 0, 0, 2, 2), slice(0, 2), slice(0, 4))
    assert line.dtype == np.float32 and line.shape == (2, 4, 1)
    assert line[..., 0].tolist() == [[0, 25, 75, 100]] * 2
    part = letterbox.sampled(picture, Fit(4, 2, 0, 0, 2, 2), slice(1, 2), slice(1, 3))
    assert part[..., 0].tolist() == [[25, 75]]


@pytest.mark.parametrize(
    "shape, size_wh", [((48, 64, 3), (64, 48)), ((48, 64, 4), (64, 48)), ((72, 64), (64, 48))]
)
def test_the_size_of_a_picture_of_each_form(shape, size_wh):
    assert letterbox.size_of(np.zeros(shape, np.uint8)) == size_wh
