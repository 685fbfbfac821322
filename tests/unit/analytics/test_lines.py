"""lines: who crosses is counted once, to the right side, at any frame rate; jitter is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.lines import Line
from tests.walks import STEP_S, Watch, briefly

GATE = Line("gate", ((100, 200), (300, 200)))  # from left to right: in is down
# A box is 40 high, so that jitter may reach 4 pixels.
ABOVE, BELOW = (200, 150), (200, 250)
IN, OUT = "cross once in", "cross once out"


def watch(**changes):
    return Watch(lines=[GATE._replace(**changes)])


@pytest.mark.parametrize(
    "path, wanted",
    [
        ([], []),
        ([ABOVE], []),
        ([ABOVE, BELOW], [IN]),  # jumped over the band
        ([BELOW, ABOVE], [OUT]),
        ([ABOVE, (200, 199), (200, 201), (200, 203), BELOW], [IN]),
        ([ABOVE, (200, 200), BELOW], [IN]),
        ([ABOVE, (200, 203)], []),  # not surely across
        ([ABOVE, (200, 203), (200, 198), ABOVE], []),  # turns back
        ([ABOVE, (200, 203), (200, 198), (200, 202), BELOW], [IN]),
        ([ABOVE, BELOW, ABOVE], [IN, OUT]),
        ([(200, 198), BELOW], [IN]),  # born beside it
        ([(310, 150), (310, 250)], []),  # past its end
        ([ABOVE, (350, 150), (350, 250), BELOW], []),  # around its end
        ([(99, 150), (101, 250)], [IN]),  # just
    ],
)
def test_a_walk(path, wanted):
    assert watch().walk(path) == wanted
    seen = watch(points=GATE.points[::-1])
    assert seen.walk(path) == [{IN: OUT, OUT: IN}[told] for told in wanted]


def test_what_is_told_and_counted():
    seen = watch()
    seen.see((1, *ABOVE, 0), (2, *BELOW, 1))
    assert seen.see((1, *BELOW, 0), (2, *ABOVE, 1)) == [IN, OUT]
    seen.see((1, *ABOVE, 0), (2, *BELOW, 1))
    place = seen.place("gate")
    assert (place.inward, place.outward) == (2, 2)
    assert place.counts == (("car", 1, 1), ("person", 1, 1))
    assert place.points == GATE.points and place.kind == "line"
    event = seen.events[0]
    assert (event.kind, event.phase, event.track_id, event.place) == ("cross", "once", 1, "gate")
    assert event.xyxy == (190, 210, 210, 250) and event.when == 100 + 2 * STEP_S


@pytest.mark.parametrize(
    "path, wanted",
    [
        ([ABOVE, (200, 203)], [IN]),  # gone just behind it, as through a door
        ([ABOVE, (200, 197)], []),
        ([(200, 198), (200, 202)], []),  # never away from it
        ([ABOVE, BELOW, (200, 203)], []),
    ],
)
def test_a_track_that_is_lost_at_the_line(path, wanted):
    seen = watch()
    seen.walk(path)
    assert seen.see(ended=[1]) == wanted
    assert seen.see((1, 200, 203)) == seen.see((1, *BELOW)) == []  # another one of that id


def test_a_gap_in_a_track_is_a_step():
    seen = watch()
    seen.walk([ABOVE])
    assert seen.see() == seen.see() == []
    assert seen.walk([BELOW]) == [IN]


def test_only_classes_that_count():
    seen = watch(classes=("car",))
    seen.see((1, *ABOVE, 0), (2, *ABOVE, 1))
    assert seen.see((1, *BELOW, 0), (2, *BELOW, 1)) == [IN]
    assert seen.events[0].label == "car"


def test_another_size_of_picture_is_no_crossing():
    seen = watch(points=((0.0, 0.5), (1.0, 0.5)))
    seen.walk([(200, 200)])
    seen.size_wh = (320, 200)
    assert seen.walk([(100, 120), (100, 140)]) == []
    assert seen.walk([(100, 80)]) == [OUT]
    seen.walk([(100, 101)])  # beyond it, not surely
    seen.size_wh = (640, 480)
    assert seen.walk([(100, 300)]) == []


def test_a_bend_counts_as_one_line():
    seen = watch(points=((100, 200), (200, 250), (300, 200)))
    assert seen.walk([(200, 200), (200, 250), (200, 300)]) == [IN]
    assert seen.walk([(150, 300), (150, 190), (250, 190), (250, 300)]) == [OUT, IN]


def test_each_turn_of_a_path_that_winds_counts():
    """So that a step over both of them counts what two steps do."""
    twice = ((100, 200), (300, 200), (300, 400), (50, 400), (50, 220), (280, 220))
    assert watch(points=twice).walk([(200, 150), (200, 210), (200, 300)]) == [IN, IN]
    assert watch(points=twice).walk([(200, 150), (200, 300)]) == [IN, IN]


def clear_side(y, band):
    return int(np.sign(y - 200)) * (abs(y - 200) > band)


corner = st.tuples(st.integers(0, 600), st.integers(0, 450))
corners = st.lists(corner, min_size=2, max_size=8)


@settings(deadline=None, max_examples=60)
@given(corners)
def test_in_minus_out_is_the_change_of_side(path):
    """On a line whose ends are far away, whatever the way."""
    seen = watch(points=((-5000, 200), (5000, 200)))
    seen.walk(path)
    sides = [clear_side(y, 4) for _, y in path]
    sides = [side for side in sides if side]
    place = seen.place("gate")
    if sides and clear_side(path[0][1], 4):
        assert place.inward - place.outward == (sides[-1] - sides[0]) / 2
        assert place.inward == sides_change(sides, 1) and place.outward == sides_change(sides, -1)


def sides_change(sides, to):
    return sum(b == to and a == -to for a, b in zip(sides, sides[1:]))


def sampled(path, fps, shift, speed=300.0, rest=1.05):
    """Where one is, so often a second, who walks straight on and rests at each corner."""
    legs = [np.array(path[0], float)]
    times = [0.0, rest]
    for a, b in zip(path, path[1:]):
        times.append(times[-1] + np.hypot(b[0] - a[0], b[1] - a[1]) / speed)
        times.append(times[-1] + rest)
        legs.append(np.array(b, float))
    x, y = np.repeat(legs, 2, axis=0).T
    when = np.arange(shift / fps, times[-1], 1 / fps)
    return list(zip(np.interp(when, times, x), np.interp(when, times, y)))


@settings(deadline=None, max_examples=25)
@given(corners, st.floats(0, 0.99))
def test_the_same_at_any_frame_rate(path, shift):
    lines = [
        Line("level", ((-5000, 200), (5000, 200))),
        Line("steep", ((400, 5000), (200, -5000))),
    ]
    told = []
    for fps in (1, 2, 3.7, 10, 60):
        seen = Watch(lines=lines)
        for x, y in sampled(path, fps, shift):
            seen.see((1, x, y), after=1 / fps)
        seen.see(ended=[1])
        told.append([(place.inward, place.outward) for place in seen.places.view(seen.size_wh)])
    assert told == [told[0]] * len(told)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(50, 200),
    st.sampled_from([(), (ABOVE,), (BELOW,)]),
    st.booleans(),
)
def test_one_who_sways_on_the_line_crosses_once_at_most(seed, high, before, leaves):
    random = np.random.RandomState(seed)
    sway = random.uniform(-0.099 * high, 0.099 * high, (100, 2))
    seen = watch()
    for x, y in [*before, *(np.array([200, 200]) + sway)]:
        seen.see((1, x, y), high=high)
    assert seen.events == []
    if leaves:
        seen.see((1, 200, 400), high=high)
    else:
        seen.see(ended=[1])
    assert len(seen.events) <= 1
    if leaves and before:
        assert briefly(seen.events) == ([IN] if before == (ABOVE,) else [])
