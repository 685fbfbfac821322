import logging
import threading

import cv2
import numpy as np
import pytest

from app.errors import SourceError
from app.media.camera import Camera
from app.media.folder import Folder
from app.media.reader import open_source
from app.media.uri import parse

# an APP1 segment that says nothing but "orientation 6": turn it to the right
EXIF_TURNED = (
    b"\xff\xe1\x00\x22Exif\0\0MM\x00\x2a\x00\x00\x00\x08\x00\x01"
    b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
)


def folder(path, **settings):
    return Folder(Camera("f", parse(str(path) + "/"), **settings))


def write(path, value):
    cv2.imwrite(str(path), np.full((4, 6, 3), value, np.uint8))


def test_pictures_by_name(tmp_path):
    for value, name in ((30, "c.jpeg"), (10, "a.PNG"), (20, "b.bmp"), (40, "d.webp")):
        write(tmp_path / name, value)
    (tmp_path / "notes.txt").write_text("not a picture")
    frames = list(folder(tmp_path).frames(threading.Event()))
    assert [frame.file for frame in frames] == ["a.PNG", "b.bmp", "c.jpeg", "d.webp"]
    assert [(frame.number, frame.time) for frame in frames] == [(n, float(n)) for n in range(4)]
    assert [int(frame.image.mean() / 10 + 0.5) for frame in frames] == [1, 2, 3, 4]
    assert frames[0].size_wh == (6, 4)


def test_a_grey_picture_becomes_bgr(tmp_path):
    cv2.imwrite(str(tmp_path / "g.png"), np.zeros((4, 6), np.uint8))
    assert next(folder(tmp_path).frames(threading.Event())).image.shape == (4, 6, 3)


def test_broken_pictures_are_left_out_and_counted(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    write(tmp_path / "b.png", 1)
    (tmp_path / "a.png").write_bytes(b"no picture")
    (tmp_path / "c.png").write_bytes((tmp_path / "b.png").read_bytes()[:20])
    (tmp_path / "d.png").write_bytes(b"")
    (tmp_path / "e.png").mkdir()
    source = folder(tmp_path)
    assert [(each.number, each.file) for each in source.frames(threading.Event())] == [(0, "b.png")]
    assert source.skipped == 4
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "a.png: cannot be read" in caplog.text and "left out 4 of 5" in caplog.text


def single(path):
    return open_source(Camera("f", parse(str(path)))).frames(threading.Event())


@pytest.mark.parametrize("name", ["a.jpg", "b.JPEG", "c.png", "d.bmp", "e.webp"])
def test_a_single_picture_is_a_folder_of_one(tmp_path, name):
    write(tmp_path / name, 50)
    (frame,) = single(tmp_path / name)
    assert (frame.number, frame.time, frame.file) == (0, 0.0, name)
    assert frame.size_wh == (6, 4) and abs(int(frame.image.mean()) - 50) < 3


def test_a_single_picture_is_read_as_in_a_folder(tmp_path):
    """GStreamer took 16-bit pictures for noise and knew nothing of EXIF."""
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((4, 6, 3), 128 * 257, np.uint16))
    (frame,) = single(tmp_path / "deep.png")
    assert (frame.image == 128).all()
    cv2.imwrite(str(tmp_path / "wide.jpg"), np.zeros((4, 6, 3), np.uint8))
    plain = (tmp_path / "wide.jpg").read_bytes()
    (tmp_path / "turned.jpg").write_bytes(plain[:2] + EXIF_TURNED + plain[2:])
    (frame,) = single(tmp_path / "turned.jpg")
    assert frame.size_wh == (4, 6)


def test_a_single_picture_that_is_none_is_said_once(tmp_path, caplog):
    with pytest.raises(SourceError, match="a.jpg: no such file"):
        list(single(tmp_path / "a.jpg"))
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(SourceError, match="a.jpg: no picture that can be read"):
        list(single(tmp_path / "a.jpg"))
    assert not caplog.records


def test_nothing_to_see(tmp_path):
    with pytest.raises(SourceError, match="no picture in it"):
        list(folder(tmp_path).frames(threading.Event()))
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(SourceError, match="none of its 1 pictures"):
        list(folder(tmp_path).frames(threading.Event()))
    with pytest.raises(SourceError, match="cannot be read"):
        list(folder(tmp_path / "none").frames(threading.Event()))


def test_a_loop_goes_on_and_warns_once(tmp_path, caplog):
    write(tmp_path / "a.png", 1)
    (tmp_path / "b.png").write_bytes(b"no picture")
    stop = threading.Event()
    found = []
    for frame in folder(tmp_path, loop=True).frames(stop):
        found.append((frame.number, frame.time))
        if len(found) == 3:
            stop.set()
    assert found == [(0, 0.0), (1, 1.0), (2, 2.0)]
    assert len(caplog.records) == 1
