"""A service whose networks fail, or whose new config fails once it runs: what ends it, what not."""

import signal

import pytest

from tests import tiny
from tests.command import finish, jetwatch, wait_for
from tests.flow.test_service import ended, nothing_left, service, write
from tests.manager import managing

pytest.importorskip("onnx")

__all__ = ["nothing_left"]  # a fixture

TIRED = """
from app.device import host
opened = host.open_session
class Session:
    def __init__(self, session):
        self._session, self._runs = session, 0
    def __getattr__(self, name):
        return getattr(self._session, name)
    def run(self, *given):
        self._runs += 1
        if self._runs > 20:
            raise RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : bad allocation")
        return self._session.run(*given)
host.open_session = lambda *given: Session(opened(*given))
"""


def test_a_network_that_has_run_and_then_fails_does_not_end_the_service_for_ever(tmp_path):
    """It ended with 78, after which systemd starts nothing again, and blamed the manifest."""
    (tmp_path / "sitecustomize.py").write_text(TIRED)
    with managing(tmp_path) as manager:
        process, _ = service(tmp_path, manager, path=[tmp_path])
        manager.wait("READY=1")
        result = finish(process, 60)
    result.failed(69, "tiny: ONNX Runtime has run it, and now fails: bad allocation", "memory")


def test_over_its_budget_soon_after_a_reload_a_service_begins_afresh(tmp_path):
    """It took the first minute after a reload for the first of all, and ended with 78."""
    with managing(tmp_path) as manager:
        process, config = service(tmp_path, manager)
        manager.wait("READY=1")
        write(config, tmp_path, more="limits: {memory_mb: 64}")
        process.send_signal(signal.SIGHUP)
        result = finish(process, 60)
    result.failed(75, "MB of 64 MB (limits.memory_mb)", "afresh")


ILL = """
from app.device import host
opened = host.open_session
class Ill:
    def __init__(self, session):
        self._session = session
    def __getattr__(self, name):
        return getattr(self._session, name)
    def run(self, *given):
        raise RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : it cannot")
host.open_session = lambda model, *given: (
    (Ill if model.name == "other" else lambda one: one)(opened(model, *given))
)
"""


@pytest.mark.parametrize("change, told", [("model", "other: ONNX"), ("camera", "broken.mp4")])
def test_a_new_config_that_fails_at_its_first_frame_is_refused(tmp_path, change, told):
    """It could be loaded, and so it ended a service that had run for days."""
    (tmp_path / "sitecustomize.py").write_text(ILL)
    (tmp_path / "broken.mp4").write_bytes(b"no film at all" * 99)
    found = tmp_path / "found.jsonl"
    report = f'report: {{path: "{found}"}}'
    with managing(tmp_path, watchdog_s=60) as manager:
        process, config = service(tmp_path, manager, more=report, path=[tmp_path])
        manager.wait("READY=1")
        if change == "model":
            other = tiny.detector(tmp_path / "other.onnx")
            config.write_text(config.read_text().replace(str(tmp_path / "tiny.onnx"), other))
        else:
            write(config, tmp_path, source=str(tmp_path / "broken.mp4"), more=report)
        since = len(manager.listen())
        process.send_signal(signal.SIGHUP)
        done = manager.wait("READY=1", since=manager.wait("RELOADING=1", since=since))
        manager.wait("WATCHDOG=1", since=done + 1)
        said = [line for lines in manager.listen(1.5) for line in lines]
        assert any("fps" in line and "is refused: " in line for line in said), said
        lines = found.read_text().count("\n")
        wait_for(process, lambda: found.read_text().count("\n") > lines + 5, 10)
        assert found.read_text().count("\n") > lines + 5, "the config that ran does not run on"
        result = ended(process)
    assert result.code == 0 and "what ran goes on: " in result.err and told in result.err


@pytest.mark.slow
def test_a_new_config_whose_camera_is_away_is_none_that_fails(tmp_path):
    with managing(tmp_path, watchdog_s=60) as manager:
        process, config = service(tmp_path, manager)
        manager.wait("READY=1")
        write(config, tmp_path, source="rtsp://127.0.0.1:9/nothing")
        since = len(manager.listen())
        process.send_signal(signal.SIGHUP)
        manager.wait("READY=1", since=manager.wait("RELOADING=1", since=since))
        said = [line for lines in manager.listen(1.5) for line in lines]
        assert "lost: cannot connect" in [line for line in said if line.startswith("STATUS")][-1]
        result = ended(process)
    assert result.code == 0 and "refused" not in result.err


@pytest.mark.parametrize(
    "text",
    [
        "detect: {{model: '{disk}/own.onnx'}}",
        "detect: {{model: own}}\nmodels: [{{name: own, path: '{disk}/own.onnx', "
        "decoder: end2end, labels: coco, input: {{size: [64, 48]}}}}]",
        "detect: {{model: own}}\nmodels: [{{name: own, path: '{tiny}', decoder: end2end, "
        "labels: '{disk}/own.txt', input: {{size: [64, 48]}}}}]",
        "detect: {{model: '{tiny}'}}\nrtsp: {{user: me, password: {{file: '{disk}/own.pw'}}}}",
        "detect: {{model: '{tiny}'}}\nrtsp: {{certificate: '{disk}/own.pem'}}",
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_what_lies_on_a_disk_that_is_not_mounted_yet_is_tried_again(tmp_path, text, known):
    """At boot, a model on such a disk ended the service with 78, and nothing started it again."""
    disk, table = tmp_path / "disk", tmp_path / "fstab"
    disk.mkdir()
    table.write_text(f"LABEL=films {disk} ext4 nofail 0 2\n" if known else "")
    (tmp_path / "sitecustomize.py").write_text(
        f"from app import away\naway.check.__defaults__ = ('{table}',)\n"
    )
    model = tiny.detector(tmp_path / "tiny.onnx")
    config = tmp_path / "watch.yaml"
    config.write_text("cameras: [{name: a, source: 'test://'}]\n")
    with config.open("a") as file:
        file.write(text.format(disk=disk, tiny=model))
    result = jetwatch("run", config, path=[tmp_path])
    assert result.code == (66 if known else 78), result.err
    assert "/disk/own." in result.err and ("is not mounted" in result.err) == known
