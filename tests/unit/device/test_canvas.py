"""canvas: what of a picture comes into the input, and NV12."""

import numpy as np
import pytest

from app.device.backend import InputSpec, Placement

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
canvas = pytest.importorskip("app.device.canvas")

CROP = InputSpec((32, 24), "nhwc", "bgr", (0.0,) * 3, (1.0,) * 3, Placement.CENTRE_CROP, 9)


def picture(wide, high, channels=3):
    shape = (high, wide, channels)
    return np.random.RandomState(wide).randint(0, 256, shape).astype(np.uint8)


def placed(image, spec):
    made = canvas.Canvas(spec)
    made.batch(1)
    made.place(0, image)
    return made.batch(1)[0]


@pytest.mark.parametrize(
    "image_wh, short, resized_wh, left, top",
    [
        ((320, 240), None, (32, 24), 0, 0),
        ((320, 240), 48, (64, 48), 16, 12),
        ((240, 320), 48, (48, 64), 8, 20),
        ((7, 9), 32, (32, 41), 0, 8),
    ],
)
@pytest.mark.parametrize("channels", [3, 4])
def test_the_middle_is_cut_from_the_resized_picture(
    image_wh, short, resized_wh, left, top, channels
):
    image = picture(*image_wh, channels=channels)
    out = placed(image, CROP._replace(resize=short))
    resized = cv2.resize(image, resized_wh, interpolation=cv2.INTER_LINEAR)
    assert np.abs(out - resized[top : top + 24, left : left + 32, :3]).max() <= 1


def test_cut_on_one_axis_and_bordered_on_the_other():
    image = picture(33, 31)
    out = placed(image, CROP._replace(resize=30))
    resized = cv2.resize(image, (31, 30), interpolation=cv2.INTER_LINEAR)
    assert np.abs(out[:, :31] - resized[3:27]).max() <= 1
    assert (out[:, 31] == 9).all()


def test_a_crop_larger_than_the_resized_picture_has_a_border():
    out = placed(picture(40, 20), CROP._replace(resize=10))  # 20x10 in 32x24
    assert (out[7:17, 6:26] != 9).any(axis=(0, 2)).all()
    out[7:17, 6:26] = 9
    assert (out == 9).all()


@pytest.mark.parametrize("image_wh", [(200, 4), (4, 200), (99, 1), (1, 1)])
def test_what_is_sampled_is_what_a_resize_would_give(image_wh):
    """A strip of 10000x1 would be resized to 2560000x256, 2 GB of which little is seen."""
    image = picture(*image_wh)
    spec = CROP._replace(resize=150)
    fit = spec.fit(image_wh)
    assert fit.wide * fit.high > 16 * 32 * 24
    whole = cv2.resize(image, (fit.wide, fit.high), interpolation=cv2.INTER_LINEAR)
    expected = whole[-fit.top : -fit.top + 24, -fit.left : -fit.left + 32]
    assert np.abs(placed(image, spec) - expected).max() <= 1


@pytest.mark.parametrize("image_wh", [(10000, 1), (1, 10000)])
def test_a_strip_costs_no_more_than_what_is_seen(image_wh):
    out = placed(np.full(image_wh[::-1] + (3,), 77, np.uint8), CROP._replace(resize=256))
    assert np.allclose(out, 77)


def test_another_picture_leaves_nothing_of_the_one_before():
    made = canvas.Canvas(CROP._replace(resize=20))
    rows = made.batch(1)
    made.place(0, np.full((24, 48, 3), 200, np.uint8))  # 40x20
    assert set(np.unique(rows[0, 2:22])) == {200} and set(np.unique(rows[0, :2])) == {9}
    made.place(0, np.full((48, 24, 3), 100, np.uint8))  # 20x40
    assert set(np.unique(rows[0, :, 6:26])) == {100} and set(np.unique(rows[0, :, :6])) == {9}


def nv12(wide, high, luma, blue, red):
    image = np.empty((high * 3 // 2, wide), np.uint8)
    image[:high] = luma
    image[high:, 0::2], image[high:, 1::2] = blue, red
    return image


@pytest.mark.parametrize(
    "luma, blue, red, bgr",
    [  # limited range of BT.601: 16 is black, 235 is white
        (16, 128, 128, (0, 0, 0)),
        (235, 128, 128, (255, 255, 255)),
        (126, 128, 128, (128, 128, 128)),
        (81, 90, 240, (0, 0, 255)),
        (145, 54, 34, (0, 255, 0)),
        (41, 240, 110, (255, 0, 0)),
    ],
)
def test_nv12_becomes_bgr(luma, blue, red, bgr):
    out = canvas.cut(nv12(64, 48, luma, blue, red), np.array([0, 0, 64, 48], np.float32))
    assert out.shape == (48, 64, 3) and np.abs(out.astype(int) - bgr).max() <= 2


@pytest.mark.parametrize(
    "window",
    [(0, 0, 64, 48), (1, 1, 9, 8), (2, 4, 33, 21), (-5, 40, 7, 99), (63, 47, 64, 48), (7, 7, 7, 7)],
)
def test_a_window_of_nv12_is_the_window_of_its_bgr(window):
    image = np.random.RandomState(3).randint(0, 256, (72, 64)).astype(np.uint8)
    whole = cv2.cvtColor(image, cv2.COLOR_YUV2BGR_NV12)
    window = np.array(window, np.float32)
    assert (canvas.cut(image, window) == canvas.cut(whole, window)).all()
