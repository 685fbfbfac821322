import logging
import threading

import numpy as np
import pytest

from app.media.camera import Camera
from app.media.live import Live, Way, back_off
from app.media.playback import Broken, Ended, Picture, Refused
from app.media.uri import parse

IMAGE = np.zeros((2, 2, 3), np.uint8)


class Script:
    """A playback that gives so many pictures, then ends as it was told."""

    linked = True

    def __init__(self, pictures, ending):
        self._left = pictures
        self._ending = ending

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def picture(self, wait_s):
        if self._left == 0:
            raise self._ending
        self._left -= 1
        return Picture(IMAGE, None)


def live(scripts, stop, hardware=False):
    """A camera whose connections go by the scripts; the end of the last one sets stop."""
    allowed = []

    def opened(with_hardware):
        allowed.append(with_hardware)
        if len(allowed) == len(scripts):
            stop.set()
        return Script(*scripts[len(allowed) - 1])

    camera = Camera("door", parse("rtsp://bob:s3cret@cam/x?token=t0k"))
    source = Live(camera, Way(opened, hardware), waits=lambda: iter([0.0] * 99))
    return source, allowed


def test_back_off_doubles_to_its_end():
    waits = back_off()
    found = [next(waits) for _ in range(7)]
    for wait, longest in zip(found, [0.5, 1, 2, 4, 4, 4, 4]):
        assert 0.75 * longest <= wait <= longest


def test_numbers_go_on_over_reconnections(caplog):
    caplog.set_level(logging.INFO)
    stop = threading.Event()
    scripts = [(2, Broken("gone")), (0, Broken("away")), (3, Ended()), (0, Broken("end"))]
    source, _ = live(scripts, stop)
    assert [frame.number for frame in source.frames(stop)] == [0, 1, 2, 3, 4]
    assert source.reconnects == 3
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "INFO", "WARNING"]
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "door plays rtsp",
        "door is lost",
        "door is back",
        "door is lost",
    ]


def test_a_refusal_is_said_once_though_the_camera_was_lost_before(caplog):
    stop = threading.Event()
    scripts = [(0, Broken("a"))] * 2 + [(0, Refused("no"))] * 2 + [(0, Broken("b"))]
    source, _ = live(scripts, stop)
    assert list(source.frames(stop)) == []
    assert [record.getMessage()[-3:] for record in caplog.records] == [": a", " no"]


def test_no_secret_is_logged_or_in_the_state(caplog):
    caplog.set_level(logging.DEBUG)
    stop = threading.Event()
    reason = Broken("no ", "rtsp://cam/x?token=t0k for bob:s3cret")
    source, _ = live([(1, reason), (1, reason)], stop)
    list(source.frames(stop))
    for text in [caplog.text, source.state, repr(source)]:
        assert not any(secret in text for secret in ("bob", "s3cret", "t0k"))
    assert source.state.startswith("lost: no rtsp://***@cam/x")


NONE, ONE = (0, Broken("no picture for 5 s")), (1, Broken("gone"))


@pytest.mark.parametrize(
    "connections, allowed",
    [
        ([ONE, NONE], [True, True]),
        ([NONE, ONE, NONE, NONE], [True, False, False, False]),  # software can, hardware cannot
        ([NONE, NONE, ONE, NONE], [True, False, True, True]),  # it was the camera
        ([NONE, NONE, NONE, ONE, NONE], [True, False, True, False, False]),
    ],
)
def test_hardware_is_given_up_only_where_software_shows_a_picture(connections, allowed):
    """One connection to a camera that sent rubbish once cost the hardware decoder for ever."""
    stop = threading.Event()
    source, found = live(connections, stop, hardware=True)
    list(source.frames(stop))
    assert found == allowed


def test_our_own_words_are_not_scrubbed():
    """A password of "5" would be told by what is missing in "no picture for *** s"."""
    stop = threading.Event()
    camera = Camera("door", parse("rtsp://cam/x"), user="u", password="5")

    def opened(_):
        stop.set()
        raise Broken("no picture for 5 s: ", "u:5 is wrong")

    source = Live(camera, Way(opened), waits=lambda: iter([0.0]))
    assert list(source.frames(stop)) == []
    assert source.state == "lost: no picture for 5 s: ****** is wrong"


def test_stop_is_noticed_in_back_off():
    stop = threading.Event()
    camera = Camera("door", parse("rtsp://cam/x"))

    def opened(_):
        threading.Timer(0.05, stop.set).start()
        raise Broken("not there")

    source = Live(camera, Way(opened), waits=lambda: iter([60.0]))
    assert list(source.frames(stop)) == []
    assert source.reconnects == 0
