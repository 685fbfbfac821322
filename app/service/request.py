"""request: the head of one HTTP request, read within limits; and an answer as bytes."""

import ipaddress
import re
import socket
import time
from http import HTTPStatus
from typing import NamedTuple, Optional, Tuple

MOST_HEAD = 8192  # bytes of a request line and its headers
MOST_TARGET = 1024  # of the path that is asked for

# RFC 9112, 3: method, one space, target, one space, version.
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}) ([!-~]+) HTTP/1\.[0-9]")
_ORIGIN = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_HOST = re.compile(rb"(?im)^host[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?$")
_PORT = re.compile(r":[0-9]*$")
_PHRASES = {421: "Misdirected Request"}  # which Python 3.6 does not know

# A page needs its own style and pictures of this server, and nothing else in the world.
_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class Request(NamedTuple):
    method: str
    path: str  # without what follows a "?"
    host: str = ""  # the name it is asked under, as sent; empty where none was


class Answer(NamedTuple):
    status: int
    content: bytes
    kind: str = "text/plain; charset=utf-8"
    headers: Tuple[Tuple[str, str], ...] = ()


class Refused(Exception):
    """A request that is not answered but with this."""

    def __init__(self, status: int, reason: str, *headers: Tuple[str, str]) -> None:
        super().__init__(reason)
        self.answer = plain(status, reason, *headers)


def plain(status: int, reason: str, *headers: Tuple[str, str]) -> Answer:
    """One line of text."""
    return Answer(status, (reason + "\n").encode("utf-8", "replace"), headers=headers)


def receive(connection: socket.socket, deadline: float) -> Optional[Request]:
    """
    Read a request's head, all of it until ``deadline`` (monotonic seconds), however it trickles.
    None where nothing came or the other end has gone. Raises Refused, and OSError.
    """
    head = b""
    while True:
        end = _end_of(head)
        if end >= 0:
            return parse(head[:end])
        if len(head) > MOST_HEAD:
            if b"\n" not in head:
                raise Refused(414, f"the request line is longer than {MOST_HEAD} bytes")
            raise Refused(431, f"the headers are longer than {MOST_HEAD} bytes")
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            if not head:
                return None
            raise Refused(408, "the request took too long")
        connection.settimeout(left_s)
        try:
            some = connection.recv(4096)
        except socket.timeout:
            continue
        if not some:
            return None
        head += some


def parse(head: bytes) -> Request:
    """A head without its last, empty line. Of the headers Host alone is used. Raises Refused."""
    line = head.split(b"\n", 1)[0]
    if line.endswith(b"\r"):
        line = line[:-1]
    found = _LINE.fullmatch(line)
    if found is None:
        raise Refused(400, "this is no HTTP request")
    method, target = found.group(1).decode("ascii"), found.group(2).decode("ascii")
    if len(target) > MOST_TARGET:
        raise Refused(414, f"the path is longer than {MOST_TARGET} bytes")
    if method not in ("GET", "HEAD"):
        raise Refused(405, "only GET and HEAD are served", ("Allow", "GET, HEAD"))
    hosts = [one.decode("latin-1") for one in _HOST.findall(head)]
    if len(hosts) > 1:
        raise Refused(400, "there is more than one Host")
    origin = _ORIGIN.match(target)
    if origin:  # RFC 9112, 3.2.2: then Host is not looked at
        target, hosts = target[origin.end() :], [origin.group(1)]
    path = target.partition("?")[0] or "/"
    if not path.startswith("/"):
        raise Refused(400, "the path must begin with /")
    return Request(method, path, hosts[0] if hosts else "")


def ours(host: str, address: str, name: str) -> bool:
    """
    Whether a ``host`` that was asked for, as sent, may be this server: ``address`` is where it
    listens, ``name`` the machine's. A browser can be made to ask us under a foreign name (DNS
    rebinding), and would then give our answer to that name's page. No name is none of a browser's.
    """
    asked = _PORT.sub("", host).lower()
    if not asked or asked in ("localhost", address.lower()):
        return True
    try:
        ipaddress.ip_address(asked[1:-1] if asked[:1] + asked[-1:] == "[]" else asked)
        return True
    except ValueError:
        own, _, domain = name.lower().partition(".")
        said, _, rest = asked.partition(".")
        return said == own and rest in {"", "local", "lan", "home", "internal", domain}


def as_bytes(answer: Answer, with_content: bool = True) -> bytes:
    """The whole answer as HTTP/1.1 has it; the connection ends with it."""
    headers = [
        ("Content-Type", answer.kind),
        ("Content-Length", str(len(answer.content))),
        ("Connection", "close"),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", _POLICY),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        *answer.headers,
    ]
    phrase = _PHRASES.get(answer.status) or HTTPStatus(answer.status).phrase
    lines = [f"HTTP/1.1 {answer.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in headers]
    head = "\r\n".join(lines).encode("ascii") + b"\r\n\r\n"
    return head + answer.content if with_content else head


def _end_of(head: bytes) -> int:
    """Where the empty line begins, or -1. Lines may end with a line feed alone."""
    ends = [place for place in (head.find(b"\r\n\r\n"), head.find(b"\n\n")) if place >= 0]
    return min(ends) if ends else -1
