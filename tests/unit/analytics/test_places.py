"""places: events balance whatever happens, counters survive, memory has an end."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.alive import MOST
from app.analytics.lines import Line
from app.analytics.speeds import Scale
from app.analytics.zones import Zone
from app.core.detections import Detections
from tests.walks import LABELS, SIZE, Watch, briefly, check_balance

ZONES = [
    Zone("a", ((0, 0), (200, 0), (200, 200), (0, 200)), dwell_s=0.5, loiter_s=1.0, crowd=2),
    Zone("b", ((100, 100), (300, 100), (200, 300)), classes=("car",), point="centre", dwell_s=2.0),
]
LINES = [
    Line("c", ((0, 150), (300, 150))),
    Line("d", ((150, 0), (160, 150), (150, 300)), classes=("person",), point="top"),
]

row = st.tuples(st.integers(0, 4), st.integers(-20, 320), st.integers(-20, 320), st.integers(0, 2))
picture = st.tuples(
    st.lists(row, max_size=5),  # an id may come twice
    st.lists(st.integers(0, 5), max_size=2),  # ended
    st.sampled_from([0.0, 0.03, 0.4, 3.0]),
    st.sampled_from(["", "", "", "", "empty", "size"]),
)


@settings(deadline=None, max_examples=120)
@given(st.lists(picture, max_size=40))
def test_every_begin_has_one_end(pictures):
    seen = Watch(ZONES, LINES)
    for rows, ended, after, also in pictures:
        seen.see(*rows, ended=ended, after=after)
        if also == "empty":
            seen.empty()
            assert check_balance(seen.events) == {}
        elif also == "size":
            seen.size_wh = (seen.size_wh[1], seen.size_wh[0])
        begun = check_balance(seen.events)
        for place in seen.places.view(seen.size_wh):
            told = [e for e in seen.events if e.place == place.name]
            kinds = [e.kind for e in begun.values() if e.place == place.name]
            if place.kind == "zone":
                entered = [e for e in told if e.kind == "enter" and e.phase == "begin"]
                assert place.now == kinds.count("enter") and place.total == len(entered)
                assert place.alarm == bool(set(kinds) - {"enter"})
            else:
                ways = [e.direction for e in told if e.kind == "cross"]
                assert (place.inward, place.outward) == (ways.count("in"), ways.count("out"))
            assert sum(count[1] + count[2] for count in place.counts) == (
                place.total + place.inward + place.outward
            )
    seen.empty()
    assert check_balance(seen.events) == {}
    assert [place.now for place in seen.places.view(SIZE)] == [0] * 4


def test_the_order_of_what_is_told():
    seen = Watch(ZONES[:1], LINES[:1])
    assert seen.see((1, 100, 50), (2, 120, 50)) == ["enter begin"] * 2
    assert seen.see((1, 100, 50), (2, 120, 50), after=2.0) == [
        "dwell begin", "dwell begin", "loiter begin", "loiter begin", "crowd begin",
    ]  # fmt: skip
    assert seen.see((1, 100, 250)) == [
        "dwell end left", "loiter end left", "enter end left", "cross once in",
    ]  # fmt: skip
    assert seen.empty() == [
        "dwell end lost", "loiter end lost", "enter end lost", "crowd end fewer",
    ]  # fmt: skip


def test_rows_that_are_no_track():
    seen = Watch(ZONES, LINES)
    bad = np.array([[np.nan] * 4, [0, 0, np.inf, 9], [90, 60, 110, 100], [90, 60, 110, 100]])
    tracks = Detections(
        xyxy=bad, score=np.ones(4), class_id=np.zeros(4), track_id=np.array([1, 2, -1, 3])
    )
    told = seen.places.update(tracks, (), LABELS, SIZE, 1.0, 1.0)
    assert [(e.place, e.track_id) for e in told] == [("a", 3)]


def test_memory_ends_where_nobody_says_that_tracks_do():
    seen = Watch(ZONES, LINES)
    for first in range(0, 3 * MOST, 64):
        seen.see(*[(first + each, 100, 50) for each in range(64)], after=0.01)
    assert seen.place("a").now == MOST and seen.place("a").total == 3 * MOST
    ends = [e for e in seen.events if e.kind == "enter" and e.phase == "end"]
    assert [e.reason for e in ends] == ["lost"] * (2 * MOST)
    assert sorted(e.track_id for e in ends) == list(range(2 * MOST))  # the oldest
    assert (
        seen.see(*[(9999 + each, 100, 50) for each in range(MOST + 9)]).count("enter begin") == MOST
    )
    seen.empty()
    assert check_balance(seen.events) == {}


def test_those_go_first_that_were_not_seen_for_longest():
    seen = Watch(ZONES[:1])
    seen.see((0, 100, 50), (1, 100, 50))
    seen.see((0, 100, 50), after=0.001)
    seen.see(*[(2 + each, 400, 400) for each in range(MOST - 1)], after=0.001)
    assert [e.track_id for e in seen.events if e.reason == "lost"] == [1]


def test_one_that_is_seen_is_not_forgotten_for_others():
    seen = Watch(ZONES[:1])
    for first in range(1, 2000, 100):
        seen.see((0, 100, 50), *[(first + each, 400, 400) for each in range(100)], after=0.001)
    assert briefly(seen.events) == ["enter begin"]
    assert seen.place("a").now == 1


def counted():
    seen = Watch(ZONES, LINES)
    seen.see((1, 100, 50), (2, 250, 50, 1))
    seen.see((1, 100, 250), (2, 250, 250, 1))
    return seen


def test_counters_survive_a_restart():
    first = counted()
    state = json.loads(json.dumps(first.places.state()))
    second = Watch(ZONES, LINES)
    second.places.view(SIZE)
    second.places.restore(state)
    assert second.places.view(SIZE) == first.places.view(SIZE)
    assert second.place("c").inward == 2 and second.places.state() == state
    second.see((1, 100, 50))
    assert second.places.state()["zones"]["a"] == {"person": [2, 0]}
    assert first.places.state() == state  # a copy


@pytest.mark.parametrize(
    "state",
    [
        None, [], 5, "zones", {}, {"zones": None, "lines": [1]}, {"zones": {"z": {"x": [1, 2]}}},
        {"zones": {"a": 5}}, {"zones": {"a": {"person": 5}}}, {"zones": {"a": {"person": [1]}}},
        {"zones": {"a": {"person": [1, -2]}}}, {"zones": {"a": {"person": [1.5, 0]}}},
        {"zones": {"a": {"person": [True, 0]}}}, {"zones": {"a": {"person": [1, "0"]}}},
        {"zones": {"a": {1: [1, 0]}}}, {"zones": {"a": {"car": [1, 0], "person": [1, None]}}},
    ],
)  # fmt: skip
def test_a_state_that_does_not_fit_changes_nothing(state):
    seen = counted()
    before = seen.places.view(SIZE)
    seen.places.restore(state)
    assert seen.places.view(SIZE) == before


def test_a_state_is_taken_place_by_place():
    seen = Watch(ZONES, LINES)
    seen.places.restore(
        {"zones": {"a": {"car": [3, 0]}, "b": "?"}, "lines": {"d": {"car": [1, 2]}}}
    )
    assert seen.place("d").counts == (("car", 1, 2),)
    assert seen.places.state()["zones"] == {"a": {"car": [3, 0]}, "b": {}}


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a", "zones"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["zones", "lines", "a", "b", "c", "person"]), inner)
        ),
        max_leaves=12,
    )
)
def test_no_state_is_an_error(state):
    seen = Watch(ZONES, LINES)
    seen.places.restore(state)
    json.dumps(seen.places.state())
    seen.places.view(SIZE)


def test_speed_is_told_with_an_event():
    """100 pixels are a metre."""
    square = ((0, 0), (100, 0), (100, 100), (0, 100))
    scale = Scale(square, ((0, 0), (1, 0), (1, 1), (0, 1)))
    for ground, speed in ((scale, 1.6), (None, 0)):
        seen = Watch(lines=[LINES[0]], ground=ground)
        seen.walk([(100, 20 * step) for step in range(20)])  # 1.6 m/s
        assert [event.speed for event in seen.events] == [pytest.approx(speed)]
