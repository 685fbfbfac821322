import struct
import threading

import numpy as np
import pytest

from app.errors import SourceError
from app.media.camera import Camera
from app.media.clip import Clip
from app.media.fitted import Fitted
from app.media.playback import Broken, Picture
from app.media.uri import parse


def way(times, ending=None, log=None):
    def pictures(path, stop):
        if log is not None:
            log.append(ending)
        for time in times:
            if stop.is_set():
                return
            yield Picture(np.zeros((1, 1, 3), np.uint8), time)
        if ending is not None:
            raise Broken(ending)

    return pictures


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "clip.bin"
    path.write_bytes(b"something")
    return str(path)


def times(path, ways, **settings):
    clip = Clip(Camera("c", parse(path), **settings), ways)
    return [frame.time for frame in clip.frames(threading.Event())]


def test_every_picture_with_its_time(path):
    assert times(path, [way([0.0, 0.5, 1.0])]) == [0.0, 0.5, 1.0]


def test_times_that_are_missing_or_go_back_are_made_up(path):
    assert times(path, [way([0.0, 0.5, None, 0.2])]) == [0.0, 0.5, 1.0, 1.5]
    assert times(path, [way([None, None])]) == pytest.approx([0.0, 0.04])


def test_a_loop_goes_on_in_number_and_time(path):
    stop = threading.Event()
    clip = Clip(Camera("c", parse(path), loop=True), [way([0.0, 0.5])])
    found = []
    for frame in clip.frames(stop):
        found.append((frame.number, frame.time))
        if frame.number == 4:
            stop.set()
    assert found == [(0, 0.0), (1, 0.5), (2, 1.0), (3, 1.5), (4, 2.0)]
    assert clip.replays == 2 == Fitted(clip).replays


def test_the_next_way_is_taken_where_the_first_finds_nothing(path):
    log = []
    ways = [way([], "no decoder", log), way([0.0, 1.0], None, log)]
    assert times(path, ways) == [0.0, 1.0]
    assert log == ["no decoder", None]


def test_what_was_read_is_not_read_again_another_way(path):
    with pytest.raises(SourceError, match="breaks off after 2 pictures: bad"):
        times(path, [way([0.0, 1.0], "bad"), way([0.0])])


def test_nothing_to_see(path):
    with pytest.raises(SourceError, match="no video that can be played: not a film"):
        times(path, [way([], "no"), way([], "not a film")])
    with pytest.raises(SourceError, match="no picture in it"):
        times(path, [way([])])


def test_a_file_that_is_cut_gives_what_it_has_then_says_so(tmp_path):
    path = tmp_path / "cut.avi"
    path.write_bytes(b"RIFF" + struct.pack("<I", 900000) + b"AVI " + bytes(100))
    clip = Clip(Camera("c", parse(str(path))), [way([0.0, 1.0])])
    found = []
    with pytest.raises(SourceError, match="after 2 pictures: 112 of at least 900008 bytes"):
        for frame in clip.frames(threading.Event()):
            found.append(frame.number)
    assert found == [0, 1]


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("none.mp4", None, "no such file"),
        ("empty.mp4", b"", "is empty"),
        ("open.mp4", b"\0\0\0\x10ftypisom\0\0\0\0", "moov"),
    ],
)
def test_what_can_be_seen_from_outside_is_said_at_once(tmp_path, name, content, said):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=said):
        times(str(path), [way([0.0])])
