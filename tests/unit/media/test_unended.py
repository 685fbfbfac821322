"""unended: what began and did not end is found, and no more is read than is needed."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import notice
from app.core.event import Event
from app.media import unended
from app.media.journal import Journal

T0 = 1.7e9


def event(number, phase, at, reason="left", camera="gate", kind="enter"):
    said = {"present": 4} if kind == "crowd" else {"track_id": 7, "class_id": 2, "label": "car"}
    return Event(
        kind, phase, number, camera, "yard", T0 + at, 1.0,
        reason=reason if phase == "end" else "", **said,
    )  # fmt: skip


def line(*said, **more):
    return notice.line(event(*said, **more), 1.0)


def written(path, *lines):
    path.write_bytes(b"".join(lines))
    return str(path)


def ids(path, keep=3):
    return [end.id for end in unended.ends(str(path), keep, 5.0)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.jsonl"


def test_no_file_and_an_empty_one(path):
    assert ids(path) == []
    written(path)
    assert ids(path) == []


def test_an_end_is_the_begins_but_for_what_is_not_known(path):
    begun = event("a", "begin", 0)._replace(xyxy=(1, 2, 3, 4), score=0.5, snapshot="a.jpg")
    written(path, notice.line(begun, 1.0), line("b", "once", 4.25, kind="cross"))
    (end,) = unended.ends(str(path), 1, 77.0)
    assert end == begun._replace(
        phase="end", time=T0 + 4.25, seconds=4.25, reason="restart", when=77.0, xyxy=(),
        snapshot="",
    )  # fmt: skip


def test_a_crowd_keeps_its_number(path):
    written(path, line("c", "begin", 0, kind="crowd"))
    (end,) = unended.ends(str(path), 1, 77.0)
    assert (end.kind, end.present, end.seconds) == ("crowd", 4, 0.0)


def test_those_that_began_first_end_first_over_all_files(path):
    written(path.with_name("events.jsonl.3"), line("a", "begin", 0))  # .2: a crash's gap
    written(path.with_name("events.jsonl.1"), line("b", "begin", 1), line("c", "begin", 2))
    written(path, line("b", "end", 3), line("d", "begin", 4))
    assert ids(path) == ["a", "c", "d"]
    assert ids(path, keep=2) == ["c", "d"]


def test_lines_told_twice_are_one_event(path):
    a, b = line("a", "begin", 0), line("b", "begin", 1)
    written(path, a, b, a, b, line("a", "end", 2))
    assert ids(path) == ["b"]


@pytest.mark.parametrize("reason, wanted", [("shutdown", []), ("restart", []), ("left", ["old"])])
def test_before_a_shutdown_or_restart_nothing_is_looked_for(path, reason, wanted):
    old, one = line("old", "begin", 0), line("a", "begin", 1)
    written(path, old, one, line("a", "end", 2, reason))
    assert ids(path) == wanted


@pytest.mark.parametrize("cut", range(5))
def test_a_restart_that_was_killed_in_the_middle_of_its_ends(path, cut):
    """However many are out, the next one tells the rest, once."""
    begins = [line(name, "begin", at) for at, name in enumerate("abcd")]
    written(path, *begins)
    first = [notice.line(end, 5.0) for end in unended.ends(str(path), 1, 5.0)]
    written(path, *begins, *first[:cut], line("new", "begin", 9))
    assert ids(path) == [*"abcd"[cut:], "new"]


def test_where_a_line_is_torn_all_is_read(path):
    """It may have been an end of that restart: a power cut leaves zeros anywhere."""
    lost = line("a", "end", 4, "restart")
    for torn in (b"\0" * len(lost) + b"\n", lost[:-20] + b"\n", b"\0" * 9 + lost[9:]):
        written(
            path, line("a", "begin", 0), line("b", "begin", 1), torn, line("b", "end", 4, "restart")
        )
        assert ids(path) == ["a"], torn


BEGIN = line("x", "begin", 5)
SAID = json.loads(BEGIN.decode("ascii"))


def changed(**keys):
    said = {key: value for key, value in dict(SAID, **keys).items() if value is not None}
    return json.dumps(said).encode("ascii") + b"\n"


@pytest.mark.parametrize(
    "foreign",
    [
        b"garbage\n", b"\xff\xfe\n", b"{}\n", b"[]\n", b"\n", b"null\n", BEGIN[:60] + b"\n",
        b"\0" * 300 + b"\n", BEGIN[:-2] + b"\0}\n", BEGIN[:-2] + b", \n", b"x" * 700000 + b"\n",
        b'{"phase": "begin", "id": "x"}\n', BEGIN[:-2] + b'"' + b"y" * 700000 + b"}\n",
        changed(version=2), changed(kind="flight"), changed(track=None), changed(track="many"),
        changed(time="yesterday"),
        changed(time="2026-99-99T99:99:99.999Z"), changed(box=[1, None]),
        changed(attributes=["red"]),
        changed(score=[]), BEGIN[:-2] + b', "box": ' + b"[" * 5000 + b"]" * 5000 + b"}\n",
    ],
    ids=lambda text: repr(text[:40]),
)  # fmt: skip
def test_what_is_no_line_of_ours_is_passed_over(path, foreign):
    written(path, foreign, line("a", "begin", 0), foreign, line("b", "once", 3), foreign)
    (end,) = unended.ends(str(path), 1, 5.0)
    assert end.id == "a" and 0 <= end.seconds <= 5


def test_half_a_line_at_the_end_is_none(path):
    """The journal cuts it off when it is opened: its begin was never told."""
    for torn in (BEGIN[:-1], BEGIN[:-10], BEGIN[:-1] + b"\0\0"):
        written(path, line("a", "begin", 0), torn)
        assert ids(path) == ["a"]
        journal = Journal(str(path), 1, 1)
        journal.send([])
        journal.close()
        assert ids(path) == ["a"]


def test_the_time_of_a_clip_is_no_time_of_a_camera(path):
    clip = event("c", "begin", 0, camera="clip")._replace(time=3.0)
    later = event("o", "once", 0, camera="clip", kind="cross")._replace(time=8.0)
    written(
        path,
        line("a", "begin", 0, camera="one"), notice.line(clip, 1.0), notice.line(later, 1.0),
        line("o", "once", 60, camera="two", kind="cross"),
    )  # fmt: skip
    ends = unended.ends(str(path), 1, 5.0)
    assert [(end.id, end.seconds) for end in ends] == [("a", 60.0), ("c", 5.0)]


def test_a_clock_that_was_set_back_gives_no_negative_time(path):
    written(path, line("a", "begin", 0), line("o", "once", -100, kind="cross"))
    (end,) = unended.ends(str(path), 1, 5.0)
    assert end.seconds == 0 and end.time == T0


def test_what_is_read_is_bounded(path, monkeypatch):
    one = line("x", "once", 0, kind="cross")
    written(path, line("far", "begin", 0), one * (3 * unended._BLOCK // len(one)))
    assert ids(path) == ["far"]
    monkeypatch.setattr(unended, "MOST", 2 * unended._BLOCK)
    assert ids(path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_cannot_be_read_is_said(path, caplog):
    written(path, BEGIN)
    path.chmod(0)
    assert ids(path) == [] and "cannot be read" in caplog.text


def test_a_folder_or_device_of_that_name_is_left_alone(path):
    path.mkdir()
    os.mkfifo(str(path.with_name("events.jsonl.1")))
    assert ids(path) == []


step = st.tuples(st.sampled_from(["begin", "end", "kill", "stop", "torn"]), st.integers(0, 5))


@settings(max_examples=100, deadline=None)
@given(st.lists(step, max_size=40), st.integers(1, 9))
def test_over_any_runs_each_begin_has_one_end(tmp_path_factory, steps, most_lines):
    """Runs that begin, end, stop and are killed, with a small block and files rotated often."""
    path = tmp_path_factory.mktemp("runs") / "events.jsonl"
    now, most = 0, most_lines * 330e-6

    def started():
        ends = unended.ends(str(path), 500, 0.0)
        journal = Journal(str(path), most, 500)
        journal.send([notice.line(end, 0.0) for end in ends])
        return journal, []

    def told(journal, number, phase, reason="left"):
        journal.send([line(str(number), phase, now, reason)])

    journal, open_now = started()
    for kind, which in [*steps, ("kill", 0)]:
        now += 1
        if kind == "begin":
            told(journal, now, "begin")
            open_now.append(now)
        elif kind == "end" and open_now:
            told(journal, open_now.pop(which % len(open_now)), "end")
        elif kind == "stop":
            for number in open_now:
                told(journal, number, "end", "shutdown")
        if kind in ("stop", "kill", "torn"):
            journal.close()
            if kind == "torn":
                with open(str(path), "ab") as file:
                    file.write(line("torn", "begin", now)[:-which])
            journal, open_now = started()
    journal.close()
    files = sorted(path.parent.glob("events.jsonl*"), key=lambda file: file.name)
    texts = [file.read_text() for file in files if file.suffix != ".bad"]
    lines = [json.loads(row) for text in texts for row in text.splitlines()]
    begun = sorted(one["id"] for one in lines if one["phase"] == "begin" and one["id"] != "torn")
    ended = sorted(one["id"] for one in lines if one["phase"] == "end" and one["id"] != "torn")
    assert begun == ended and len(set(begun)) == len(begun)
