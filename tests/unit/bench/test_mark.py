import os

import pytest

from app.bench import mark
from app.media import uri
from app.media.camera import Camera


def of(source):
    return mark.of_pictures(Camera("a", uri.parse(str(source))))


def test_pictures_are_known_by_what_lies_there_and_since_when(tmp_path):
    one = tmp_path / "a.png"
    one.write_bytes(b"1")
    os.utime(str(one), (1, 1))
    before = of(tmp_path), of(one)
    assert before == (of(tmp_path), of(one)) and before[0] != before[1]
    os.utime(str(one), (2, 2))
    touched = of(tmp_path), of(one)
    assert touched[0] != before[0] and touched[1] != before[1]
    (tmp_path / "b.png").write_bytes(b"2")
    assert of(tmp_path) != touched[0] and of(one) == touched[1]


def test_the_same_pictures_elsewhere_are_others(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"1")
        os.utime(str(tmp_path / name / "1.png"), (1, 1))
    assert of(tmp_path / "a") != of(tmp_path / "b")


@pytest.mark.parametrize("source", ["rtsp://camera/1", "test://?size=32x32", "nowhere.mp4"])
def test_a_source_that_cannot_be_looked_into_is_known_by_its_name(source):
    assert of(source) == of(source) != of("rtsp://camera/2")


def test_no_login_is_part_of_it():
    assert of("rtsp://me:secret@camera/1") == of("rtsp://me:other@camera/1")


def test_a_digest_tells_its_parts_apart():
    assert mark.digest("ab", "c") != mark.digest("a", "bc")
    assert mark.digest("\udcff")
