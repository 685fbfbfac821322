import os

import pytest

from app.errors import SourceError
from app.media import samples, uri
from app.media.camera import Camera
from tests import needs, tiny


def test_a_camera_that_gives_nothing_is_not_waited_for_for_ever():
    needs.gstreamer("Gst")
    camera = Camera("a", uri.parse("rtsp://127.0.0.1:9/nothing"))
    taken = samples.collected(camera, 3, patience_s=0.5)
    with pytest.raises(SourceError, match="gave no picture: .*[Cc]onnect"), taken:
        raise AssertionError("there are none")


@pytest.mark.parametrize("most, ends", [(0, (0, 32)), (20, (0, 16))])
def test_of_a_long_clip_only_its_beginning_is_decoded_where_that_will_do(tmp_path, most, ends):
    """32 pictures of a night's film took as long as all of it, and progress stood still."""
    path, told = str(tmp_path / "clip.mp4"), []
    tiny.clip(path, frames=40)
    camera = Camera("a", uri.parse(path))
    with samples.collected(camera, 5, lambda *words: told.append(words), most=most) as paths:
        numbers = [int(os.path.basename(one)[:8]) for one in paths]
    assert len(numbers) == 5 and (numbers[0], numbers[-1]) == ends
    assert told[0] == (0, most or 5)
    assert all(total == (most or 5) for _, total in told)
    assert len(told) < 40


def test_it_is_told_how_far_one_has_come(tmp_path):
    path, told = str(tmp_path / "clip.mp4"), []
    tiny.clip(path, frames=60)
    with samples.collected(
        Camera("a", uri.parse(path)), 2, lambda *words: told.append(words), most=1000
    ) as paths:
        assert len(paths) == 2
    assert list(dict.fromkeys(told)) == [(0, 1000), (25, 1000), (50, 1000)]


def test_of_a_live_camera_it_is_pictures_that_are_counted():
    told = []
    camera = Camera("a", uri.parse("test://?size=64x48&fps=100"))
    with samples.collected(camera, 3, lambda *words: told.append(words), 0.0, most=1000) as paths:
        assert len(paths) == 3
    assert camera.uri.live and told[-1] == (3, 3)
