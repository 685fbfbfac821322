import threading

import numpy as np
import pytest

from app.media.camera import Camera
from app.media.pattern import Pattern
from app.media.stamp import read_stamp
from app.media.uri import parse


@pytest.mark.parametrize("size", [(2, 2), (100, 50), (322, 241), (1280, 720)])
def test_any_size_is_drawn_and_moves(size):
    uri = parse("test://?fps=500&frames=2&size={}x{}".format(*size))
    one, two = Pattern(Camera("t", uri)).frames(threading.Event())
    assert one.image.shape == (size[1], size[0], 3)
    assert one.image.dtype == np.uint8 and one.image.flags.c_contiguous
    assert size == (2, 2) or (one.image != two.image).any()


def test_numbers_times_and_stamps_go_on():
    camera = Camera("t", parse("test://?fps=100&frames=12&size=320x240"))
    frames = list(Pattern(camera).frames(threading.Event()))
    assert [frame.number for frame in frames] == list(range(12))
    assert [read_stamp(frame.image).number for frame in frames] == list(range(12))
    assert all(0 <= read_stamp(each.image).age_s(each.captured) < 0.01 for each in frames)
    assert frames[-1].captured - frames[0].captured >= 0.1
    assert frames[0].time > 1e9


def test_stop_is_noticed_while_waiting():
    stop = threading.Event()
    frames = Pattern(Camera("t", parse("test://?fps=0.01&size=64x64"))).frames(stop)
    next(frames)
    threading.Timer(0.05, stop.set).start()
    assert list(frames) == []
