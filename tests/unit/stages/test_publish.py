"""test_publish: which pictures are shown while the load is eased."""

import pytest

from app.core.load import Ease, Load
from app.stages.publish import Publish
from tests.doubles import frame


def shown(fps, times, live=True):
    load = Load()
    load.ease = Ease(fps=fps)
    publish = Publish(None, load)  # nothing is pushed here
    frames = [frame(n, live=live)._replace(captured=when) for n, when in enumerate(times)]
    return [one.number for one in frames if publish._is_due(one)]


@pytest.mark.parametrize("fps, count", [(0, 300), (30, 300), (15, 150), (10, 100), (5, 50)])
def test_so_many_pictures_a_second_are_shown(fps, count):
    times = [100 + number / 30 for number in range(300)]
    numbers = shown(fps, times)
    assert len(numbers) == pytest.approx(count, abs=2)
    steps = [b - a for a, b in zip(numbers, numbers[1:])]
    assert max(steps) - min(steps) <= 1


def test_a_file_is_shown_whole():
    assert len(shown(5, [number / 30 for number in range(60)], live=False)) == 60


def test_after_a_gap_nothing_is_made_up_for():
    assert shown(10, [0, 0.1, 60, 60.01, 60.02, 60.1]) == [0, 1, 2, 5]
