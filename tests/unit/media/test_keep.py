import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import OutputError
from app.media.keep import Kept, check

STATE = {"gate": {"yard": {"total": 12, "counts": [["person", 12, 0]]}}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "counters.json"


def keep(path, state, seconds=()):
    kept = Kept(str(path), every_s=10)
    for when in seconds:
        kept.keep(lambda: state, when)
    return kept


def test_nothing_was_kept_and_nothing_is_written(path, caplog):
    kept = Kept(str(path))
    assert kept.read() == {}
    kept.close()
    assert not path.parent.exists() and not caplog.records


def test_what_is_kept_at_the_end_is_read_at_the_start(path):
    keep(path, STATE, [100.0]).close()
    assert Kept(str(path)).read() == STATE
    assert json.loads(path.read_text()) == {"version": 1, "state": STATE}
    assert os.listdir(str(path.parent)) == [path.name]


def test_it_is_written_every_so_many_seconds_and_asked_for_only_then(path):
    kept = Kept(str(path), every_s=10)
    asked = []

    def state():
        asked.append(when)
        return {"n": when}

    for when in range(100, 126):
        kept.keep(state, float(when))
    assert asked == [110, 120] and Kept(str(path)).read() == {"n": 120}
    kept.close()
    assert Kept(str(path)).read() == {"n": 125}


def test_what_has_not_changed_is_not_written_again(path):
    keep(path, STATE, [0.0]).close()
    before = path.stat().st_ino
    kept = Kept(str(path), every_s=10)
    kept.read()
    for when in range(0, 50, 5):
        kept.keep(lambda: STATE, when)
    assert path.stat().st_ino == before
    path.unlink()
    kept.keep(lambda: STATE, 60)
    kept.close()
    assert Kept(str(path)).read() == STATE, "unless the file is gone"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"\0" * 100,
        b'{"version": 1, "state": {"n": 1}',
        b'{"version": 2, "state": {"n": 1}}',
        b'{"state": {"n": 1}}',
        b'{"version": 1}',
        b'{"version": 1, "state": [1]}',
        b"[1]",
        b"null",
        b"\xff\xfe",
        b"[" * 100000,
        b" " * (1 << 24) + b"{}",
    ],
    ids=lambda content: repr(content[:40]),
)
def test_what_cannot_be_trusted_is_set_aside(path, caplog, content):
    path.parent.mkdir()
    path.write_bytes(content)
    kept = Kept(str(path))
    assert kept.read() == {}
    assert path.with_name(path.name + ".bad").read_bytes() == content
    assert len(caplog.records) == 1 and "counting from zero" in caplog.text
    kept.keep(lambda: STATE, 0)
    kept.close()
    assert Kept(str(path)).read() == STATE


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_wherever_it_is_cut_it_is_whole_or_nothing(tmp_path_factory, at):
    path = tmp_path_factory.mktemp("cut") / "c.json"
    keep(path, STATE, [0.0]).close()
    content = path.read_bytes()
    path.write_bytes(content[: at % len(content)])
    assert Kept(str(path)).read() in ({}, STATE)


def test_a_folder_or_a_file_of_something_else_is_refused_and_left_alone(tmp_path):
    folder, notes = tmp_path / "folder", tmp_path / "notes.txt"
    folder.mkdir()
    notes.write_text("buy milk\n")
    for path in (folder, notes):
        with pytest.raises(OutputError, match="cannot be used for counters"):
            check(str(path))
    with pytest.raises(OutputError, match="cannot be used for counters"):
        Kept(str(folder)).read()
    assert folder.is_dir() and notes.read_text() == "buy milk\n"
    for fine in (tmp_path / "new.json", tmp_path / "there" / "new.json"):
        check(str(fine))
    written = tmp_path / "counters.json"
    kept = Kept(str(written))
    kept.keep(lambda: {"a": 1}, 0.0)
    kept.close()
    check(str(written))


def test_what_cannot_be_written_is_said_once_and_tried_again(path, caplog):
    path.parent.write_text("a file")
    kept = keep(path, STATE, range(0, 60, 10))
    assert len(caplog.records) == 1 and "cannot be written" in caplog.text
    path.parent.unlink()
    kept.close()
    assert Kept(str(path)).read() == STATE
    assert len(caplog.records) == 2 and "written again" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write anywhere")
def test_what_may_not_be_read_or_written(path, caplog):
    keep(path, STATE, [0.0]).close()
    path.chmod(0)
    path.parent.chmod(0o555)
    kept = Kept(str(path))
    assert kept.read() == {} and len(caplog.records) == 1
    kept.keep(lambda: STATE, 0)
    kept.close()
    path.parent.chmod(0o755)


WRITER = """
import sys
from app.media.keep import Kept
kept = Kept(sys.argv[1], 0)
number = kept.read().get("n", 0)
while True:
    number += 1
    kept.keep(lambda: {"n": number, "fill": "x" * (number % 5000)}, number)
    print(number, flush=True)
"""


def test_a_kill_in_the_middle_leaves_a_whole_file(path, caplog):
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(path)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, universal_newlines=True)
        for _ in range(20):
            told = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        told = ([told] + [int(line) for line in writer.stdout.read().split("\n")[:-1]])[-1]
        writer.wait()
        writer.stdout.close()
        assert told <= Kept(str(path)).read()["n"] <= told + 1
    assert not caplog.records


def test_a_disk_that_hangs_is_waited_for_a_second_and_no_longer(path, caplog):
    answers = threading.Event()

    class Hanging(Kept):
        def _write(self, content):
            assert answers.wait(60)
            super()._write(content)

    kept = Hanging(str(path), every_s=1)
    began = time.monotonic()
    for when in range(100):
        kept.keep(lambda: STATE, when)
    assert time.monotonic() - began < 10
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    answers.set()
    kept.keep(lambda: {"n": 2}, 200)
    kept.close()
    assert Kept(str(path)).read() == {"n": 2}
