"""test_child: attempts in real processes: those that answer, fail, die, hang or say nothing."""

import sys
import threading
import time
from typing import NamedTuple

import pytest

from app import child
from app.attempt import Task, TooSlow
from app.device.build import OutOfMemory, Recipe
from app.errors import DeviceError, EngineError, OutputError, SourceError
from tests import fake_child, fake_cuda, stand_in

HEAR = "import os, sys, time, signal; task = sys.stdin.read(); "


def attempt(folder, script, task=None):
    """One whose child runs a line of Python."""
    task = task or Task(stand_in.model("tiny.onnx"), Recipe("fp32", 1 << 26), "part", str(folder))
    return child.Attempt(task, str(folder / "log"), [sys.executable, "-c", HEAR + script])


def told(*what):
    pass


def says(text):
    return f"print('''{text}''', flush=True); "


def ended(process_id):
    """Whether a process is gone, or waits for its end to be read, within a while."""
    for _ in range(200):
        try:
            with open(f"/proc/{process_id}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        threading.Event().wait(0.05)
    return False


def test_the_outcome_is_what_the_child_found(tmp_path):
    """By way of JSON, as the attempt in this process would give it."""
    stand_in.onnx(tmp_path / "tiny.onnx")
    fake_cuda.keep_kernels(tmp_path, (8, 6))
    task = Task(
        stand_in.model(tmp_path / "tiny.onnx"), Recipe("fp16", 1 << 26, 4), str(tmp_path / "part"),
        str(tmp_path),
        check=stand_in.folder(tmp_path / "check", 3),
    )  # fmt: skip
    one = child.Attempt(task, str(tmp_path / "log"), fake_child.command("8.6.1"))
    heard = []
    outcome = one.result(lambda *what: heard.append(what))
    assert outcome.passed and outcome.sidecar.accuracy.agreement == 1
    assert outcome.sidecar.model.input == stand_in.SPEC and outcome.sidecar.batch == 4
    assert one.workspace == 1 << 26 and ("comparing with FP32 on the CPU", 3, 3) in heard
    assert "INFO Opset version:    13" in (tmp_path / "log").read_text()
    assert "VERBOSE" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    "kind",
    [EngineError, DeviceError, SourceError, OutputError, OutOfMemory, TooSlow],
    ids=lambda kind: kind.__name__,
)
def test_what_the_child_raised_is_raised(tmp_path, kind):
    script = says('{"error": "no luck", "kind": "%s"}' % kind.__name__)
    with pytest.raises(kind, match="^no luck$") as raised:
        attempt(tmp_path, script).result(told)
    assert type(raised.value) is kind


def test_a_kind_that_is_not_known_is_one_line(tmp_path):
    with pytest.raises(EngineError, match="^no luck$"):
        attempt(tmp_path, says('{"error": "no luck", "kind": "NoEngine"}')).result(told)


