"""rtsp: our RTSP server, those who ask it, and what is to be as before when they have gone."""

import collections
import contextlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import zlib

from tests.fuzz.rtsp_server import PASSWORD, USER
from tests.fuzz.rtsp_talk import Talk
from tests.viewer import Viewer, wait_for

KINDS = ("", "basic", "digest")  # of login
_SPARE = 4  # threads that GLib keeps for a while, for what comes next
_QUIET_S = 90.0  # what was left behind has ended by then


class Served:
    """The server's process, those who ask it, and what it holds."""

    def __init__(self, process, urls, log):
        self.process = process
        self._log = log
        self.urls = urls
        self.conversations = 0
        self.requests = 0
        self.answers = collections.Counter()  # of each status
        self.turned_away = 0  # who behaved, and had to ask again
        self._checks = 0
        self._before = self.vitals()
        self.check()
        self._mb = self.resident_mb()

    def run(self, data):
        """One conversation, the kind of login and the manner chosen by the bytes."""
        luck = random.Random(zlib.crc32(data))
        kind, manner = luck.choice(KINDS), luck.random()
        known = luck.random() < 0.7  # the password
        try:
            heard = self.talk(data, kind, known, luck, manner)
        except OSError as error:
            raise AssertionError(f"it does not listen: {error}; {self.process.poll()}") from error
        self.conversations += 1
        self.requests += len(re.findall(rb"RTSP/\d\.\d\r?\n", data))
        for status in re.findall(rb"RTSP/\d\.\d (\d{3}) ", heard):
            self.answers[status.decode()] += 1
        assert self.process.poll() is None, f"the server ended with {self.process.returncode}"
        if kind and not known:
            assert b"m=video" not in heard and b"\r\nSession: " not in heard, heard
        assert PASSWORD.encode() not in heard

    def talk(self, data, kind="", known=True, luck=random, manner=1.0):
        """What is heard in a conversation: of a kind of login, with it or without."""
        return Talk(self.urls[kind], kind if known else "", luck).hold(data, manner)

    def check(self):
        """Who behaves sees pictures, of each kind, by TCP and by UDP in turns."""
        self._checks += 1
        protocols = "tcp" if self._checks % 2 else "udp"
        for kind in KINDS:
            wait_for(lambda kind=kind: self._seen(kind, protocols))

    def _seen(self, kind, protocols):
        """Whether there are pictures. Who comes amid the end of the last viewer may be told 503."""
        login = {"user_id": USER, "user_pw": PASSWORD} if kind else {}
        with Viewer(self.urls[kind], protocols, **login) as viewer:
            try:
                viewer.see(3)
            except AssertionError as error:
                if "Service Unavailable" not in str(error):
                    raise
                self.turned_away += 1
                return False
        return True

    def vitals(self):
        """Files and threads."""
        base = f"/proc/{self.process.pid}/"
        return len(os.listdir(base + "fd")), len(os.listdir(base + "task"))

    def resident_mb(self):
        with open(f"/proc/{self.process.pid}/status") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def end(self):
        """What it came to, in words, once files and threads are as few as at first."""
        self.check()
        files, threads = self._before
        wait_for(
            lambda: self.vitals()[0] <= files and self.vitals()[1] <= threads + _SPARE, _QUIET_S
        )
        after = self.vitals()
        criticals = self.log().count(b"-CRITICAL **")
        assert not criticals, self.log()[-4000:].decode("utf-8", "replace")
        assert b"Traceback" not in self.log(), self.log()[-4000:].decode("utf-8", "replace")
        counted = ", ".join(f"{count} x {status}" for status, count in sorted(self.answers.items()))
        return (
            f"{self.conversations} conversations of {self.requests} requests, answered {counted}; "
            f"{self.turned_away} x 503 to who behaved; files {files} then {after[0]}, "
            f"threads {threads} then {after[1]}, MB {self._mb:.0f} then {self.resident_mb():.0f}"
        )

    def log(self):
        self._log.seek(0)
        return self._log.read()


@contextlib.contextmanager
def served():
    """A server for the length of the ``with``, which must not have crashed in it."""
    log = tempfile.TemporaryFile()  # noqa: SIM115
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz.rtsp_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
    )
    try:
        urls = json.loads(process.stdout.readline().decode())
        yield Served(process, urls, log)
        process.stdin.close()
        assert process.wait(20) == 0, f"the server ended with {process.returncode}"
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
        log.close()
