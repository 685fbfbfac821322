import numpy as np
import pytest

from app.media.yuv import encoded_size, i420, letterboxed


@pytest.mark.parametrize(
    "width, height, size",
    [(1280, 720, (1280, 720)), (641, 359, (640, 358)), (1, 1, (64, 64)), (65, 900, (64, 900))],
)
def test_encoders_get_even_sizes(width, height, size):
    image = np.zeros((height, width, 3), np.uint8)
    assert encoded_size(image) == size
    assert i420(image, size).shape == (size[1] * 3 // 2, size[0])


def test_luma_of_a_picture_that_fits_is_where_it_was():
    image = np.zeros((65, 81, 3), np.uint8)
    image[:, 40:] = 255
    yuv = i420(image, (80, 64))
    assert (yuv[:64, :40] == 16).all() and (yuv[:64, 40:] == 235).all()


def test_another_size_is_letterboxed():
    wide = letterboxed(np.full((100, 400, 3), 200, np.uint8), (200, 200))
    assert wide.shape == (200, 200, 3)
    assert (wide[75:125] == 200).all() and not wide[:75].any() and not wide[125:].any()


def test_a_fourth_channel_does_not_matter():
    image = np.random.RandomState(0).randint(0, 255, (64, 64, 4)).astype(np.uint8)
    three = np.ascontiguousarray(image[..., :3])
    assert (i420(image, (64, 64)) == i420(three, (64, 64))).all()
