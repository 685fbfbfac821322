import numpy as np
import pytest

from app.media.playback import Broken, Refused, in_words, unpadded, upright


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 321, 322])
@pytest.mark.parametrize("height", [1, 2, 7])
def test_padding_at_the_end_of_rows_is_left_out(width, height):
    image = np.random.RandomState(0).randint(0, 256, (height, width, 3)).astype(np.uint8)
    stride = (width * 3 + 3) // 4 * 4
    rows = np.full((height, stride), 77, np.uint8)
    rows[:, : width * 3] = image.reshape(height, -1)
    found = unpadded(rows.tobytes(), width, height)
    assert (found == image).all() and found.flags.c_contiguous and found.flags.writeable
    last_row_short = rows.tobytes()[: stride * (height - 1) + width * 3]
    assert (unpadded(last_row_short, width, height) == image).all()


def test_rows_without_padding():
    image = np.random.RandomState(0).randint(0, 256, (9, 5, 3)).astype(np.uint8)
    assert (unpadded(image.tobytes(), 5, 9) == image).all()


@pytest.mark.parametrize(
    "orientation, corner",
    [
        ("rotate-0", (0, 0)),
        ("rotate-90", (0, 2)),
        ("rotate-180", (1, 2)),
        ("rotate-270", (2, 0)),
        ("flip-rotate-0", (0, 2)),
        ("nonsense", (0, 0)),
    ],
)
def test_pictures_are_turned_upright(orientation, corner):
    image = np.zeros((2, 3, 3), np.uint8)
    image[0, 0] = 255
    turned = upright(image, orientation)
    if turned.shape[:2] == (3, 2):
        corner = {(0, 2): (0, 1), (2, 0): (2, 0)}[corner]
    assert turned[corner].all() and turned.sum() == 3 * 255
    assert turned.flags.c_contiguous


# captured from GStreamer 1.22
@pytest.mark.parametrize(
    "message, details, words, kind",
    [
        (
            "Unauthorized",
            "../ext/soup/gstsouphttpsrc.c(1688): parse_status (): /Pipe:pipe0:\n"
            "Unauthorized (401), URL: http://cam/?password=s3cret, Redirect to: (NULL)",
            "the camera refused the user or password (401)",
            Refused,
        ),
        (
            "Not Found",
            "x.c(16):\nNot Found (404), URL",
            "the camera has no such path (404)",
            Refused,
        ),
        ("Gone", "x.c(16):\nGone (410)", "the camera answers with status 410", Refused),
        (
            "Could not open resource for reading and writing.",
            "../gst/rtsp/gstrtspsrc.c(8336): gst_rtspsrc_retrieve_sdp (): /GstPipeline:pipeline0:\n"
            "Failed to connect. (Generic error)",
            "cannot connect",
            Broken,
        ),
        ("Strange.", "gstrtspsrc.c(401): f ()", "Strange", Broken),
        ("", "", "GStreamer gives no reason", Broken),
    ],
)
def test_errors_are_said_in_words(message, details, words, kind):
    found = in_words(message, details)
    assert (str(found), type(found)) == (words, kind)
