import os

import cv2
import numpy as np
import pytest

from app.bench import pictures
from app.errors import SourceError
from app.media import uri
from app.media.camera import Camera
from app.media.folder import names_in
from tests import tiny


def camera(source):
    return Camera("a", uri.parse(str(source)))


def taken(source, folder="", calibration=None):
    return pictures.taken(camera(source), str(folder), lambda *_: None, calibration)


@pytest.fixture
def photos(tmp_path):
    """A folder of so many small pictures, made once."""

    def made(count, name="photos"):
        place = tmp_path / name
        place.mkdir()
        for number in range(count):
            image = np.full((8, 8, 3), number, np.uint8)
            cv2.imwrite(str(place / f"{number:03d}.png"), image)
        return place

    return made


def levels(folder):
    return {int(cv2.imread(os.path.join(folder, name))[0, 0, 0]) for name in names_in(folder)}


def test_int8_is_compared_on_others_than_it_was_calibrated_with(photos):
    place = photos(60)
    with taken(place, calibration=camera(place)) as one:
        seen = {int(cv2.imread(path)[0, 0, 0]) for path in one.paths}
        apart = levels(one.calibration.uri.location)
        assert len(seen) == 10 and len(apart) == 50 and not seen & apart
        assert not one.shared and "others than INT8" in one.shown
    assert not os.path.exists(one.calibration.uri.location)


def test_those_of_a_clip_are_apart_too(tmp_path):
    path = str(tmp_path / "a.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"MJPG"), 25, (32, 32))
    for number in range(120):
        writer.write(np.full((32, 32, 3), 2 * number, np.uint8))
    writer.release()
    with taken(path, calibration=camera(path)) as one:
        place = one.calibration.uri.location
        seen = {os.path.realpath(each) for each in one.paths}
        apart = {os.path.realpath(os.path.join(place, name)) for name in names_in(place)}
        assert len(seen) == 20 and len(apart) == 100 and not seen & apart


@pytest.mark.parametrize("calibration", [None, "other", "rtsp://camera/1"])
def test_where_others_calibrate_all_are_compared_on(photos, calibration):
    place = photos(60)
    if calibration == "other":
        calibration = photos(2, "other")
    with taken(place, calibration=calibration and camera(calibration)) as one:
        assert len(one.paths) == 32 and one.calibration is None and not one.shared
        assert one.shown == str(place)


def test_labelled_pictures_that_calibrate_as_well_are_told_of(photos):
    place = photos(3)
    labels = place.parent / "labels"
    labels.mkdir()
    for number in range(3):
        (labels / f"{number:03d}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    other = photos(2, "other")
    with taken(other, place, camera(str(place) + "/../photos")) as one:
        assert len(one.paths) == 3 and one.shared
    with taken(place, place, camera(other)) as one:
        assert not one.shared


def test_a_single_picture_is_shared(photos):
    place = photos(1)
    with taken(place, calibration=camera(place)) as one:
        assert len(one.paths) == 1 and one.shared


def test_the_pattern_shows_one():
    with taken("test://?size=32x32") as one:
        assert len(one.paths) == 1


def test_of_a_clip_no_more_than_its_beginning_is_looked_at(tmp_path):
    """A film of a night was decoded to its end before anything was measured."""
    source, told = camera(tiny.clip(tmp_path / "clip.mp4", frames=40)), []
    with pictures.taken(source, "", lambda *words: told.append(words)) as one:
        assert len(one.paths) == 32 and one.shown == source.shown
    assert set(told) == {("taking pictures", done, 3000) for done in (0, 25)}


def photo(path):
    cv2.imwrite(str(path), np.full((32, 48, 3), 90, np.uint8))


def test_one_picture_of_the_pattern_is_enough():
    with pictures.taken(camera("test://?size=320x240&fps=50"), "", lambda *_: None) as one:
        assert len(one.paths) == 1 and one.shown.startswith("test://")


@pytest.mark.parametrize(
    "source, first",
    [
        ("test://?size=320x240&fps=50", ("waiting for the camera", 0, 0)),
        ("one.png", ("taking pictures", 0, 3000)),
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
    with pictures.taken(camera(tmp_path / "one.png"), "", lambda *_: None) as one:
        assert len(one.paths) == 1 and one.shown.endswith("one.png")
    assert pictures.why_one(camera(tmp_path / "one.png"), "").startswith(str(tmp_path))


def test_a_folder_without_labels_is_refused(tmp_path):
    photo(tmp_path / "one.png")
    with pytest.raises(SourceError, match="no labels beside"), pictures.taken(
        camera("test://"), str(tmp_path), lambda *_: None
    ):
        pass
