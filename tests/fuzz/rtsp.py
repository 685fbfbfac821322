"""rtsp: our RTSP server, those who ask it, and what is to be as before when they have gone."""

import collections
import contextlib
import random
import re
import zlib

from tests.fuzz.process import started
from tests.fuzz.rtsp_server import PASSWORD, USER
from tests.fuzz.rtsp_talk import PAUSE_S, Talk
from tests.viewer import Viewer, wait_for

KINDS = ("", "basic", "digest")  # of login
_SPARE = 4  # threads of GLib


class Served:
    """The server, those who ask it, and what they heard."""

    def __init__(self, server):
        self._server = server
        self.process = server.process
        self.urls = server.told
        self.conversations = 0
        self.requests = 0
        self.answers = collections.Counter()  # of each status
        self.turned_away = 0  # who behaved, and had to ask again
        self._checks = 0
        self.check()
        server.warm()

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
        self._server.alive()
        if kind and not known:
            assert b"m=video" not in heard and b"\r\nSession: " not in heard, heard
        assert PASSWORD.encode() not in heard

    def talk(self, data, kind="", known=True, luck=random, manner=1.0, pause_s=PAUSE_S):
        """What is heard in a conversation: of a kind of login, with it or without."""
        return Talk(self.urls[kind], kind if known else "", luck, pause_s).hold(data, manner)

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

    def end(self):
        """What it came to, in words, once files and threads are as few as at first."""
        self.check()
        held = self._server.end(_SPARE)
        counted = ", ".join(f"{count} x {status}" for status, count in sorted(self.answers.items()))
        return (
            f"{self.conversations} conversations of {self.requests} requests, answered {counted}; "
            f"{self.turned_away} x 503 to who behaved; {held}"
        )


@contextlib.contextmanager
def served():
    """A server for the length of the ``with``, which must not have crashed in it."""
    with started("tests.fuzz.rtsp_server") as server:
        yield Served(server)
