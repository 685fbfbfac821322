import numpy as np
import pytest

from app.core.detections import Detections
from app.device.backend import InputSpec, Model
from app.stages.look import MOST, Look, LookSettings
from tests.doubles import frame
from tests.fake_backend import FakeBackend

LABELS = ("car", "person")
COLOURS = Model("colours", "c.onnx", InputSpec((8, 8)), labels=("red", "blue"))
PICTURE = np.zeros((400, 600, 3), np.uint8)


class Colours:
    """Answers each window by what ``say`` makes of it; remembers the windows of each call."""

    def __init__(self, say=lambda window: [0.9, 0.1]):
        self.calls = []
        self._say = say

    def __call__(self, windows):
        self.calls.append(windows)
        return {"prob": np.array([self._say(window) for window in windows], np.float32)}


def seen(*rows, moment=0.0, camera="cam", **rest):
    """A tracked frame of rows (track, class, x, y, w, h)."""
    rows = np.array(rows, np.float32).reshape(-1, 6)
    found = Detections(
        xyxy=np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:]], axis=1),
        score=np.ones(len(rows)), class_id=rows[:, 1], track_id=rows[:, 0],
    )  # fmt: skip
    return frame(0, camera, PICTURE, detections=found, labels=LABELS, time=moment, **rest)


def run(colours, batches, **settings):
    backend = FakeBackend({"colours": colours})
    asked = LookSettings(**dict({"name": "colour", "model": "colours", "margin": 0.0}, **settings))
    return list(Look(backend, [(asked, backend.load(COLOURS))]).run(batches))


def told(one):
    return {track: [(a.look, a.label) for a in said] for track, said in one.attributes.items()}


def test_boxes_of_all_cameras_in_a_batch_are_asked_about_at_once():
    colours = Colours(lambda window: [1, 0] if window[0] < 100 else [0, 1])
    batch = [
        seen((1, 0, 10, 10, 50, 50), (2, 0, 200, 10, 50, 50), camera="a"),
        seen((1, 0, 300, 10, 50, 50), camera="b"),
    ]
    ((a, b),) = run(colours, [batch])
    assert [len(call) for call in colours.calls] == [3]
    assert told(a) == {1: [("colour", "red")], 2: [("colour", "blue")]}
    assert told(b) == {1: [("colour", "blue")]}


@pytest.mark.parametrize(
    "row, settings",
    [
        ((1, 1, 0, 0, 50, 50), {"of": ("car",)}),
        ((1, 0, 0, 0, 50, 31), {}),
        ((-1, 0, 0, 0, 50, 50), {}),
        ((1, 0, np.nan, 0, 50, 50), {}),
    ],
)
def test_what_is_not_wanted_too_small_or_not_tracked_is_not_asked_about(row, settings):
    colours = Colours()
    ((one,),) = run(colours, [[seen(row)]], **settings)
    assert colours.calls == [] and not one.attributes


def test_a_track_is_asked_again_when_the_answer_is_old_or_its_box_grew():
    colours = Colours()
    box = (1, 0, 10, 10, 50, 50)
    times = [0.0, 0.5, 1.9, 2.0, 2.1]
    batches = [[seen(box, moment=moment)] for moment in times]
    batches.append([seen((1, 0, 10, 10, 50, 80), moment=2.2)])
    made = run(colours, batches)
    assert len(colours.calls) == 3  # at 0, at 2, and when it grew
    assert all(told(one) == {1: [("colour", "red")]} for (one,) in made), "known between"


def test_one_odd_answer_does_not_change_what_is_said():
    answers = iter([[0.9, 0.1]] * 3 + [[0.1, 0.9]] + [[0.9, 0.1]] * 2)
    colours = Colours(lambda window: next(answers))
    batches = [[seen((1, 0, 0, 0, 50, 50), moment=n * 2.0)] for n in range(6)]
    assert [told(one)[1] for (one,) in run(colours, batches)] == [[("colour", "red")]] * 6


def test_unsure_answers_are_not_told():
    ((one,),) = run(Colours(lambda w: [0.55, 0.45]), [[seen((1, 0, 0, 0, 50, 50))]], score=0.6)
    assert not one.attributes


def test_more_boxes_than_fit_wait_and_none_is_forgotten():
    colours = Colours()
    rows = [(n, 0, n * 4, 0, 40, 40) for n in range(1, MOST + 11)]
    made = run(colours, [[seen(*rows)], [seen(*rows, moment=0.1)]])
    assert [len(call) for call in colours.calls] == [MOST, 10]
    assert len(made[1][0].attributes) == MOST + 10


def test_what_has_ended_is_forgotten():
    colours = Colours()
    box = (1, 0, 0, 0, 50, 50)
    run(colours, [[seen(box)], [seen(ended=(1,), moment=0.1)], [seen(box, moment=0.2)]])
    assert len(colours.calls) == 2


def test_the_window_is_the_box_with_its_margin_inside_the_picture():
    colours = Colours()
    run(colours, [[seen((1, 0, 10, 100, 40, 60))]], margin=0.5)
    np.testing.assert_allclose(colours.calls[0], [[0, 70, 70, 190]])


def test_frames_that_were_not_looked_at_ask_nothing_but_keep_what_is_known():
    colours = Colours()
    box = (1, 0, 0, 0, 50, 50)
    made = run(colours, [[seen(box)], [seen(box, moment=9.0, look=False)]])
    assert len(colours.calls) == 1 and told(made[1][0]) == {1: [("colour", "red")]}
