"""test_relief: less is done while it must be, no longer, and never to and fro."""

import math

import pytest

from app.core.load import Ease, Load
from app.service.relief import STEPS, LimitsSettings, Relief, described, steps


def test_steps_do_ever_less():
    for more, less in zip(STEPS, STEPS[1:]):
        assert less.interval >= more.interval and less.scale <= more.scale
        assert (less.fps or math.inf) <= (more.fps or math.inf) and less != more
    assert steps(own=5)[1] == Ease(fps=15), "what is asked for already is no step"
    assert steps(shown=False, scale=False) == tuple(Ease(interval=n) for n in (1, 2, 3, 5, 8))
    assert steps(interval=False, shown=False, scale=False) == (Ease(),)
    shown = steps(interval=False)
    assert {one.interval for one in shown} == {1}
    assert len(set(shown)) == len(shown) and shown[0] == Ease() and shown[-1].scale == 0.5


def run(relief, seconds, latency=None, heat=None, start=0):
    """The level after each second; latency and heat may be functions of (second, load)."""
    levels = []
    for second in range(start, start + seconds):
        values = [one(second) if callable(one) else one for one in (latency, heat)]
        relief.learn(float(second), *values)
        levels.append(relief.level)
    return levels


def test_a_short_peak_changes_nothing():
    relief = Relief(LimitsSettings(latency_ms=100), Load())
    assert set(run(relief, 120, lambda second: 500 if second % 4 < 3 else 50)) == {0}


def test_late_frames_ease_the_load_step_by_step():
    load = Load()
    relief = Relief(LimitsSettings(latency_ms=100), load)
    levels = run(relief, 60, 150)
    assert levels[2] == 0 and levels[4] == 1  # three seconds late
    assert [levels.index(level) for level in range(1, 5)] == [3, 8, 13, 18]  # each given time
    assert load.ease == STEPS[levels[-1]] and levels[-1] == len(STEPS) - 1
    assert relief.reason == (
        "the detector looks at every 8. frame, 5 pictures a second are shown, pictures are 0.5 of "
        "their size, as latency is 150 ms, above 100"
    )


def test_calm_gives_it_all_back():
    load = Load()
    relief = Relief(LimitsSettings(latency_ms=100, max_temperature_c=80), load)
    run(relief, 20, 150, 60)
    high = relief.level
    assert high >= 3
    run(relief, 600, 90, 60, start=20)  # below the limit, and too near to it
    assert relief.level == high
    levels = run(relief, 600, 30, 60, start=620)
    assert levels[-1] == 0 and load.ease == Ease() and relief.reason == ""
    assert all(before - after in (0, 1) for before, after in zip(levels, levels[1:]))


@pytest.mark.parametrize("limits", [LimitsSettings(), LimitsSettings(memory_mb=100)])
def test_without_a_limit_nothing_is_done(limits):
    relief = Relief(limits, Load())
    assert set(run(relief, 100, 9999, 200)) == {0}


def test_what_cannot_be_told_asks_for_nothing():
    relief = Relief(LimitsSettings(latency_ms=100, max_temperature_c=80), Load())
    assert set(run(relief, 100)) == {0}
    run(relief, 20, None, 90)
    assert relief.level == 1
    run(relief, 140, None, None, start=20)  # a sensor that is gone does not hold it
    assert relief.level == 0


HEAT = (1.0, 0.75, 0.65, 0.55, 0.5, 0.45, 0.35, 0.3, 0.2)  # of full load, at each step


@pytest.mark.parametrize("ambient", [20, 33, 45, 55, 65])
@pytest.mark.parametrize("minutes", [1, 4, 15])  # the time constant of the box
def test_a_box_in_the_sun_stays_cool_and_does_not_oscillate(ambient, minutes):
    """
    Heat as in a box with one capacity: dT/dt = (ambient + rise * load - T) / constant, read with
    a sensor's noise; three hours.
    """
    load = Load()
    relief = Relief(LimitsSettings(max_temperature_c=80), load)
    celsius, readings, levels = float(ambient), [], []
    for second in range(3 * 3600):
        target = ambient + 45 * HEAT[STEPS.index(load.ease)]
        celsius += (target - celsius) / (60.0 * minutes)
        relief.learn(float(second), None, celsius + 0.7 * math.sin(second * 12.9898))
        readings.append(celsius)
        levels.append(relief.level)
    coolest = ambient + 45 * HEAT[-1]
    assert max(readings[1800:]) < max(84, coolest + 1)
    changes = [second for second, (a, b) in enumerate(zip(levels, levels[1:])) if a != b]
    last_hour = [second for second in changes if second > 2 * 3600]
    assert len(last_hour) <= 4, "it goes to and fro"
    assert (levels[-1] == 0) == (ambient + 45 < 80)


def test_a_load_on_the_edge_changes_ever_more_rarely():
    """Full work is always too late, one step less always early enough: the worst case."""
    load = Load()
    relief = Relief(LimitsSettings(latency_ms=100), load)
    levels = run(relief, 6 * 3600, lambda _: 120 if load.ease == Ease() else 40)
    changes = [second for second, (a, b) in enumerate(zip(levels, levels[1:])) if a != b]
    assert len(changes) < 30
    assert len([second for second in changes if second > 4 * 3600]) <= 4
    assert sum(levels) / len(levels) > 0.99  # nearly always where it is well


def test_it_says_what_it_does():
    assert described(Ease()) == "all that is asked for is done"
    assert described(Ease(interval=2)) == "the detector looks at every 2. frame"


def test_frames_that_take_seconds_end_in_no_frame_of_most_seconds():
    """The worst overload there is: nothing is known, nearly always."""
    relief = Relief(LimitsSettings(latency_ms=200), Load())
    run(relief, 60, lambda second: 2500 if second % 4 == 0 else None)
    assert relief.level >= 4


def test_a_busy_hour_does_not_make_it_slow_for_ever():
    """A step taken back too early doubles the calm once, and what holds halves it again."""
    relief = Relief(LimitsSettings(latency_ms=100), Load())
    run(relief, 10, 150)
    run(relief, 60, 20, start=10)  # one is taken back
    run(relief, 140, 150, start=70)  # and then it gets really busy
    assert relief.level == len(STEPS) - 1
    levels = run(relief, 3600, 20, start=210)
    assert levels[-1] == 0 and levels.index(0) < 900
