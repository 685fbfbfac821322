import cv2
import numpy as np
import pytest

from app.bench import pictures
from app.errors import SourceError
from app.media.camera import Camera
from app.media.uri import parse


def camera(source):
    return Camera("a", parse(str(source)))


def told(*what):
    pass


def photo(path):
    cv2.imwrite(str(path), np.full((32, 48, 3), 90, np.uint8))


def test_one_picture_of_the_pattern_is_enough():
    with pictures.taken(camera("test://?size=320x240&fps=50"), "", told) as (paths, shown):
        assert len(paths) == 1 and shown.startswith("test://")


@pytest.mark.parametrize(
    "source, first",
    [
        ("test://?size=320x240&fps=50", ("waiting for the camera", 0, 0)),
        ("one.png", ("taking pictures", 0, 32)),
    ],
)
def test_a_camera_is_waited_for_and_a_file_is_not(tmp_path, monkeypatch, source, first):
    monkeypatch.chdir(str(tmp_path))
    photo("one.png")
    heard = []
    with pictures.taken(camera(source), "", lambda *what: heard.append(what)):
        assert heard[0] == first and heard[-1][0] == "taking pictures"


@pytest.mark.parametrize(
    "source, folder, why",
    [
        ("test://", "", "the pattern shows nothing to find: no accuracy"),
        ("test://", "photos", "photos: one picture only"),
        ("rtsp://me:secret@there/a", "", "there/a: one picture only"),
        ("one.mp4", "", "one.mp4: one picture only"),
    ],
)
def test_only_the_pattern_is_called_one(source, folder, why):
    found = pictures.why_one(camera(source), folder)
    assert why in found and "secret" not in found


def test_a_single_picture_is_one_that_shows_something(tmp_path):
    photo(tmp_path / "one.png")
    with pictures.taken(camera(tmp_path / "one.png"), "", told) as (paths, shown):
        assert len(paths) == 1 and shown.endswith("one.png")
    assert pictures.why_one(camera(tmp_path / "one.png"), "").startswith(str(tmp_path))


def test_a_folder_without_labels_is_refused(tmp_path):
    photo(tmp_path / "one.png")
    with pytest.raises(SourceError, match="no labels beside"), pictures.taken(
        camera("test://"), str(tmp_path), told
    ):
        pass
