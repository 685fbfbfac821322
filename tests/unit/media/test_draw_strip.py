import time

import numpy as np
import pytest

from app.media.draw_letters import THEMES, plain, written
from app.media.draw_strip import Status, Strip, clock

FULL = Status("car-park", 83.0, 25.0, 38.0, 54.0)


def strip_of(status, width=640, height=360, value=90, theme="dark"):
    image = np.full((height, width, 3), value, np.uint8)
    Strip(theme).draw(image, status)
    rows = np.flatnonzero((image != value).any(axis=(1, 2)))
    columns = np.flatnonzero((image != value).any(axis=(0, 2)))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], rows, columns


@pytest.mark.parametrize("width, height", [(320, 180), (640, 360), (1920, 1080), (3840, 2160)])
def test_it_is_small_and_in_the_lower_left_corner(width, height):
    _, rows, columns = strip_of(FULL, width, height)
    assert rows[-1] >= height * 0.97 and columns[0] < width * 0.03
    assert len(rows) <= height * 0.09 and columns[-1] < width


@pytest.mark.parametrize("theme", sorted(THEMES))
@pytest.mark.parametrize("value", [0, 90, 255])
def test_it_is_legible_on_anything(theme, value):
    image = np.full((360, 640, 3), value, np.uint8)
    Strip(theme).draw(image, FULL)
    ground = THEMES[theme].plate.ground
    strip = image[-18:-3, 4:80]
    assert (strip == ground).all(axis=2).mean() > 0.4
    assert abs(strip.astype(int) - ground).max() > 180


def test_what_is_not_known_is_left_out():
    wide = len(strip_of(FULL)[2])
    for name in ("fps", "age_ms", "celsius"):
        assert len(strip_of(FULL._replace(**{name: None}))[2]) < wide


def test_what_has_no_room_is_left_out_and_a_long_name_is_cut():
    _, _, columns = strip_of(FULL._replace(camera="x" * 200), 320, 180)
    assert columns[-1] < 320
    strip_of(FULL, 60, 40)
    for size in ((1, 1), (7, 5)):
        Strip().draw(np.zeros(size + (3,), np.uint8), FULL)


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0.0, "0:00:00"),
        (83.9, "0:01:23"),
        (36000.0, "10:00:00"),
        (np.nan, "-"),
        (-1.0, "-"),
        (1e30, "-"),
    ],
)
def test_the_place_in_a_clip(seconds, text):
    assert clock(seconds) == text


def test_local_time_of_a_live_camera():
    assert clock(1.7e9) == time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(1.7e9))


def test_a_running_clock_leaves_nothing_behind():
    """Else each second's plates would stay for a while, and memory would be in pieces."""
    strip, image = Strip(), np.zeros((360, 640, 3), np.uint8)
    before = None
    for second in range(50):
        for part in range(2):
            status = FULL._replace(time=second + part / 2, fps=20.0 + second)
            strip.draw(image, status)
            expected = np.zeros_like(image)
            Strip().draw(expected, status)
            assert (image == expected).all()
        kept = [one.cache_info().currsize for one in (plain, written)]
        assert before in (None, kept)
        before = kept
