"""A disk that is dead, read-only or gone under a running service, which says so and goes on."""

import json
import os
import signal
import subprocess

import pytest

from tests import disk, tiny
from tests.command import finish, start, wait_for
from tests.flow.test_http import free_port
from tests.manager import managing
from tests.scrape import get

pytest.importorskip("onnx")

CONFIG = """
cameras: [{{name: yard, source: "test://?size=320x240&fps=15"}}]
detect: {{model: "{folder}/tiny.onnx"}}
report: {{path: "{folder}/far/found.jsonl"}}
http: {{port: {port}}}
{more}
"""

# As the kernel does for a folder of NFS: whoever asks waits for the server.
HANGS = """
import os
from app import disk
disk._SILENT_S = 1.0
statvfs = os.statvfs
def hanging(path):
    if str(path) == "{folder}/far":
        open("{folder}/fifo").read()
    return statvfs(path)
os.statvfs = hanging
"""


class Service:
    """A running one, and what it says of its health."""

    def __init__(self, folder, manager, more=""):
        tiny.detector(folder / "tiny.onnx")
        self._port = free_port()
        config = folder / "one.yaml"
        config.write_text(CONFIG.format(folder=folder, port=self._port, more=more))
        self.process = start("run", config, env=manager.environ, path=[folder])

    def reasons(self):
        said = json.loads(get(self._port, "/healthz")[2].decode("ascii"))
        assert said["level"] == ("degraded" if said["reasons"] else "ok") or not said["ready"]
        return said["reasons"]

    def says(self, reason):
        wait_for(self.process, lambda: reason in self.reasons())
        assert reason in self.reasons()

    def says_no_more(self, reason):
        wait_for(self.process, lambda: reason not in self.reasons())
        assert reason not in self.reasons()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        result = finish(self.process, 10)
        assert result.code == 0, result.err


@pytest.fixture
def service(tmp_path):
    """Begin one in a folder; it is not left running."""
    begun = []
    with managing(tmp_path, watchdog_s=20) as manager:

        def begin(more=""):
            begun.append(Service(tmp_path, manager, more))
            begun[0].ready = manager.wait("READY=1")
            begun[0].manager = manager
            return begun[0]

        try:
            yield begin
        finally:
            for one in begun:
                if one.process.poll() is None:
                    one.process.kill()
                    one.process.communicate()


def test_the_watchdog_is_fed_while_a_disk_does_not_answer(tmp_path, service):
    os.mkfifo(str(tmp_path / "fifo"))
    (tmp_path / "far").mkdir()
    (tmp_path / "sitecustomize.py").write_text(HANGS.format(folder=tmp_path))
    running = service()
    running.says(f"the disk of {tmp_path}/far does not answer")
    manager = running.manager
    assert manager.wait("WATCHDOG=1", since=len(manager.listen())) > running.ready
    running.end()  # though a thread of it does not


@pytest.mark.slow
def test_an_output_that_is_read_only_or_gone_is_a_reason_until_it_is_back(tmp_path, service):
    (tmp_path / "far").mkdir()
    with disk.small(tmp_path / "disk", 80) as mounted:  # with room enough not to be called full
        running = service(f'counters: "{mounted}/counters.json"')
        subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
        (tmp_path / "far").rename(tmp_path / "elsewhere")
        running.says(f"the disk of {mounted} is read-only")
        running.says(f"{tmp_path}/far has gone")
        subprocess.run(["mount", "-o", "remount,rw", str(mounted)], check=True)
        (tmp_path / "elsewhere").rename(tmp_path / "far")
        running.says_no_more(f"the disk of {mounted} is read-only")
        running.says_no_more(f"{tmp_path}/far has gone")
        running.end()
