"""A board without a battery for its clock learns the time while the service runs."""

import signal
import time

import pytest

from tests import tiny
from tests.command import finish, start
from tests.manager import managing
from tests.wall_clock import WallClock

pytest.importorskip("onnx")


@pytest.mark.parametrize(
    "source", ["test://?size=320x240&fps=15", "rtsp://127.0.0.1:9/nothing"], ids=["seen", "lost"]
)
def test_the_clock_is_set_back_while_the_service_runs(tmp_path, source):
    """Before Python 3.11 every wait that was under way would last so much longer."""
    clock = WallClock(tmp_path)
    model = tmp_path / "tiny.onnx"
    tiny.detector(model)
    config = tmp_path / "watch.yaml"
    config.write_text(
        f'cameras: [{{name: yard, source: "{source}"}}]\ndetect: {{model: "{model}"}}\n'
    )
    with managing(tmp_path, watchdog_s=20) as manager:
        process = start("run", config, env=dict(manager.environ, **clock.environ))
        try:
            manager.wait("WATCHDOG=1")
            clock.set(-100)
            manager.listen(1)  # what it had said before
            set_back = len(manager.heard)
            for _ in range(2):
                fed = manager.wait("WATCHDOG=1", seconds=8, since=set_back)
                set_back = fed + 1
            asked = time.monotonic()
            process.send_signal(signal.SIGTERM)
            clock.set(-200)
            result = finish(process, 15)
            assert time.monotonic() - asked < 5
            assert result.code == 0 and "hangs" not in result.err, result.err
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
