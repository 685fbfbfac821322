import re
import time

import numpy as np
import pytest

from app.media.draw_letters import THEMES, plain, written
from app.media.slate import Slate, draw_slate, passed, said
from tests.doubles import FakeSource

LINES = ["no picture since 12:34:56 (42 s)", "the camera refused the user", "next try in 3 s"]
SIZES = [(320, 180), (1280, 720), (1920, 1080), (360, 640)]


def source(state, next_try=0.0):
    made = FakeSource(0, "door", live=True)
    made.state, made.next_try = state, next_try
    return made


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "0:01:00"),
        (3725, "1:02:05"),
        (86400, "1 d 0:00:00"),
        (3 * 86400 + 725, "3 d 0:12:05"),
    ],
)
def test_how_long(seconds, text):
    assert passed(seconds) == text


def test_before_any_picture():
    assert said(None, time.monotonic() - 42.5, False) == ["no picture yet (42 s)"]


def test_a_camera_that_plays_and_sends_nothing_gives_no_reason():
    assert len(said(source("playing"), time.monotonic(), True)) == 1


def test_the_clock_of_the_last_picture():
    (line,) = said(None, time.monotonic() - 42.5, True)
    clocks = [time.strftime("%H:%M:%S", time.localtime(time.time() - age)) for age in (42.5, 43.5)]
    assert line in [f"no picture since {clock} (42 s)" for clock in clocks]
    (line,) = said(None, time.monotonic() - 3 * 86400, True)
    assert re.match(r"no picture since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(3 d 0:00:0\d\)$", line)


@pytest.mark.parametrize(
    "state, soon, lines",
    [
        ("connecting", None, ["connecting"]),
        ("lost: connection refused", None, ["connection refused"]),
        ("lost: connection refused", 2.5, ["connection refused", "next try in 3 s"]),
        ("lost: connection refused", -1.0, ["connection refused", "trying now"]),
    ],
)
def test_the_reason_and_what_is_next(state, soon, lines):
    next_try = 0.0 if soon is None else time.monotonic() + soon
    assert said(source(state, next_try), time.monotonic(), False)[1:] == lines


@pytest.mark.parametrize("theme", sorted(THEMES))
@pytest.mark.parametrize("size_wh", SIZES)
def test_all_of_it_stands_inside_in_the_themes_colours(size_wh, theme):
    image = draw_slate(size_wh, "front-door", LINES, theme)
    assert image.shape == (size_wh[1], size_wh[0], 3)
    away = np.abs(image.astype(int) - THEMES[theme].plate.ground).max(axis=2)
    assert away[:, -2:].max() == away[:2].max() == away[-2:].max() == 0, "nothing is cut"
    assert away.max() > 120, "ink can be told from paper"
    rows = np.flatnonzero(away[:, size_wh[0] // 8 :].max(axis=1) > 60)
    gaps = np.count_nonzero(np.diff(rows) > 1)
    assert gaps >= 3, "four lines, one below the other"


@pytest.mark.parametrize("size_wh", SIZES)
@pytest.mark.parametrize("row", range(3))
def test_each_line_is_seen(size_wh, row):
    """Another text is another picture: no line is left out."""
    other = list(LINES)
    other[row] = other[row].replace("3", "4") if "3" in other[row] else "it is frozen"
    whole, changed = (draw_slate(size_wh, "door", lines) for lines in (LINES, other))
    assert (whole != changed).any()


def test_what_there_is_no_room_for_is_left_out_from_the_end():
    long = " ".join(["why"] * 200)
    assert (draw_slate((160, 90), "d", LINES + [long]) == draw_slate((160, 90), "d", LINES)).all()
    assert draw_slate((64, 64), "a-name-that-is-too-long-for-it", [long]).shape == (64, 64, 3)
    assert draw_slate((64, 64), "", []).shape == (64, 64, 3)


def test_a_slate_is_drawn_anew_only_when_it_says_something_else():
    door = source("connecting")
    slate, since = Slate("door", door), time.monotonic() - 1000.2
    first = slate.picture((320, 180), since, True)
    assert slate.picture((320, 180), since, True) is first
    door.state = "lost: connection refused"
    assert slate.picture((320, 180), since, True) is not first
    assert slate.picture((640, 360), since, True).shape == (360, 640, 3)


def test_seconds_that_pass_leave_nothing_behind():
    """Else each second's lines would stay for a while, and memory would be in pieces."""
    before = [one.cache_info().currsize for one in (plain, written)]
    for second in range(20):
        draw_slate((640, 360), "door", [f"no picture yet ({second} s)", f"next try in {second} s"])
    assert [one.cache_info().currsize for one in (plain, written)] == before
