import json

import pytest

from app.service.board import Board
from app.service.facts import Facts
from app.service.pages import Pages
from app.service.request import Request
from tests.known import GATE, NOW, YARD, everything, facts


def answered(known, path, now=NOW):
    board = Board()
    board.update(known)
    return Pages(board, lambda: now).answer(Request("GET", path))


@pytest.mark.parametrize(
    "known, now, statuses",
    [
        (Facts(NOW), NOW, (503, 200, 503)),  # health, live, ready
        (facts(), NOW, (200, 200, 200)),
        (facts(GATE, YARD), NOW, (200, 200, 200)),
        (facts(YARD), NOW, (503, 200, 503)),
        (facts(), NOW + 100, (503, 503, 200)),
    ],
)
def test_health_is_live_and_ready(known, now, statuses):
    paths = ("/healthz", "/livez", "/readyz")
    assert tuple(answered(known, path, now).status for path in paths) == statuses


def test_health_says_why_in_json():
    said = json.loads(answered(facts(GATE, YARD), "/healthz").content.decode("ascii"))
    assert (said["version"], said["level"], said["live"], said["ready"]) == (
        1, "degraded", True, True,
    )  # fmt: skip
    assert said["reasons"] == ["yard: lost for 42 s: no picture for 5 s; next try in 3 s"]
    assert said["cameras"]["gate"] == {
        "state": "playing", "fps": 14.8, "frames": 1500, "dropped": 7, "reconnects": 0,
        "reasons": [], "age_s": 0.3,
    }  # fmt: skip
    assert said["cameras"]["yard"]["reasons"] and said["cameras"]["yard"]["reconnects"] == 4


def test_the_index_shows_each_camera_and_links_what_there_is():
    page = answered(everything(), "/").content.decode("utf-8")
    for text in ("degraded", 'src="snapshot/gate.jpg"', "lost: no picture for 5 s", "14.8",
                 'href="healthz"', 'href="metrics"', "51 °C", "12.5 W", "host"):  # fmt: skip
        assert text in page, text
    assert "<script" not in page and "http://" not in page
    assert "snapshot/yard.jpg" not in page and "none now" in page
    assert "snapshot/" not in answered(facts(), "/").content.decode("utf-8")  # nothing is drawn
    assert "starting" in answered(Facts(NOW), "/").content.decode("utf-8")


def test_what_comes_from_a_camera_is_text_on_the_page():
    evil = '<script>alert("x")</script>'
    page = answered(facts(YARD._replace(state="lost: " + evil)), "/").content.decode("utf-8")
    assert evil not in page and page.count("&lt;script&gt;") == 2  # in the table and the reasons
