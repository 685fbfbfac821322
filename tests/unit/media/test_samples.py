import pytest

from app.errors import SourceError
from app.media import samples, uri
from app.media.camera import Camera
from tests import needs


def test_a_camera_that_gives_nothing_is_not_waited_for_for_ever(monkeypatch):
    needs.gstreamer("Gst")
    monkeypatch.setattr(samples, "_PATIENCE_S", -4.0)  # and its own 4.5 s
    camera = Camera("a", uri.parse("rtsp://127.0.0.1:9/nothing"))
    with pytest.raises(SourceError, match="gave no picture"), samples.collected(camera, 3):
        raise AssertionError("there are none")
