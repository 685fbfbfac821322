import pytest

from app.media.view import LOST_S, patience_s


@pytest.mark.parametrize(
    "steps, playing, expected",
    [
        ([0.0, 0.0], True, LOST_S),
        ([0.03, 0.04], True, LOST_S),
        ([0.03, 42.0], True, LOST_S),  # it was lost for 42 s
        ([42.0, 0.03], True, LOST_S),
        ([5.0, 5.0], True, 12.5),  # a picture every 5 s, by its config
        ([5.0, 5.0], False, LOST_S),
        ([3600.0, 3600.0], True, 30.0),
    ],
)
def test_only_a_camera_that_is_slow_and_plays_is_waited_for(steps, playing, expected):
    assert patience_s(steps, playing) == expected
