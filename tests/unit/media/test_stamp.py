import cv2
import numpy as np
import pytest

from app.media import pattern
from app.media.stamp import HEIGHT, WIDTH, Stamp, draw_stamp, read_stamp


@pytest.mark.parametrize("shape", [(HEIGHT, WIDTH), (240, 320), (361, 641), (720, 1280)])
@pytest.mark.parametrize("number, monotonic", [(0, 0.0), (65535, 4294967.295), (12345, 1234.567)])
def test_what_is_drawn_is_read(shape, number, monotonic):
    image = np.full(shape + (3,), 90, np.uint8)
    draw_stamp(image, number, monotonic)
    assert read_stamp(image) == Stamp(number, int(monotonic * 1000))
    assert read_stamp(image[:, :, 0]) == read_stamp(image)


def test_numbers_wrap_and_ages_do_not_mind():
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    draw_stamp(image, 65536 + 7, 2.0**32 / 1000 + 0.25)
    stamp = read_stamp(image)
    assert stamp == (7, 250)
    assert stamp.age_s(2.0**32 / 1000 + 1.25) == pytest.approx(1.0, abs=0.002)


@pytest.mark.parametrize("quality", [20, 60])
def test_it_survives_lossy_compression(quality):
    image = pattern.draw(cv2, pattern.background((640, 360)), (640, 360), 77, 9.5)
    content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    assert read_stamp(cv2.imdecode(content, cv2.IMREAD_COLOR)) == Stamp(77, 9500)


def test_what_is_no_stamp_is_none():
    assert read_stamp(np.zeros((0, 0, 3), np.uint8)) is None
    assert read_stamp(np.zeros((HEIGHT - 1, 640, 3), np.uint8)) is None
    assert read_stamp(np.zeros((240, 320, 3), np.uint8)) is None
    noise = np.random.RandomState(1).randint(0, 256, (100, 240, 320, 3)).astype(np.uint8)
    assert [read_stamp(each) for each in noise] == [None] * 100


def test_a_wrong_cell_is_noticed():
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    draw_stamp(image, 3, 5.0)
    for row in range(0, HEIGHT, 16):
        for column in range(0, WIDTH, 16):
            broken = image.copy()
            broken[row : row + 16, column : column + 16] ^= 255
            assert read_stamp(broken) is None
