import os

import cv2
import numpy as np
import pytest

from app import atomic
from app.errors import OutputError
from app.media.picture import SUFFIX, Album, file_name, jpeg
from tests import disk

IMAGE = np.random.RandomState(0).randint(0, 255, (48, 64, 3)).astype(np.uint8)
SIZE = len(jpeg(IMAGE))


def names(folder):
    return sorted(name[: -len(SUFFIX)] for name in os.listdir(str(folder)))


def test_a_jpeg_shows_the_picture():
    image = np.full((48, 64, 3), (40, 90, 200), np.uint8)
    content = np.frombuffer(jpeg(image), np.uint8)
    assert np.abs(cv2.imdecode(content, cv2.IMREAD_COLOR).astype(int) - image).max() <= 3
    assert len(jpeg(IMAGE, 20)) < SIZE


@pytest.mark.parametrize("shape", [(0, 0, 3), (4, 0, 3), (4, 4, 2), (2, 70000, 3)])
def test_what_cannot_be_a_jpeg(shape):
    with pytest.raises(OutputError, match="cannot be a JPEG"):
        jpeg(np.zeros(shape, np.uint8))


def test_pictures_are_kept_and_the_folder_is_made(tmp_path):
    album = Album(str(tmp_path / "a" / "b"), 1)
    path = album.add("gate-1", IMAGE)
    assert path == str(tmp_path / "a" / "b" / ("gate-1" + SUFFIX))
    assert cv2.imread(path).shape == IMAGE.shape
    album.add("gate-2", IMAGE)
    assert names(tmp_path / "a" / "b") == ["gate-1", "gate-2"]


def test_the_oldest_go_and_the_newest_always_stays(tmp_path):
    album = Album(str(tmp_path), 3.5 * SIZE / 1e6)
    for number in range(6):
        album.add(str(number), IMAGE)
    assert names(tmp_path) == ["3", "4", "5"]
    tiny = Album(str(tmp_path), 0)
    tiny.add("6", IMAGE)
    assert names(tmp_path) == ["6"]


def test_one_of_the_same_name_is_counted_once_and_is_new_again(tmp_path):
    album = Album(str(tmp_path), 3.5 * SIZE / 1e6)
    for name in "abcacd":
        album.add(name, IMAGE)
    assert names(tmp_path) == ["a", "c", "d"]


def test_what_an_earlier_run_left_counts_and_what_is_not_ours_stays(tmp_path):
    for age, name in enumerate(["old", "older", "oldest"]):
        path = Album(str(tmp_path), 1).add(name, IMAGE)
        os.utime(path, (10**9 - age, 10**9 - age))
    (tmp_path / "holiday.jpg").write_bytes(b"precious" * 1000)
    (tmp_path / ("folder" + SUFFIX)).mkdir()
    part = atomic.temporary(path)
    open(part, "w").close()
    Album(str(tmp_path), 2.5 * SIZE / 1e6).add("new", IMAGE)
    left = sorted(os.listdir(str(tmp_path)))
    assert left == sorted(
        ["folder" + SUFFIX, "holiday.jpg", "new" + SUFFIX, "old" + SUFFIX]
    )  # and not what a kill left half written


def test_a_clock_that_is_set_back_does_not_make_new_pictures_old(tmp_path):
    ahead = 4 * 10**9  # a clock of the year 2096, before it was set
    os.utime(Album(str(tmp_path), 1).add("first", IMAGE), (ahead, ahead))
    album = Album(str(tmp_path), 1)
    for name in ("third", "second"):
        album.add(name, IMAGE)
    Album(str(tmp_path), 2.5 * SIZE / 1e6).add("new", IMAGE)
    assert names(tmp_path) == ["new", "second"]


def test_on_a_full_disk_the_oldest_make_room(tmp_path, caplog):
    with disk.small(tmp_path / "disk", 1) as folder:
        album = Album(str(folder / "a"), 100)
        for number in range(5):
            assert album.add(str(number), IMAGE)
        disk.fill(folder / "other")
        assert album.add("5", IMAGE) and names(folder / "a") == ["1", "2", "3", "4", "5"]
        large = np.random.RandomState(0).randint(0, 255, (900, 900, 3)).astype(np.uint8)
        assert not album.add("6", large), "all of them are not enough"
        assert len(caplog.records) == 1 and "No space left" in caplog.text
        folder.joinpath("other").unlink()
        assert album.add("7", IMAGE)
        assert all(one.suffix == ".jpg" for one in (folder / "a").iterdir())


def test_what_fails_is_said_once_and_what_works_again_too(tmp_path, caplog):
    folder = tmp_path / "pictures"
    folder.write_text("a file")
    album = Album(str(folder), 1)
    assert album.add("1", IMAGE) == album.add("2", IMAGE) == ""
    assert album.add("3", np.zeros((0, 0, 3), np.uint8)) == ""
    folder.unlink()
    assert album.add("4", IMAGE) and album.add("5", IMAGE)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "events go without a picture" in told[0] and "written again" in told[1]


def test_a_folder_that_vanished_is_made_again(tmp_path):
    album = Album(str(tmp_path / "a"), 1.5 * SIZE / 1e6)
    os.unlink(album.add("1", IMAGE))
    (tmp_path / "a").rmdir()
    album.add("2", IMAGE)
    assert names(tmp_path / "a") == ["2"]


@pytest.mark.parametrize(
    "name",
    ["gate/../../etc", "..", "", ".hidden", "Tür", "a" * 5000, "a\0b", "\ud800", "a b", "A:b"],
)
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    assert os.path.dirname(Album(str(tmp_path), 1).add(name, IMAGE)) == str(tmp_path)
    assert len(os.listdir(str(tmp_path))) == 1


def test_different_names_have_different_files():
    names = ["a/b", "a_b", "a:b", "a" * 200, "a" * 201, "", ".", "..", "_", "a"]
    assert len({file_name(name) for name in names}) == len(names)
    assert file_name("gate-18d4-7") == "gate-18d4-7.event.jpg"