def test_a_child_that_is_killed_wanted_too_much_memory(tmp_path):
    script = says('{"phase": "workspace", "done": 0, "total": 4096}')
    one = attempt(tmp_path, script + "os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(OutOfMemory, match="killed .SIGKILL, most likely for want of memory"):
        one.result(told)
    assert one.workspace == 4096


def test_a_child_that_crashes_wants_no_less_memory(tmp_path):
    with pytest.raises(EngineError, match=r"crashed \(SIGSEGV\): a plugin or library. See "):
        attempt(tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)").result(told)


@pytest.mark.parametrize("script", ["sys.exit(3)", "os._exit(3)", says("") + "sys.exit(3)"])
def test_a_child_that_says_nothing_is_one_line(tmp_path, script):
    with pytest.raises(EngineError, match="ended with code 3 and no word. See .*log$"):
        attempt(tmp_path, script).result(told)


def test_a_child_that_breaks_leaves_its_traceback_in_the_log(tmp_path):
    with pytest.raises(EngineError, match="ended with code 1 and no word"):
        attempt(tmp_path, "1 / 0").result(told)
    assert "ZeroDivisionError" in (tmp_path / "log").read_text()


def test_a_child_that_does_not_listen_is_one_line(tmp_path):
    """Its task is longer than a pipe holds."""
    many = tuple("x" * 100 for _ in range(3000))
    task = Task(
        stand_in.model("tiny.onnx"), Recipe("fp32", 1), "part", str(tmp_path), calibrate=many
    )
    one = child.Attempt(task, str(tmp_path / "log"), [sys.executable, "-c", "raise SystemExit(4)"])
    with pytest.raises(EngineError, match="ended with code 4 and no word"):
        one.result(told)


def test_words_that_are_no_answer_are_one_line(tmp_path):
    """Of a library that writes to the file itself."""
    with pytest.raises(EngineError, match="no word"):
        attempt(tmp_path, says("Segmentation of the arena") + says("[1]") + "sys.exit(2)").result(
            told
        )


@pytest.mark.parametrize("script, busy", [("\nwhile True: pass", True), ("time.sleep(60)", False)])
def test_a_silent_child_that_works_is_told_from_one_that_hangs(tmp_path, script, busy):
    one = attempt(tmp_path, says('{"phase": "silent", "done": 0, "total": 0}') + script)
    heard = []

    def watched(phase, done, total):
        if phase == "silent":
            heard.append(one.busy_s)
        if len(heard) == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        one.result(watched)
    assert (heard[-1] - heard[1] > 0.2) == busy, heard  # of four seconds, on a machine that is busy


def test_a_silent_child_is_told_of_and_an_interrupt_kills_it_and_what_it_started(tmp_path):
    script = (
        "import subprocess; one = subprocess.Popen([sys.executable, '-c', 'import time; "
        "time.sleep(60)']); "
        + 'print(\'{"phase": "%d %d", "done": 0, "total": 0}\' % (os.getpid(), one.pid), '
        "flush=True); time.sleep(60)"
    )
    heard = []

    def interrupted(phase, done, total):
        heard.append(phase)
        if len(heard) == 4:
            raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        attempt(tmp_path, script).result(interrupted)
    assert time.monotonic() - began < 20
    numbers = [phase.split() for phase in heard if phase != "starting"][0]
    assert all(ended(int(number)) for number in numbers), numbers


class Counted(NamedTuple):
    so_far: int


def interrupted_at(folder, script, ending_s, interrupts=("measuring",)):
    """An attempt that is interrupted where these phases are told, once each, and what it gives."""
    one = child.Attempt((), str(folder / "log"), [sys.executable, "-c", HEAR + script], Counted)
    left = list(interrupts)

    def interrupting(phase, done, total):
        if left and phase == left[0]:
            left.pop(0)
            raise KeyboardInterrupt

    return one, lambda: one.result(interrupting, ending_s)


MEASURING = says('{"phase": "measuring", "done": 0, "total": 0}')


def on_sigterm(does):
    return f"""
def end(*_):
    {does}
signal.signal(signal.SIGTERM, end)
{MEASURING}
time.sleep(60)
"""


def test_an_interrupted_child_gives_what_it_has(tmp_path):
    """An hour that is broken off in its last minute is worth 59."""
    script = on_sigterm(says('{"outcome": {"so_far": 59}}'))
    one, result = interrupted_at(tmp_path, script, 20.0)
    assert result() == Counted(59) and one.interrupted


@pytest.mark.parametrize(
    "does, ending_s, interrupts",
    [
        (says('{"error": "only 1 frames were finished", "kind": "SourceError"}'), 20.0, 1),
        ("sys.exit(0)", 20.0, 1),
        ("pass", 0.7, 1),  # it does not end
        ("pass", 60.0, 2),  # Ctrl-C again
        (says('{"outcome": {"so_far": 59}}'), 0.0, 1),  # it is not asked
    ],
)
def test_an_interrupted_child_that_has_nothing_is_let_go(tmp_path, does, ending_s, interrupts):
    phases = ("measuring", "ending")[:interrupts]
    _, result = interrupted_at(tmp_path, on_sigterm(does), ending_s, phases)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        result()
    assert time.monotonic() - began < 15


def test_a_log_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(OutputError, match="log: cannot be written: No such file.*JETWATCH_ENGINES"):
        attempt(tmp_path / "nowhere", "").result(told)
