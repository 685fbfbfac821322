"""process: a server of ours in a process of its own, which may crash, and what it holds."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile

from tests.viewer import wait_for

_QUIET_S = 90.0  # what was left behind has ended by then


class Server:
    """``told`` is what it printed of itself as it began: one line of JSON."""

    def __init__(self, process, told, log):
        self.process = process
        self.told = told
        self._log = log
        self._before = self._vitals()
        self._mb = 0.0

    def warm(self):
        """It has done all once: what it takes from now on is more."""
        self._mb = self._resident_mb()

    def alive(self):
        assert self.process.poll() is None, f"the server ended with {self.process.returncode}"

    def end(self, spare=0):
        """
        What it holds, in words, once files and threads are as few as at first. ``spare`` threads
        may be kept for what comes next.
        """
        files, threads = self._before
        wait_for(
            lambda: self._vitals()[0] <= files and self._vitals()[1] <= threads + spare, _QUIET_S
        )
        after = self._vitals()
        self._log.seek(0)
        log = self._log.read()
        wrong = log[-4000:].decode("utf-8", "replace")
        assert b"-CRITICAL **" not in log and b"Traceback" not in log, wrong
        return (
            f"files {files} then {after[0]}, threads {threads} then {after[1]}, "
            f"MB {self._mb:.0f} then {self._resident_mb():.0f}"
        )

    def _vitals(self):
        """Files and threads."""
        base = f"/proc/{self.process.pid}/"
        return len(os.listdir(base + "fd")), len(os.listdir(base + "task"))

    def _resident_mb(self):
        with open(f"/proc/{self.process.pid}/status") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


@contextlib.contextmanager
def started(module):
    """A module's server for the length of the ``with``, which must not have crashed in it."""
    log = tempfile.TemporaryFile()  # noqa: SIM115
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
    )
    try:
        told = json.loads(process.stdout.readline().decode())
        yield Server(process, told, log)
        process.stdin.close()
        assert process.wait(20) == 0, f"the server ended with {process.returncode}"
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
        log.close()
