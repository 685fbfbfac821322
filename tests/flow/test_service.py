"""`jetwatch run` as systemd runs it: what it says, when, and what SIGHUP and limits do."""

import os
import signal
import time

import pytest

from tests import tiny
from tests.command import finish, start, wait_for
from tests.manager import managing

pytest.importorskip("onnx")

CONFIG = """
cameras: [{{name: {name}, source: "{source}"}}]
detect: {{model: "{model}"}}
{more}
"""


STARTED = []


@pytest.fixture(autouse=True)
def nothing_left():
    """A test that fails must not leave its service running."""
    yield
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def service(tmp_path, manager, name="yard", source="test://?size=320x240&fps=15", more="", path=()):
    """A service on a config of its own; both."""
    config = tmp_path / "watch.yaml"
    write(config, tmp_path, name, source, more)
    process = start("run", config, env=manager.environ, path=path)
    STARTED.append(process)
    return process, config


def write(config, tmp_path, name="yard", source="test://?size=320x240&fps=15", more=""):
    model = tmp_path / "tiny.onnx"
    if not model.exists():
        tiny.detector(model)
    config.write_text(CONFIG.format(name=name, source=source, model=model, more=more))


def ended(process, number=signal.SIGTERM, seconds=5):
    """How it ends, and that it does in time."""
    asked = time.monotonic()
    process.send_signal(number)
    result = finish(process, 15)
    assert time.monotonic() - asked < seconds
    return result


def test_ready_comes_with_the_first_frame_and_the_watchdog_with_each(tmp_path):
    with managing(tmp_path, watchdog_s=20) as manager:
        process, _ = service(tmp_path, manager)
        manager.wait("READY=1")
        said = [line for lines in manager.heard for line in lines]
        assert said[:2] == ["STATUS=loading models", "EXTEND_TIMEOUT_USEC=300000000"]
        manager.wait("WATCHDOG=1")
        fed = len(manager.heard)
        manager.listen(2.5)
        assert sum(lines == ["WATCHDOG=1"] for lines in manager.heard[fed:]) >= 2
        assert any(" fps | " in line for lines in manager.heard[fed:] for line in lines)
        assert not any("EXTEND_" in line for lines in manager.heard[fed:] for line in lines)
        result = ended(process)
        assert result.code == 0, result.err
        manager.wait("STOPPING=1")
        assert sum("READY=1" in lines for lines in manager.heard) == 1


def test_a_camera_that_is_not_there_is_tried_and_not_ready(tmp_path):
    """Attempts feed the watchdog and extend the start: a fresh one would not bring it back."""
    with managing(tmp_path, watchdog_s=20) as manager:
        process, _ = service(tmp_path, manager, source="rtsp://127.0.0.1:9/nothing")
        first = manager.wait("WATCHDOG=1")
        manager.wait("WATCHDOG=1", since=first + 1)
        manager.wait("EXTEND_TIMEOUT_USEC=184500000", since=first + 2)
        assert any("lost: cannot connect" in line for lines in manager.heard for line in lines)
        result = ended(process)
        assert result.code == 0, result.err
        assert not any("READY=1" in lines for lines in manager.listen())


HANGS = """
import time
from app.media import pattern
frames = pattern.Pattern.frames
def hanging(self, stop):
    for number, frame in enumerate(frames(self, stop)):
        if number == 30:
            time.sleep(600)
        yield frame
pattern.Pattern.frames = hanging
"""


def test_a_reader_that_hangs_is_no_progress_and_is_left_behind(tmp_path):
    """As in a driver: the main thread goes on, which must not feed the watchdog."""
    (tmp_path / "sitecustomize.py").write_text(HANGS)
    with managing(tmp_path, watchdog_s=20) as manager:
        process, _ = service(tmp_path, manager, path=[tmp_path])
        manager.wait("WATCHDOG=1")
        manager.wait("STATUS=0.0 fps", seconds=10)
        quiet = len(manager.heard)
        manager.listen(3)
        said = [line for lines in manager.heard[quiet:] for line in lines]
        assert "WATCHDOG=1" not in said
        result = ended(process, seconds=7)
        assert result.code == 0 and "yard: its reader hangs and is left behind" in result.err


def test_sighup_takes_a_good_config_refuses_a_bad_one(tmp_path):
    with managing(tmp_path, watchdog_s=60) as manager:
        process, config = service(tmp_path, manager)
        manager.wait("READY=1")

        def reloads():
            """What is said from one SIGHUP to the word that it is done with."""
            since = len(manager.listen())
            process.send_signal(signal.SIGHUP)
            begun = manager.wait("RELOADING=1", since=since)
            assert any(line.startswith("WATCHDOG_USEC=9") for line in manager.heard[begun])
            done = manager.wait("READY=1", since=begun)
            assert "WATCHDOG_USEC=60000000" in manager.heard[done]
            after = manager.wait("WATCHDOG=1", since=done + 1)  # it goes on
            assert process.poll() is None
            return [line for lines in manager.heard[begun : after + 1] for line in lines]

        assert not any("refused" in line for line in reloads())  # nothing has changed
        config.write_text("cameras: [{name: yard, sorce: here}]")
        assert any("refused" in line for line in reloads())
        write(config, tmp_path, more=f'report: {{path: "{tmp_path}/no/../found.jsonl"}}')
        assert not any("refused" in line for line in reloads())
        wait_for(process, (tmp_path / "found.jsonl").exists, 10)
        found = tmp_path / "found.jsonl"
        assert found.exists()
        os.mkdir(str(tmp_path / "folder"))
        write(config, tmp_path, more=f'report: {{path: "{tmp_path}/folder"}}')  # read well, run not
        assert any("refused" in line for line in reloads())
        lines = found.read_text().count("\n")
        wait_for(process, lambda: found.read_text().count("\n") > lines, 10)
        assert found.read_text().count("\n") > lines, "the config that ran does not run on"
        result = ended(process)
        assert result.code == 0, result.err
        assert "has not changed" in result.err
        assert "watch.yaml:1: cameras[0].sorce is not a setting" in result.err


