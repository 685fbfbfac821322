import pytest

from app.errors import OutputError
from app.service.board import Board, Picture
from app.service.facts import Facts
from app.service.pages import Pages
from app.service.request import Request
from app.service.snapshots import EVERY_S, OLDEST_S, Snapshots
from tests.known import GATE, NOW, YARD, facts


class Scene:
    """A board with pictures, a clock that is set, and how often was encoded."""

    def __init__(self, *cameras, **rest):
        self.now = NOW
        self.encoded = 0
        self.captured = NOW
        self.board = Board()
        self.board.update(facts(*cameras, **dict({"pictures": True}, **rest)))
        self.board.pictures = self.picture

    def picture(self, camera):
        captured = self.captured

        def jpeg():
            self.encoded += 1
            return b"%s at %.2f" % (camera.encode("ascii"), captured)

        return None if captured is None else Picture(captured, jpeg)

    def snapshots(self):
        return Snapshots(self.board, lambda: self.now)


def test_the_newest_picture_is_encoded_once_for_all_who_ask():
    scene = Scene()
    snapshots = scene.snapshots()
    for step in range(10):
        scene.captured = scene.now = NOW + step * EVERY_S / 10
        assert snapshots.shot("gate").jpeg == b"gate at 1000.00"
    assert scene.encoded == 1
    scene.captured = scene.now = NOW + EVERY_S
    assert snapshots.shot("gate").jpeg == b"gate at 1000.25"
    scene.now += 1
    assert snapshots.shot("gate").status == 200 and scene.encoded == 2  # the same picture still


def test_an_old_picture_is_never_shown():
    scene = Scene()
    snapshots = scene.snapshots()
    assert snapshots.shot("gate").status == 200
    scene.now = NOW + OLDEST_S + 0.1
    shot = snapshots.shot("gate")
    assert (shot.status, shot.jpeg) == (503, b"") and "5 s old" in shot.reason
    fresh = Scene()
    fresh.now = NOW + OLDEST_S + 0.1
    assert fresh.snapshots().shot("gate").status == 503 and fresh.encoded == 0


def test_a_camera_of_few_pictures_shows_them_for_as_long_as_they_last():
    slow = GATE._replace(patience_s=60.0, captured=NOW)
    scene = Scene(slow)
    scene.now = NOW + 59
    assert scene.snapshots().shot("gate").status == 200
    page = Pages(scene.board, lambda: scene.now).answer(Request("GET", "/"))
    assert b"snapshot/gate.jpg" in page.content
    scene.now = NOW + 62  # a page forgives the second in which facts are renewed
    assert scene.snapshots().shot("gate").status == 503
    page = Pages(scene.board, lambda: scene.now).answer(Request("GET", "/"))
    assert b"snapshot/gate.jpg" not in page.content


def test_of_a_lost_camera_there_is_the_reason_and_no_picture():
    shot = Scene(GATE, YARD).snapshots().shot("yard")
    assert (shot.status, shot.jpeg, shot.reason) == (503, b"", "lost: no picture for 5 s")


def test_before_the_first_picture():
    scene = Scene()
    scene.captured = None
    assert scene.snapshots().shot("gate")[::2] == (503, "no picture yet")
    scene.board.update(Facts(NOW))
    assert scene.snapshots().shot("gate").status == 503


def test_what_is_not_there_is_said_with_the_way_out():
    shot = Scene(GATE, YARD).snapshots().shot("lane")
    assert shot.status == 404 and "gate, yard" in shot.reason
    shot = Scene(pictures=False).snapshots().shot("gate")
    assert shot.status == 404 and "rtsp: or record:" in shot.reason


@pytest.mark.parametrize("failing", [False, True])
def test_its_page(failing):
    scene = Scene()

    def fail():
        raise OutputError("a picture of (0, 0) cannot be a JPEG file")

    if failing:
        scene.board.pictures = lambda camera: Picture(NOW, fail)
    answer = Pages(scene.board, lambda: NOW).answer(Request("GET", "/snapshot/gate.jpg"))
    if failing:
        assert answer.status == 503 and b"cannot be a JPEG" in answer.content
    else:
        assert answer[:3] == (200, b"gate at 1000.00", "image/jpeg")
