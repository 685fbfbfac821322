import pytest

from app.errors import ConfigError
from app.stages.record import Record, RecordSettings, paths


@pytest.mark.parametrize(
    "template, cameras, files",
    [
        ("out.mp4", [], {}),
        ("out.mp4", ["a"], {"a": "out.mp4"}),
        ("out/{camera}.mp4", ["a", "b"], {"a": "out/a.mp4", "b": "out/b.mp4"}),
        ("{camera}-{x}.mp4", ["a/b"], {"a/b": "a_b-{x}.mp4"}),
    ],
)
def test_each_camera_has_its_file(template, cameras, files):
    assert paths(template, cameras) == files


def test_two_cameras_do_not_share_a_file():
    with pytest.raises(ConfigError, match=r"\{camera\}"):
        Record(RecordSettings("out.mp4"), ["a", "b"])
