"""journal: whole lines in order, over rotations, restarts, kills and power cuts."""

import signal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.media import journal
from app.media.journal import Journal
from tests.journals import Clock, everything, lines, names, numbers, opened


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out" / "events.jsonl"


def test_a_line_is_out_when_send_returns_and_an_earlier_run_is_kept(path, clock):
    for run in range(2):
        one = opened(path, clock)
        one.send(lines(2 * run))
        one.send([])
        one.send(lines(2 * run + 1))
        assert numbers(path) == list(range(2 * run + 2))
        one.close()
    assert names(path) == ["events.jsonl"]


def test_the_file_is_there_from_the_first_frame(path, clock):
    one = opened(path, clock)
    assert not path.exists()
    one.send([])
    assert numbers(path) == []
    one.close()


@pytest.mark.parametrize(
    "content, whole",
    [
        (b"", b""),
        (b'{"n": 1}\n', b'{"n": 1}\n'),
        (b'{"n": 1}\n{"n": 2', b'{"n": 1}\n'),
        (b'{"n": 1}\n{"n": 2}', b'{"n": 1}\n'),
        (b'{"n"', b""),
        (b'{"n": 1}\n\0\0\0\0\0', b'{"n": 1}\n'),
        (b'{"n": 1}\n{"n\0\0\0\0}\n', b'{"n": 1}\n'),
        (b'{"n": 1}\n\0\0\0": 2}\n', b'{"n": 1}\n'),
        (b'{"n": 1}\n{"n": 2}\n' + b"\0" * 5000, b'{"n": 1}\n{"n": 2}\n'),
    ],
)
def test_what_a_power_cut_tore_is_cut_off_at_the_start(path, clock, caplog, content, whole):
    path.parent.mkdir()
    path.write_bytes(content)
    one = opened(path, clock)
    one.send([])
    assert path.read_bytes() == whole
    one.send(lines(9))
    assert numbers(path)[-1] == 9
    one.close()
    torn = content[len(whole) :]
    bad = path.with_name("events.jsonl.bad")
    assert len(caplog.records) == bool(torn)
    assert (bad.read_bytes() if bad.exists() else b"") == torn


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.data())
def test_wherever_it_is_torn_all_whole_lines_are_kept(count, draw):
    content = b"".join(lines(*range(count), size=3))
    at = draw.draw(st.integers(1, len(content)))
    zeros = draw.draw(st.integers(0, 3)) * b"\0"
    whole = journal._whole(content[:at] + zeros)
    assert whole == content[:at].rfind(b"\n") + 1


@pytest.mark.parametrize(
    "content", [b"precious", b"one\ntwo\n", b"\0" * 99, b"{" + b"x" * 200000], ids=len
)
def test_a_file_of_somebody_else_is_set_aside(path, clock, caplog, content):
    path.parent.mkdir()
    path.write_bytes(content)
    one = opened(path, clock)
    one.send(lines(1))
    one.close()
    assert numbers(path) == [1]
    assert path.with_name("events.jsonl.bad").read_bytes() == content
    assert "is no file of events" in caplog.text


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_it_is_rotated_before_it_is_too_large(path, clock, keep):
    size = len(lines(1000)[0])
    one = opened(path, clock, max_mb=3 * size / 1e6, keep=keep)
    one.send(lines(*range(1000, 1020)))
    one.close()
    kept = ["events.jsonl"] + [f"events.jsonl.{n}" for n in range(1, keep + 1)]
    assert names(path) == kept
    assert all((path.parent / name).stat().st_size <= 3 * size for name in kept)
    # 6 full files and one of two lines
    assert everything(path, keep) == list(range(1020))[1018 - 3 * keep : 1020][-3 * keep - 2 :]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 120), min_size=1, max_size=30), st.integers(20, 200))
def test_no_line_is_split_or_lost_by_rotation(tmp_path_factory, sizes, most):
    path = tmp_path_factory.mktemp("rotation") / "events.jsonl"
    one = Journal(str(path), most / 1e6, 40)
    sent = [lines(number, size=size)[0] for number, size in enumerate(sizes)]
    for line in sent:
        one.send([line])
    one.close()
    assert everything(path, 40) == list(range(len(sizes)))
    for file in path.parent.iterdir():
        assert file.stat().st_size <= most or file.read_bytes().count(b"\n") == 1


def test_a_gap_among_the_old_files_is_filled_first(path, clock):
    """A crash between two renames leaves one; the oldest file need not go for it."""
    path.parent.mkdir()
    for name, number in (("", 4), (".1", 3), (".3", 1)):
        path.with_name(path.name + name).write_bytes(lines(number)[0])
    one = opened(path, clock, max_mb=1e-6, keep=3)
    one.send(lines(5))
    one.close()
    assert everything(path, 3) == [1, 3, 4, 5]


def test_where_it_cannot_be_rotated_it_grows_and_says_so_once(path, clock, caplog):
    path.parent.mkdir()
    (path.parent / "events.jsonl.1").mkdir()
    (path.parent / "events.jsonl.1" / "full").write_text("")
    one = opened(path, clock, max_mb=1e-6, keep=1)
    one.send(lines(1, 2, 3))
    one.close()
    assert numbers(path) == [1, 2, 3]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} cannot be rotated (Is a directory), it grows"
    ]


WRITER = """
import json, sys
from app.media.journal import Journal
one = Journal(sys.argv[1], 0.02, 500)
for number in range(int(sys.argv[2]), 10**9):
    one.send([json.dumps({"n": number, "fill": "x" * (number % 700)}).encode("ascii") + b"\\n"])
    print(number, flush=True)
"""


@pytest.mark.parametrize("start", [0, 5000])
def test_a_kill_in_the_middle_loses_nothing_that_was_acknowledged(path, clock, start):
    first = start
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(first)],
            stdout=subprocess.PIPE,
            universal_newlines=True,
        )
        told = [int(writer.stdout.readline()) for _ in range(40 + first % 7)]
        writer.send_signal(signal.SIGKILL)
        told += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        writer.wait()
        writer.stdout.close()
        one = opened(path, clock)
        one.send([])
        one.close()
        found = everything(path, 500)
        assert found == list(range(start, len(found) + start)), "in order, none twice, none half"
        assert told[-1] <= found[-1] <= told[-1] + 1
        first = found[-1] + 1
