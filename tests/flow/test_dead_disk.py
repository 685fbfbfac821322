"""A disk whose server has gone, under a running service: only who looks at it waits."""

import json
import os
import signal

import pytest

from tests import tiny
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


def test_the_watchdog_is_fed_while_a_disk_does_not_answer(tmp_path):
    os.mkfifo(str(tmp_path / "fifo"))
    (tmp_path / "far").mkdir()
    (tmp_path / "sitecustomize.py").write_text(HANGS.format(folder=tmp_path))
    tiny.detector(tmp_path / "tiny.onnx")
    port = free_port()
    config = tmp_path / "one.yaml"
    config.write_text(CONFIG.format(folder=tmp_path, port=port))
    with managing(tmp_path, watchdog_s=20) as manager:
        process = start("run", config, env=manager.environ, path=[tmp_path])
        try:
            ready = manager.wait("READY=1")

            def told():
                return json.loads(get(port, "/healthz")[2].decode("ascii"))

            reason = f"the disk of {tmp_path}/far does not answer"
            wait_for(process, lambda: reason in told()["reasons"])
            said = told()
            assert reason in said["reasons"] and said["level"] == "degraded", said
            fed = manager.wait("WATCHDOG=1", since=len(manager.listen()))
            assert fed > ready
            process.send_signal(signal.SIGTERM)  # it ends though a thread of it does not
            result = finish(process, 10)
            assert result.code == 0, result.err
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
