import pytest

from app.errors import SourceError
from app.media import samples, uri
from app.media.camera import Camera
from tests import needs


def test_a_camera_that_gives_nothing_is_not_waited_for_for_ever():
    needs.gstreamer("Gst")
    camera = Camera("a", uri.parse("rtsp://127.0.0.1:9/nothing"))
    taken = samples.collected(camera, 3, patience_s=0.5)
    with pytest.raises(SourceError, match="gave no picture: .*[Cc]onnect"), taken:
        raise AssertionError("there are none")
