"""zones: who is in, for how long, and how many; and that jitter is no visit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.zones import CROWD_HOLD_S, Zone
from app.core.event import Attribute
from tests.walks import STEP_S, Watch, briefly, check_balance

YARD = Zone("yard", ((100, 100), (300, 100), (300, 300), (100, 300)))
# A box is 40 high, so that jitter may reach 4 pixels.
INSIDE, AT_BORDER, OUTSIDE = (200, 200), (102, 200), (50, 200)


def watch(**changes):
    return Watch([YARD._replace(**changes)])


def test_nobody():
    seen = Watch()
    assert seen.see() == [] and seen.see((1, 5, 5)) == [] and seen.empty() == []
    seen = watch()
    assert seen.see() == [] and seen.empty() == [] and seen.place("yard").now == 0


def test_a_visit():
    seen = watch()
    assert seen.walk([OUTSIDE, INSIDE, INSIDE]) == ["enter begin"]
    assert seen.place("yard").now == 1
    assert seen.walk([OUTSIDE, OUTSIDE]) == ["enter end left"]
    begun, end = seen.events
    assert begun.track_id == 1 and begun.label == "person" and begun.camera == "yard"
    assert begun.xyxy == (190, 160, 210, 200) and begun.score == 0.5
    assert begun.time == begun.when + 1e9
    assert end.seconds == 2 * STEP_S and end.id == begun.id
    place = seen.place("yard")
    assert (place.now, place.total, place.counts) == (0, 1, (("person", 1, 0),))


@pytest.mark.parametrize(
    "path, wanted",
    [
        ([AT_BORDER], ["enter begin"]),  # born just inside
        ([OUTSIDE, AT_BORDER], []),  # not surely inside yet
        ([OUTSIDE, (105, 200)], ["enter begin"]),
        ([INSIDE, (97, 200)], ["enter begin"]),  # not surely outside yet
        ([INSIDE, (95, 200)], ["enter begin", "enter end left"]),
        ([OUTSIDE, (400, 200)], []),  # jumped over it: never seen inside
    ],
)
def test_borders(path, wanted):
    assert watch().walk(path) == wanted


def test_a_zone_narrower_than_jitter_can_be_entered():
    seen = watch(points=((100, 0), (104, 0), (104, 400), (100, 400)))
    assert seen.walk([OUTSIDE, (102, 200), OUTSIDE]) == ["enter begin", "enter end left"]


@pytest.mark.parametrize("point, y", [("top", 240), ("centre", 220), ("bottom", 200)])
def test_the_point_that_counts(point, y):
    seen = watch(point=point, points=((100, 190), (300, 190), (300, 210), (100, 210)))
    assert seen.walk([(200, y)]) == ["enter begin"]
    assert (
        watch(point=point, points=((100, 0), (300, 0), (300, 150), (100, 150))).walk([(200, y)])
        == []
    )


def test_only_classes_that_count_do_so_when_they_enter():
    seen = watch(classes=("car",))
    assert seen.see((1, *INSIDE, 0)) == []
    assert seen.see((1, *INSIDE, 1)) == ["enter begin"]
    assert seen.see((1, *INSIDE, 0)) == []  # it stays what it came as
    assert seen.see((1, *OUTSIDE, 0)) == ["enter end left"]
    assert [event.label for event in seen.events] == ["car", "car"]
    assert seen.see((1, *INSIDE, 0)) == []
    assert seen.see((1, *INSIDE, 0), labels=("car", "person")) == ["enter begin"]


def test_a_class_without_a_label():
    seen = watch(classes=("class 7", "class -1"))
    assert seen.see((1, *INSIDE, 7), (2, *INSIDE, -1), (3, *INSIDE, 8)) == ["enter begin"] * 2


def test_a_track_that_is_not_seen_stays_until_it_has_ended():
    seen = watch()
    seen.walk([INSIDE])
    assert seen.see() == [] and seen.place("yard").now == 1
    assert seen.see(ended=[7]) == []
    assert seen.see(ended=[1]) == ["enter end lost"]
    assert seen.see(ended=[1]) == [] and seen.place("yard").now == 0
    assert seen.see((1, *INSIDE)) == ["enter begin"]  # an id may be used again
    assert seen.empty() == ["enter end lost"] and seen.empty() == []
    assert seen.place("yard").total == 2 and seen.place("yard").now == 0


def test_what_ends_in_the_picture_that_shows_it_has_ended():
    seen = watch(dwell_s=0.0)
    assert seen.see((1, *INSIDE), ended=[1]) == ["enter begin", "enter end lost"]


def test_dwell_is_one_visit():
    seen = watch(dwell_s=8 * STEP_S)
    assert seen.walk([INSIDE] * 8 + [OUTSIDE] + [INSIDE] * 8) == [
        "enter begin", "enter end left", "enter begin",
    ]  # fmt: skip
    assert seen.walk([INSIDE]) == ["dwell begin"] and seen.place("yard").alarm
    assert seen.walk([INSIDE] * 20) == []
    assert seen.walk([OUTSIDE]) == ["dwell end left", "enter end left"]
    assert not seen.place("yard").alarm
    assert check_balance(seen.events) == {}


def test_loiter_is_all_visits():
    seen = watch(loiter_s=8 * STEP_S)
    told = seen.walk(([INSIDE] * 3 + [OUTSIDE] * 30) * 2)
    assert told == ["enter begin", "enter end left"] * 2
    assert seen.walk([INSIDE] * 2) == ["enter begin"]
    assert seen.walk([INSIDE]) == ["loiter begin"]
    assert seen.walk([OUTSIDE]) == ["loiter end left", "enter end left"]
    assert seen.walk([INSIDE]) == ["enter begin", "loiter begin"]
    assert seen.see(ended=[1]) == ["loiter end lost", "enter end lost"]
    assert seen.walk([INSIDE] * 8) == ["enter begin"]  # another track of that id
    assert seen.empty() == ["enter end lost"]
    assert check_balance(seen.events) == {}


def test_a_track_that_is_hidden_dwells_on():
    seen = watch(dwell_s=1.0)
    seen.walk([INSIDE])
    assert seen.see(after=2.0) == ["dwell begin"]
    assert seen.see(after=2.0, ended=[1]) == ["dwell end lost", "enter end lost"]
    seen.walk([INSIDE])
    assert seen.see(after=2.0, ended=[1]) == ["enter end lost"]  # not known to have been there


def test_a_crowd_has_to_last():
    seen = watch(crowd=2)
    one, two = [(1, *INSIDE)], [(1, *INSIDE), (2, 250, 250)]
    short, long = CROWD_HOLD_S * 0.9, CROWD_HOLD_S * 1.1
    assert seen.see(*two) == ["enter begin"] * 2
    assert seen.see(*one, ended=[2], after=short) == ["enter end lost"]
    assert seen.see(*two, after=long) == ["enter begin"]
    assert seen.see(*two, after=short) == [] and not seen.place("yard").alarm
    assert seen.see(*two, after=short) == ["crowd begin"] and seen.place("yard").alarm
    assert seen.see(*one, (2, *OUTSIDE)) == ["enter end left"]
    assert seen.see(*two, after=short) == ["enter begin"]  # not fewer for long enough
    assert seen.see(*one, (2, *OUTSIDE), after=long) == ["enter end left"]
    assert seen.see(*one, after=long) == ["crowd end fewer"]
    crowd = [event for event in seen.events if event.kind == "crowd"]
    assert [(e.present, e.track_id, e.xyxy) for e in crowd] == [(2, -1, ()), (1, -1, ())]
    seen.see(*two)
    assert seen.see(*two, after=long) == ["crowd begin"]
    assert seen.empty() == ["enter end lost"] * 2 + ["crowd end fewer"]
    assert check_balance(seen.events) == {}
    assert seen.see(after=long) == seen.see(after=long) == []


def test_what_is_known_of_a_track_is_told_again_at_its_end():
    seen = watch()
    red = Attribute("colour", "red", 0.9)
    seen.see((1, *INSIDE), attributes={1: (red,)})
    seen.empty()
    assert [event.attributes for event in seen.events] == [(red,), (red,)]


def test_fractions_follow_the_size_of_the_picture():
    seen = watch(points=((0.5, 0), (1, 0), (1, 1), (0.5, 1)))
    assert seen.see((1, 400, 200)) == ["enter begin"]
    seen.size_wh = (1280, 960)
    assert seen.see((1, 800, 400)) == []
    assert seen.place("yard").points == ((640, 0), (1280, 0), (1280, 960), (640, 960))
    assert seen.see((1, 400, 400)) == ["enter end left"]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0, 2 * np.pi),
    st.integers(50, 200),
    st.booleans(),
)
def test_jitter_at_a_border_is_one_visit_at_most(seed, where, high, comes_from_afar):
    """Noise of up to a tenth of the box's height about a point of the border."""
    random = np.random.RandomState(seed)
    corner = np.array([np.cos(where), np.sin(where)])
    at = 200 + 100 * corner / np.abs(corner).max()
    seen = watch()
    if comes_from_afar:
        seen.see((1, *(200 + 3 * (at - 200))), high=high)
    reach = random.uniform(0, 0.099 * high, 100)
    angle = random.uniform(0, 2 * np.pi, 100)
    for x, y in zip(at[0] + reach * np.cos(angle), at[1] + reach * np.sin(angle)):
        seen.see((1, x, y), high=high)
    assert briefly(seen.events) in ([], ["enter begin"])
