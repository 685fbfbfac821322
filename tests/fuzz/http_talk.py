"""http_talk: what is said to our HTTP server over real sockets, and what must come back."""

import collections
import contextlib
import random
import re
import socket
import struct
import zlib

from app.service.request import MOST_HEAD
from tests.fuzz.http_server import JPEG
from tests.fuzz.process import started
from tests.scrape import get
from tests.viewer import wait_for

_HANGS_S = 4.0  # the server's patience is a tenth of it
_UNREAD = 0.15  # manners below it do not listen, or among a crowd
_CROWD = 20  # more than are answered at once
_ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) [A-Za-z -]+\r\n((?:[A-Za-z-]+: [^\r\n]+\r\n)+)\r\n")
_LENGTH = re.compile(rb"^Content-Length: (\d+)\r$", re.MULTILINE)
_FINE = {"200", "400", "404", "405", "408", "414", "421", "431", "503"}  # not 500: a broken page
PAGES = ("/", "/healthz", "/metrics", "/snapshot/gate.jpg")


def _ask(line, *headers, host=b"127.0.0.1"):
    lines = [line, b"Host: " + host, *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


SEEDS = (
    *(_ask(b"GET " + page.encode() + b" HTTP/1.1") for page in PAGES),
    _ask(b"HEAD /snapshot/gate.jpg?x=1 HTTP/1.0", b"User-Agent: curl/7", b"Accept: */*"),
    _ask(b"GET /snapshot/%67ate.jpg HTTP/1.1", b"Range: bytes=0-9", b"If-Range: x"),
    _ask(b"GET /snapshot/../../etc/passwd HTTP/1.1", b"Authorization: Basic Ym9iOng="),
    _ask(b"GET http://localhost:8080/livez HTTP/1.1", host=b"evil.example"),
    _ask(b"GET /readyz HTTP/1.1", host=b"[::1]:8080"),
    _ask(b"GET /metrics HTTP/1.1", host=b"evil.example"),
    _ask(b"POST /healthz HTTP/1.1", b"Content-Length: 5") + b"hello",
    _ask(b"PUT / HTTP/1.1", b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n",
    _ask(b"GET / HTTP/1.1", b"Content-Length: 99999999999999999999", b"Content-Length: -1"),
    _ask(b"GET / HTTP/1.1", b"Transfer-Encoding: chunked", b"Content-Length: 3") + b"fffffffff\r\n",
    _ask(b"GET / HTTP/1.1", b"Expect: 100-continue", b"Connection: Upgrade, HTTP2-Settings",
         b"Upgrade: websocket", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    _ask(b"GET /livez HTTP/1.1") + _ask(b"GET /readyz HTTP/1.1") + _ask(b"HEAD / HTTP/1.1") * 30,
    _ask(b"OPTIONS * HTTP/1.1") + _ask(b"CONNECT a:443 HTTP/1.1") + _ask(b"TRACE / HTTP/1.1"),
    b"GET / HTTP/1.0\n\n", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\nHost : c\r\n:\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    _ask(b"GET /" + b"a" * 1020 + b" HTTP/1.1"), _ask(b"GET /" + b"%2e" * 2700 + b" HTTP/1.1"),
    _ask(b"GET / HTTP/1.1", b"Cookie: " + b"a=b; " * 1630),
    _ask(b"GET / HTTP/1.1", *[b"X-%d: y" % n for n in range(900)]),
    _ask(b"GET / HTTP/1.1", b"X: " + b"x" * 100000),
)  # fmt: skip


class Served:
    """The server, those who ask it, and what they heard."""

    def __init__(self, server):
        self._server = server
        self.process = server.process
        self.port = server.told
        self.cases = 0
        self.answers = collections.Counter()  # of each status; "none" where nothing came
        self.check()
        server.warm()

    def run(self, data):
        """Say it, in a manner that the bytes choose. What is heard is one answer, or nothing."""
        luck = random.Random(zlib.crc32(data))
        manner = luck.random()
        try:
            heard = self.talk(data, luck, manner)
        except OSError as error:
            raise AssertionError(f"it does not listen: {error}") from error
        self.cases += 1
        self._server.alive()
        whole = len(data) < MOST_HEAD and (b"\r\n\r\n" in data or b"\n\n" in data)
        assert heard or not whole or manner < _UNREAD, "it says nothing"
        self.answers[status(heard) if heard else "none"] += 1

    def talk(self, data, luck=random, manner=1.0):
        """What is heard of these bytes, in pieces, until the server ends it."""
        with contextlib.ExitStack() as stack:
            if manner < 0.01:  # a crowd that says nothing yet, and of which some is turned away
                for _ in range(_CROWD):
                    stack.enter_context(socket.create_connection(self._place, _HANGS_S))
            line = stack.enter_context(socket.create_connection(self._place, _HANGS_S))
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            cuts = sorted(luck.randint(0, len(data)) for _ in range(luck.choice((0, 1, 1, 9))))
            ends = [0, *cuts, len(data)]
            try:
                for first, last in zip(ends, ends[1:]):
                    line.sendall(data[first:last])
                if 0.05 < manner < _UNREAD:  # it is closed unread, or by a reset
                    if manner < 0.1:
                        reset = struct.pack("ii", 1, 0)
                        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                    return b""
                if manner > 0.2:  # else our side stays open, and what is half said stays so
                    line.shutdown(socket.SHUT_WR)
            except socket.timeout:
                raise AssertionError("the server reads no more") from None
            except OSError:  # it has hung up, which is its right
                pass
            return _all(line)

    def check(self):
        """Who behaves gets each page."""
        wait_for(lambda: get(self.port, "/healthz")[0] == 200)  # 503 amid a crowd that leaves
        for page in PAGES:
            assert get(self.port, page)[0] == 200, page
        assert get(self.port, PAGES[-1])[2] == JPEG

    def end(self):
        """What it came to, in words, once files and threads are as few as at first."""
        self.check()
        counted = ", ".join(f"{count} x {one}" for one, count in sorted(self.answers.items()))
        return f"answered {counted}; {self._server.end()}"

    @property
    def _place(self):
        return ("127.0.0.1", self.port)


def _all(line):
    heard = b""
    with contextlib.suppress(ConnectionError):  # a reset, where much was said and not read
        while True:
            try:
                some = line.recv(65536)
            except socket.timeout:
                raise AssertionError(f"the server hangs after {heard[:99]!r}") from None
            if not some:
                break
            heard += some
    return heard


def status(heard):
    """Of one answer, which is of its length. Raises AssertionError where it is none."""
    found = _ANSWER.match(heard)
    assert found, f"no answer: {heard[:300]!r}"
    code, length = found.group(1).decode(), _LENGTH.search(found.group(2))
    content = heard[found.end() :]
    assert length and len(content) in (0, int(length.group(1))), heard[:300]
    assert code in _FINE, heard[:300]
    return code


@contextlib.contextmanager
def served():
    """A server for the length of the ``with``, which must not have crashed in it."""
    with started("tests.fuzz.http_server") as server:
        yield Served(server)
