import pytest

from app.core.load import Ease, Load
from app.core.turns import MOST, Turns
from tests.doubles import frame


def looked_at(turns, numbers, **rest):
    return [one.number for n in numbers for one in turns.admit([frame(n, **rest)]) if one.look]


@pytest.mark.parametrize(
    "interval, expected", [(1, [0, 1, 2, 3, 4, 5, 6]), (2, [0, 2, 4, 6]), (3, [0, 3, 6])]
)
def test_every_nth_frame_is_looked_at(interval, expected):
    assert looked_at(Turns(interval), range(7)) == expected


def test_of_frames_that_were_dropped_on_the_way_none_counts():
    assert looked_at(Turns(3), [0, 1, 5, 6, 7, 8, 20, 21]) == [0, 6, 20]
    assert looked_at(Turns(2), range(0, 60, 12)) == [0, 24, 48], "nor of those left out on purpose"


def test_each_camera_has_turns_of_its_own():
    turns = Turns(2)
    turns.admit([frame(0, "a")])
    batch = turns.admit([frame(1, "a"), frame(0, "b")])
    assert [(one.source, one.look) for one in batch] == [("a", False), ("b", True)]


def finished(turns, late, count, live=True):
    """``count`` frames go all the way, each ``late`` seconds after it was captured."""
    first = finished.number
    for number in range(first, first + count):
        (one,) = turns.admit([frame(number, live=live)])
        turns.done(one._replace(marks=(("end", one.captured + late),)))
    finished.number += count
    return turns.intervals()["cam"]


def test_auto_looks_less_often_while_frames_are_late_and_again_once_they_are_not():
    finished.number = 0
    turns = Turns(0, latency_s=0.1)
    assert finished(turns, 0.05, 50) == 1
    grown = finished(turns, 0.2, 4)
    assert grown > 1
    assert finished(turns, 0.2, 500) == MOST
    assert finished(turns, 0.08, 500) == MOST, "early enough, but not by much"
    assert finished(turns, 0.04, 30) == MOST - 1
    assert finished(turns, 0.04, 1000) == 1


def test_auto_looks_at_each_frame_of_a_file():
    finished.number = 0
    assert finished(Turns(0, latency_s=0.1), 5.0, 100, live=False) == 1


def test_an_eased_load_makes_a_live_camera_look_less_often():
    load = Load()
    turns = Turns(2, load=load)
    assert len(looked_at(turns, range(12), live=True)) == 6
    load.ease = Ease(interval=3)
    assert len(looked_at(turns, range(12), live=True)) == 4
    assert len(looked_at(Turns(2, load=load), range(12))) == 6  # a file waits, and loses nothing
    load.ease = Ease()
    assert len(looked_at(turns, range(12), live=True)) == 6
