"""What a killed process leaves is removed; not what one that lives has, or another user."""

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from app.media import room
from tests.command import ROOT

HOLDS = """
import sys, tempfile
from app.media import room
tempfile.tempdir = sys.argv[1]
with room.temporary("test") as place:
    open(place + "/picture", "w").close()
    print(place, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def other(place):
    """Another process that has such a folder."""
    words = [sys.executable, "-c", HOLDS, str(place)]
    process = subprocess.Popen(
        words, cwd=str(ROOT), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )  # fmt: skip
    process.folder = process.stdout.readline().decode().strip()
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def aged(folder, seconds=3600):
    when = os.stat(str(folder)).st_mtime - seconds
    os.utime(str(folder), (when, when))


def names(place):
    return sorted(os.listdir(str(place)))


def test_it_is_there_for_the_length_of_the_with(place):
    with pytest.raises(KeyError), room.temporary("test") as made:
        assert os.path.dirname(made) == str(place) and os.stat(made).st_mode & 0o777 == 0o700
        open(os.path.join(made, "picture"), "w").close()
        raise KeyError
    assert names(place) == []


def test_what_a_killed_process_left_is_removed(place, other):
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    with room.temporary("test"):
        assert os.path.exists(other.folder), "it may be a moment old, and not locked yet"
    aged(other.folder)
    with room.temporary("other"):
        assert os.path.exists(other.folder), "of another kind"
    with room.temporary("test") as mine:
        assert names(place) == [os.path.basename(mine)]


def test_that_of_a_living_process_stays_however_old(place, other):
    aged(other.folder)
    with room.temporary("test"):
        assert os.listdir(other.folder) == ["picture"]
    other.stdin.close()
    other.wait()
    assert names(place) == [], "it has removed it itself"


def test_a_link_or_a_file_of_such_a_name_stays(place, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "a").write_text("")
    (place / "jetwatch-test-link").symlink_to("precious")
    (place / "jetwatch-test-file").write_text("")
    for name in ("jetwatch-test-link", "jetwatch-test-file", "precious"):
        os.utime(str(place / name), (1, 1), follow_symlinks=False)
    with room.temporary("test") as mine:
        wanted = {"jetwatch-test-link", "jetwatch-test-file", "precious", os.path.basename(mine)}
        assert set(names(place)) == wanted and names(precious) == ["a"]
