"""A service whose networks fail, or whose new config fails once it runs: what ends it, what not."""

import signal

import pytest

from tests.command import finish
from tests.flow.test_service import nothing_left, service, write
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
