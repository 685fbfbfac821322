import numpy as np
import pytest

from app.core.detections import Detections
from app.media.draw_letters import colour_of
from app.media.draw_trails import Trails

SIZE = (640, 360)


def at(x, y=200.0, track=1, class_id=0):
    return Detections(
        xyxy=[[x - 20, y - 60, x + 20, y]], score=[1], class_id=[class_id], track_id=[track]
    )


def grey():
    return np.full((360, 640, 3), 90, np.uint8)


def walked(trails, steps=21, start=100.0, speed=10.0, when=0.0):
    for number in range(steps):
        trails.add(at(start + speed * number), when + number / 10, SIZE)
    image = grey()
    trails.draw(image)
    return image


def columns(image):
    return np.flatnonzero((image != 90).any(axis=(0, 2)))


def test_nothing_is_drawn_of_what_stands_or_has_no_track():
    trails, image = Trails(2.0), grey()
    trails.draw(image)
    trails.add(Detections.empty(), 0.0, SIZE)
    for number in range(50):
        trails.add(at(100 + number % 2), number / 10, SIZE)
        trails.add(at(10.0 * number, track=-1), number / 10, SIZE)
    trails.draw(image)
    assert not len(columns(image))


def test_it_follows_the_lower_middle_in_the_class_s_colour_and_fades():
    image = walked(Trails(2.0))
    seen = columns(image)
    assert 100 <= seen[0] <= 130 and 298 <= seen[-1] <= 302
    rows = np.flatnonzero((image != 90).any(axis=(1, 2)))
    assert rows[0] >= 198 and rows[-1] <= 202
    own = np.array(colour_of(0))
    away = [abs(image[200, x].astype(int) - own).sum() for x in (295, 240, 140)]
    assert away[0] < away[1] < away[2]
    assert away[0] < abs(90 - own).sum() / 3


def test_it_is_as_long_as_was_asked():
    assert columns(walked(Trails(0.5)))[0] > 230
    assert columns(walked(Trails(0.5), steps=40))[0] > 420


def test_plain_does_not_fade():
    image = walked(Trails(2.0, "plain"))
    line = image[200, 150:290].astype(int)
    assert abs(line - line[70]).max() < 20 and abs(line[70] - colour_of(0)).max() < 40


def test_a_track_that_is_missed_keeps_its_trail_for_a_second_and_no_longer():
    trails = Trails(5.0)
    walked(trails)
    lengths = []
    for when in (2.5, 2.9, 3.2):
        trails.add(Detections.empty(), when, SIZE)
        image = grey()
        trails.draw(image)
        lengths.append(len(columns(image)))
    assert lengths[0] > 100 and lengths[1] > 100 and lengths[2] == 0


@pytest.mark.parametrize("when, size_wh", [(2.1, (320, 180)), (1.0, SIZE)])
def test_another_size_or_an_earlier_time_begins_anew(when, size_wh):
    trails = Trails(2.0)
    walked(trails)
    trails.add(at(310.0), when, size_wh)
    image = grey()
    trails.draw(image)
    assert not len(columns(image))


def test_a_leap_leaves_no_line_across_the_picture():
    trails = Trails(2.0)
    walked(trails)
    trails.add(at(620.0), 2.1, SIZE)
    image = grey()
    trails.draw(image)
    assert not len(columns(image))


@pytest.mark.parametrize("x", [np.nan, np.inf, -np.inf, 1e30, -1e30, -5000.0])
def test_a_box_of_any_kind_does_not_matter(x):
    trails, image = Trails(2.0), grey()
    for number in range(10):
        trails.add(at(x if number % 2 else 100.0), number / 10, SIZE)
        trails.draw(image)


def test_memory_is_bounded():
    trails = Trails(1e9)
    held = trails._points.nbytes
    for number in range(400):
        trails.add(at(number * 20.0 % 600, track=number), number / 1000, SIZE)
        trails.add(at(number * 20.0, track=1000), number / 1000, SIZE)
    assert len(trails._rows) <= 256 and trails._points.nbytes == held
    assert sorted(list(trails._rows.values()) + trails._free) == list(range(256))


def test_of_more_tracks_than_are_kept_those_last_seen_are():
    trails = Trails(5.0)
    walked(trails, steps=3)
    many = np.arange(300)
    boxes = np.zeros((300, 4), np.float32)
    crowd = Detections(xyxy=boxes, score=many / 300, class_id=many * 0, track_id=many + 10)
    trails.add(crowd, 0.3, SIZE)
    assert sorted(trails._rows) == list(range(10, 266))
    trails.add(at(100.0, track=1), 0.4, SIZE)
    assert len(trails._rows) == 256 and 1 in trails._rows


def test_a_row_that_is_given_on_keeps_nothing_of_the_former_track():
    trails = Trails(5.0)
    walked(trails)
    trails.add(Detections.empty(), 3.5, SIZE)
    trails.add(at(400.0, track=2), 3.6, SIZE)
    trails.add(at(430.0, track=2), 3.7, SIZE)
    image = grey()
    trails.draw(image)
    assert columns(image)[0] > 390
