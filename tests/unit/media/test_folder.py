import logging
import threading

import cv2
import numpy as np
import pytest

from app.errors import SourceError
from app.media.camera import Camera
from app.media.folder import Folder
from app.media.uri import parse


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
