import numpy as np
import pytest

from app.core.detections import Detections
from app.core.event import Attribute, Place
from app.core.frame import Frame, Top
from app.media.draw import Style
from app.media.draw_strip import Status, Strip
from app.stages.overlay import Overlay


def frame(found):
    return Frame("cam1", 0, 0.0, np.zeros((180, 320, 3), np.uint8), detections=found)


def test_it_draws_in_place_on_the_frame_s_own_picture():
    empty, full = (
        frame(Detections.empty()),
        frame(Detections(xyxy=[[50, 50, 90, 90]], score=[0.5], class_id=[0])),
    )
    results = list(Overlay().run([frame(None), empty, full]))
    assert not results[0].image.any() and not results[1].image.any()
    assert results[2].image is full.image and full.image.any()


def test_it_lists_what_a_classifier_said():
    unsure, sure = frame(None)._replace(tops=()), frame(None)._replace(tops=(Top(0, 0.9),))
    results = list(Overlay().run([unsure, sure]))
    assert not results[0].image.any() and results[1].image.any()


def moving(number, places=(), track=7, camera="cam1", marks=(), y=60.0):
    x = 50 + 8 * number
    found = Detections(xyxy=[[x, y, x + 30, y + 60]], score=[0.5], class_id=[0], track_id=[track])
    image = np.zeros((180, 320, 3), np.uint8)
    return Frame(
        camera, number, number / 10, image, detections=found, places=places, marks=marks
    )  # fmt: skip


def test_each_camera_has_its_own_trails():
    alone, both = Style(boxes=False), Style(boxes=False)
    one = [moving(number) for number in range(10)]
    list(Overlay(alone).run(one))
    mixed = [moving(number, camera=camera) for number in range(10) for camera in ("cam1", "cam2")]
    list(Overlay(both).run(mixed))
    assert one[-1].image.any()
    assert (mixed[-2].image == one[-1].image).all() and (mixed[-1].image == one[-1].image).all()


@pytest.mark.parametrize("off", [{"boxes": False}, {"trail_s": 0.0}, {"zones": False}])
def test_each_part_can_be_left_out(off):
    zone = (Place("zone", "a", ((5.0, 5.0), (90.0, 5.0), (90.0, 90.0))),)
    all_of_it = [moving(number, zone) for number in range(10)]
    less = [moving(number, zone) for number in range(10)]
    list(Overlay().run(all_of_it))
    list(Overlay(Style(**off)).run(less))
    assert (all_of_it[-1].image != less[-1].image).any()
    off_all = Style(boxes=False, trail_s=0.0, zones=False)
    assert not list(Overlay(off_all).run([moving(3, zone)]))[0].image.any()


def test_attributes_of_a_track_are_on_a_second_line():
    plain, known = moving(0), moving(0)._replace(attributes={7: (Attribute("coat", "red", 0.9),)})
    other = moving(0)._replace(attributes={8: (Attribute("coat", "red", 0.9),)})
    list(Overlay().run([plain])), list(Overlay().run([known])), list(Overlay().run([other]))
    tops = [np.flatnonzero(one.image.any(axis=(1, 2)))[0] for one in (plain, known, other)]
    assert tops[1] < tops[0] == tops[2]


def test_a_plate_does_not_go_to_and_fro_with_the_noise_of_its_box():
    """At the upper edge, a box just about twice as high as its plate: once below, it stays."""
    style = Style(trail_s=0.0, score=False)
    frames = []
    for number, tall in enumerate((30, 34, 30, 34, 38)):
        found = Detections(xyxy=[[50, 2, 90, 2 + tall]], score=[1], class_id=[0], track_id=[7])
        frames.append(moving(number)._replace(detections=found))
    list(Overlay(style).run(frames))
    ends = [np.flatnonzero(one.image.any(axis=(1, 2)))[-1] for one in frames]
    assert all(end > 45 for end in ends), "the plate is below in all"
    fresh = frames[1]._replace(image=np.zeros((180, 320, 3), np.uint8))
    list(Overlay(style).run([fresh]))
    assert np.flatnonzero(fresh.image.any(axis=(1, 2)))[-1] < 45, "though not if it never was"


def test_a_plate_moves_no_further_than_its_box():
    """As the box goes up and out of the picture."""
    style, tops = Style(trail_s=0.0), []
    frames = [moving(0, y=float(y)) for y in range(40, -10, -1)]
    list(Overlay(style).run(frames))
    for one in frames:
        tops.append(np.flatnonzero(one.image.any(axis=(1, 2)))[0])
    assert max(abs(np.diff(tops))) <= 1


def strips(frames, **rest):
    style = Style(boxes=False, trail_s=0.0, strip=True)
    list(Overlay(style, **rest).run(frames))
    return [np.flatnonzero(one.image.any(axis=(0, 2)))[-1] for one in frames]


def test_the_strip_knows_more_after_a_second_and_is_calm_within_it():
    """Camera and time, then the age, then the rate as well; time passes in the clip all along."""
    frames = [moving(number, marks=(("watch", number / 10 + 0.04),)) for number in range(21)]
    wide = strips(frames)
    assert len(set(wide[:10])) == 1 and len(set(wide[10:])) == 1 and wide[0] < wide[10]


def test_the_strip_says_rate_age_and_temperature():
    frames = [moving(number, marks=(("watch", number / 10 + 0.04),)) for number in range(12)]
    asked = []

    def celsius():
        asked.append(1)
        return 54.2

    strips(frames, celsius=celsius)
    expected = np.zeros((180, 320, 3), np.uint8)
    Strip().draw(expected, Status("cam1", 0.0, 10.0, 40.0, 54.2))
    assert (frames[-1].image == expected).all() and len(asked) == 2