def test_sighup_can_change_the_camera(tmp_path):
    with managing(tmp_path) as manager:
        process, config = service(tmp_path, manager)
        manager.wait("READY=1")
        write(config, tmp_path, name="gate")
        since = len(manager.heard)
        process.send_signal(signal.SIGHUP)
        manager.wait("READY=1", since=manager.wait("RELOADING=1", since=since))
        manager.listen(2.5)
        assert " fps | " in manager.heard[-1][0], manager.heard[since:]
        result = ended(process)
        assert result.code == 0, result.err
        assert "camera   gate" in result.err


@pytest.mark.parametrize("late, code", [(False, 78), (True, 75)])
def test_at_its_memory_budget_it_ends_cleanly_and_says_so(tmp_path, late, code):
    """
    The least budget is less than Python with its libraries takes: so from the start, which no
    restart would mend; or where the start is long past.
    """
    with managing(tmp_path) as manager:
        more = f'limits: {{memory_mb: 64}}\nreport: {{path: "{tmp_path}/found.jsonl"}}'
        path = []
        if late:
            (tmp_path / "sitecustomize.py").write_text(
                "from app import steward\nsteward._EARLY_S = 0.5\n"
            )
            path = [tmp_path]
        process, _ = service(tmp_path, manager, more=more, path=path)
        result = finish(process, 60)
        result.failed(code, "MB of 64 MB (limits.memory_mb)", "afresh" if late else "Raise")
        manager.wait("STOPPING=1")
        assert (tmp_path / "found.jsonl").read_text().endswith("\n")


@pytest.mark.slow
def test_without_a_manager_the_budget_only_warns(tmp_path):
    config = tmp_path / "watch.yaml"
    write(config, tmp_path, more="limits: {memory_mb: 64}")
    process = start("run", config, "--seconds", "9")
    result = finish(process, 60)
    assert result.code == 0 and "limits.memory_mb" in result.err


@pytest.mark.slow
def test_late_frames_ease_the_load(tmp_path):
    """No machine ends a frame within a millisecond of its capture."""
    with managing(tmp_path) as manager:
        process, _ = service(tmp_path, manager, more="limits: {latency_ms: 1}")
        wait_for(process, lambda: manager.listen(1) and len(manager.heard) > 14, 60)
        result = ended(process)
        assert result.code == 0
        assert "load step 1 of 6: the detector looks at every 2. frame, as latency is" in result.err


@pytest.mark.slow
def test_a_camera_that_had_failed_is_no_end_of_the_next_config(tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film at all" * 99)
    with managing(tmp_path, watchdog_s=20) as manager:
        process, config = service(tmp_path, manager)
        first = config.read_text()
        both = first.replace("cameras: [", f'cameras: [{{name: bad, source: "{broken}"}}, ')
        manager.wait("READY=1")
        for text in (both, first):
            config.write_text(text)
            since = len(manager.listen(3 if text is first else 0))
            process.send_signal(signal.SIGHUP)
            done = manager.wait("READY=1", since=manager.wait("RELOADING=1", since=since))
            manager.wait("WATCHDOG=1", since=done + 1)
        result = ended(process)
        assert result.code == 0 and "broken.mp4" in result.err, result.err


@pytest.mark.slow
def test_a_second_sighup_while_the_first_is_obeyed(tmp_path):
    """What is on the disk in the end is what runs in the end."""
    with managing(tmp_path) as manager:
        process, config = service(tmp_path, manager)
        manager.wait("READY=1")
        for name in ("gate", "roof"):
            write(config, tmp_path, name=name)
            process.send_signal(signal.SIGHUP)
            manager.wait("RELOADING=1")
        wait_for(process, lambda: manager.listen(6), 6)
        result = ended(process)
        assert result.code == 0
        ran = [line for line in result.err.splitlines() if line.startswith("camera   ")]
        assert ran[-1].startswith("camera   roof"), ran


@pytest.mark.slow
def test_what_was_written_is_still_there_after_a_reload(tmp_path):
    def more(theme):
        return (
            f'report: {{path: "{tmp_path}/found.jsonl"}}\nrecord: {{path: "{tmp_path}/film.mp4"}}\n'
            f"overlay: {{theme: {theme}}}"
        )

    with managing(tmp_path) as manager:
        process, config = service(tmp_path, manager, more=more("dark"))
        manager.wait("READY=1")
        manager.listen(2)
        write(config, tmp_path, more=more("light"))
        process.send_signal(signal.SIGHUP)
        manager.wait("READY=1", since=manager.wait("RELOADING=1"))
        before = (tmp_path / "found.jsonl").read_text()
        film = (tmp_path / "film.mp4").read_bytes()
        assert before.count("\n") > 20 and len(film) > 1000
        manager.listen(3)
        assert ended(process).code == 0
    assert (tmp_path / "found.jsonl").read_text().startswith(before)
    assert (tmp_path / "found.jsonl").read_text().count("\n") > before.count("\n") + 20
    assert (tmp_path / "film.mp4").read_bytes() == film
    assert len((tmp_path / "film-part2.mp4").read_bytes()) > 1000
