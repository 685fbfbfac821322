"""test_planfile_crash: killed, interrupted or out of room at any point of writing an engine."""

import os
import pathlib
import subprocess
import sys

import pytest

from app.device import plan, planfile
from app.errors import EngineError
from tests.plans import SIDECAR

ROOT = str(pathlib.Path(__file__).resolve().parents[3])
OLD, NEW = b"old!", b"new!"  # as long as each other, so that only their sha256 tells

CRASHES = """
import os, signal, sys
from app.device import planfile
from tests.plans import SIDECAR

path, way = sys.argv[1:]
steps = 0

def at_step(number):
    def trace(frame, event, argument):
        global steps
        if not frame.f_code.co_filename.endswith("planfile.py"):
            return None
        if event == "line" and frame.f_code.co_name != "_cleared":  # which removes what is left
            steps += 1
            if steps == number and way == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if steps == number:
                raise KeyboardInterrupt
        return trace
    return trace

for number in range(1, 1000):
    child = os.fork()
    if not child:
        sys.settrace(at_step(number))
        try:
            planfile.write(path, lambda file: file.write(b"new!"), SIDECAR)
        except KeyboardInterrupt:
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print(status, flush=True)
    if not status:
        break
    sys.stdin.readline()
"""


@pytest.mark.parametrize("way", ["kill", "interrupt"])
def test_stopped_at_any_line(tmp_path, way):
    """Old or new, whole, with its own sidecar; or no sidecar, which is told as such."""
    path = str(tmp_path / "a.engine")
    outcomes = set()
    process = subprocess.Popen(
        [sys.executable, "-c", CRASHES, path, way],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        universal_newlines=True,
    )
    with process:
        planfile.write(path, lambda file: file.write(OLD), SIDECAR)
        for status in iter(process.stdout.readline, ""):
            outcomes.add(outcome(path))
            left = [name for name in os.listdir(str(tmp_path)) if name.endswith(".part")]
            assert way == "kill" or not left
            planfile.sweep(str(tmp_path), older_s=-1)
            assert sorted(os.listdir(str(tmp_path)))[0] == "a.engine"
            if status == "0\n":
                break
            planfile.write(path, lambda file: file.write(OLD), SIDECAR)
            process.stdin.write("\n")
            process.stdin.flush()
    assert process.returncode == 0
    assert outcomes == {"old", "new", "no sidecar"}


def outcome(path):
    try:
        sidecar = plan.read(path)
    except EngineError as error:
        assert "is not there" in str(error)
        return "no sidecar"
    assert planfile.damage(path, sidecar, hashed=True) == ""
    with open(path, "rb") as file:
        return {OLD: "old", NEW: "new"}[file.read()]


LITTLE_ROOM = """
import resource, signal, sys
from app.device import planfile
from app.errors import OutputError
from tests.plans import SIDECAR

path, plan_bytes, most = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # else it would be killed by it
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
try:
    planfile.write(path, lambda file: file.write(b"x" * plan_bytes), SIDECAR)
except OutputError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize(
    "plan_bytes, most, needs", [(4000, 3999, 3999), (100, 1000, 100)], ids=["plan", "sidecar"]
)
def test_no_room_for(tmp_path, plan_bytes, most, needs):
    """The system takes no more than so many bytes for one file."""
    path = str(tmp_path / "a.engine")
    planfile.write(path, lambda file: file.write(OLD), SIDECAR)
    arguments = [path, str(plan_bytes), str(most)]
    done = subprocess.run(
        [sys.executable, "-c", LITTLE_ROOM] + arguments,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    assert done.returncode == 1
    assert done.stdout.startswith(f"cannot write {path}: File too large. It needs {needs} bytes")
    assert done.stdout.count("\n") == 1
    assert sorted(os.listdir(str(tmp_path))) == ["a.engine", "a.engine.json"]
    assert outcome(path) == "old"
