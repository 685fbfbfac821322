"""All cameras on one mount, as a viewer sees them."""

import contextlib
import threading
import time

import numpy as np
import pytest

from app.media.rtsp import serving
from app.media.slate import draw_slate
from tests import needs
from tests.on_air import ANY_PORT, Camera
from tests.viewer import Viewer, wait_for

SETTINGS = ANY_PORT._replace(mosaic=True)
TILE = (640, 360)


@pytest.fixture(autouse=True)
def gstreamer():
    needs.gstreamer("GstRtspServer")


def luma_of_ground():
    return draw_slate(TILE, "", [])[-1, -1].mean()


def tile(picture, number):
    """Of two columns."""
    top, left = number // 2 * TILE[1], number % 2 * TILE[0]
    return picture[top : top + TILE[1], left : left + TILE[0]].astype(int)


def is_slate(one):
    """Mostly the ground's grey, with a little ink."""
    ground = np.abs(one - luma_of_ground()) < 14
    return ground.mean() > 0.9 and one.max() > 180


def until(viewer, true, limit_s=15):
    deadline = time.monotonic() + limit_s
    while True:
        picture = viewer.look()
        if true(picture):
            return picture
        assert time.monotonic() < deadline, "not seen"


def test_pictures_keep_their_shape_and_a_lost_camera_is_a_slate():
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(SETTINGS, ["a", "b", "c"]))
        stack.enter_context(Camera(server, ["a"], (320, 240)))
        viewer = stack.enter_context(Viewer(server.url("mosaic")))
        with Camera(server, ["b"], (640, 360)):
            picture = until(viewer, lambda one: is_slate(tile(one, 2)))
            assert picture.shape == (720, 1280)
            until(viewer, lambda one: tile(one, 0).max() > 220 and tile(one, 1).max() > 220)
            picture = viewer.look()
            left = tile(picture, 0)
            assert left[:, :72].max() < 40, "4:3 in 16:9 leaves black at the sides"
            assert 45 < np.median(left[:, 90:550]) < 80, "the camera's grey in between"
            assert 45 < np.median(tile(picture, 1)[:, :10]) < 80
            assert tile(picture, 3).max() < 30, "no fourth camera"
        picture = until(viewer, lambda one: is_slate(tile(one, 1)))
        assert not is_slate(tile(picture, 0))
        with Camera(server, ["b"], (640, 360)):
            until(viewer, lambda one: not is_slate(tile(one, 1)) and tile(one, 1).max() > 220)
        assert not viewer.ends()


def test_it_is_composed_while_somebody_watches_and_at_most_15_times_a_second():
    with serving(SETTINGS, ["a", "b"]) as server, Camera(server, ["a", "b"]) as camera:
        wait_for(lambda: camera.count > 10)
        assert server.stats("mosaic").encoded == 0 and not server.stats("mosaic").running
        with Viewer(server.url("mosaic")) as viewer:
            viewer.see(5)
            began, count = time.monotonic(), server.stats("mosaic").encoded
            threading.Event().wait(3)
            made = server.stats("mosaic").encoded - count
            assert 25 <= made <= 15 * (time.monotonic() - began) + 2
            assert server.stats("a").encoded == server.stats("b").encoded == 0
            assert server.stats("mosaic").viewers == 1
        wait_for(lambda: not server.stats("mosaic").running)
        count, passed = server.stats("mosaic").encoded, camera.count
        wait_for(lambda: camera.count > passed + 10)
        assert server.stats("mosaic").encoded == count


def test_who_comes_later_is_not_shown_what_an_earlier_viewer_saw_last():
    with serving(SETTINGS, ["a", "b"]) as server:
        with Camera(server, ["a"], (640, 360)), Viewer(server.url("mosaic")) as viewer:
            until(viewer, lambda one: tile(one, 0).max() > 220)
        wait_for(lambda: not server.stats("mosaic").running)
        with Viewer(server.url("mosaic")) as viewer:
            for _ in range(20):
                assert np.median(tile(viewer.look(), 0)) < 45, "no camera's grey"


def test_its_viewers_stay_when_cameras_come_and_go():
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(SETTINGS, ["a", "b"]))
        stack.enter_context(Camera(server, ["a"], (640, 360)))
        viewer = stack.enter_context(Viewer(server.url("mosaic")))
        until(viewer, lambda one: tile(one, 0).max() > 220)
        server.show(dict.fromkeys(["b", "c", "d", "e", "a"]))
        # three columns and two rows, fitted into what were two columns and one: the camera's bar
        # crosses what was the other's tile
        picture = until(viewer, lambda one: (one[190:350, 650:800].min(axis=0) > 200).any())
        assert picture.shape == (360, 1280)
        server.show(dict.fromkeys(["a", "b"]))
        until(viewer, lambda one: tile(one, 0).max() > 220 and is_slate(tile(one, 1)))
        assert viewer.ends() == ""
