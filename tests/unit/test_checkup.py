"""test_checkup: what is asked of the real machine."""

import os
import shlex
import sys
import time

import pytest

from app import checkup
from app.checkup import this_machine


def test_programs_and_their_ends():
    here = this_machine()
    assert here.run(["no-such-program-anywhere"]) is None
    ran = here.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (ran.code, ran.out, ran.last) == (3, "out\n", "err")
    assert here.run(["sh", "-c", "exit 2"]).last == "exit code 2"


def test_a_program_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(checkup, "_PROGRAM_S", 0.2)
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="sleep 30 gave no answer in 0 s"):
        this_machine().run(["sleep", "30"])
    assert time.monotonic() - began < 5


def test_python_code_may_crash_and_finds_the_package():
    here = this_machine()
    assert here.python("import os, signal; os.kill(os.getpid(), signal.SIGILL)").code == -4
    assert here.python("import app.errors; print(1)").out == "1\n"
    assert "No module named" in here.python("import no_such_module").last


def test_files_are_found_under_the_root(tmp_path):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "video0").write_text("x")
    here = this_machine()._replace(root=str(tmp_path))
    assert here.find("dev/video*") == ["/dev/video0"]
    assert here.text("dev/video0") == "x" and here.text("dev/none") == ""


def test_room_is_asked_of_the_nearest_folder_there_is(tmp_path):
    free = this_machine().free
    status = os.statvfs(str(tmp_path))
    told = free(str(tmp_path / "not" / "yet" / "there.mp4"))
    assert abs(told - status.f_bavail * status.f_frsize) < 1 << 30


def test_the_users_groups_are_names():
    groups = this_machine().groups
    assert (groups is None) == (os.geteuid() == 0)
    made = checkup._groups()
    assert made and all(isinstance(name, str) for name in made)


def test_the_groups_of_a_user_that_may_not_be_there():
    assert "root" in checkup._groups_of("root")
    assert checkup._groups_of("no-such-user") is None


def test_the_interpreter_that_runs_this_is_named_for_a_shell():
    """python3 may be another than the one that runs /opt/jetwatch/bin/jetwatch."""
    own = this_machine().interpreter
    assert shlex.split(own.command) == [sys.executable]
    assert own.environment == ("" if sys.prefix == sys.base_prefix else sys.prefix)
    assert own.pip("install x").startswith(own.sudo + own.command + " -m pip install x")
