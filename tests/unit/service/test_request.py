import socket
import time

import pytest

from app.service.request import (
    MOST_HEAD,
    MOST_TARGET,
    Refused,
    Request,
    as_bytes,
    ours,
    parse,
    plain,
)
from app.service.request import receive as received


@pytest.mark.parametrize(
    "line, method, path",
    [
        (b"GET / HTTP/1.1", "GET", "/"),
        (b"HEAD /healthz HTTP/1.0", "HEAD", "/healthz"),
        (b"GET /healthz?live HTTP/1.1\r", "GET", "/healthz"),
        (b"GET //etc/passwd HTTP/1.1", "GET", "//etc/passwd"),
        (b"GET /%2e%2e/x HTTP/1.1", "GET", "/%2e%2e/x"),
        (b"GET / HTTP/1.1\nA: b\nXHost: b\n\xff: \x00", "GET", "/"),
    ],
)
def test_a_request_is_its_method_and_path(line, method, path):
    assert parse(line) == Request(method, path)


@pytest.mark.parametrize(
    "head, path, host",
    [
        (b"GET / HTTP/1.1\r\nHost: a.b:80\r\nA: c", "/", "a.b:80"),
        (b"GET / HTTP/1.1\nA: c\nhOsT:\ta ", "/", "a"),
        (b"GET / HTTP/1.1\nHost:\nA: c", "/", ""),
        (b"GET / HTTP/1.1\nHost: \xff", "/", "\xff"),
        (b"GET http://evil.example/metrics?x=1 HTTP/1.1\r\nHost: localhost", "/metrics",
         "evil.example"),
        (b"GET http://evil.example HTTP/1.1", "/", "evil.example"),
    ],
)  # fmt: skip
def test_the_name_it_is_asked_under(head, path, host):
    assert parse(head) == Request("GET", path, host)


@pytest.mark.parametrize(
    "host, it_is",
    [
        ("", True),
        ("localhost", True),
        ("LocalHost:8080", True),
        ("127.0.0.1:8080", True),
        ("10.0.0.3", True),
        ("[::1]:8080", True),
        ("[fe80::1]", True),
        ("cam.shop", True),
        ("Nano", True),
        ("nano.local:80", True),
        ("evil.example", False),
        ("evil.example:8080", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("nano.evil.example", False),
        ("nano.lan:8080", True),
        ("nano2", False),
        ("xnano.local", False),
        ("cam.shop.evil.example", False),
        ("127.0.0.1@evil.example", False),
        ("[::1", False),
        ("\xff", False),
    ],
)
def test_a_foreign_name_is_not_ours(host, it_is):
    assert ours(host, "cam.shop", "nano.lan") == it_is


@pytest.mark.parametrize(
    "line, status",
    [
        (b"GET / HTTP/1.1\nHost: localhost\nHost: b", 400),
        (b"", 400),
        (b"GET", 400),
        (b"GET /", 400),
        (b"GET  / HTTP/1.1", 400),
        (b"GET / HTTP/2.0", 400),
        (b"GET / HTTP/1.1 ", 400),
        (b"GET /a b HTTP/1.1", 400),
        (b"GET /\xc3\xa9 HTTP/1.1", 400),
        (b"GET /\x00 HTTP/1.1", 400),
        (b"GET healthz HTTP/1.1", 400),
        (b"GET ftp://a/ HTTP/1.1", 400),
        (b"G" * 21 + b" / HTTP/1.1", 400),
        (b"POST / HTTP/1.1", 405),
        (b"OPTIONS * HTTP/1.1", 405),
        (b"CONNECT evil.example:80 HTTP/1.1", 405),
        (b"get / HTTP/1.1", 405),
        (b"GET /" + b"a" * MOST_TARGET + b" HTTP/1.1", 414),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS
    ],
)
def test_anything_else_is_refused(line, status):
    with pytest.raises(Refused) as caught:
        parse(line)
    answer = caught.value.answer
    assert answer.status == status and len(answer.content.splitlines()) == 1
    assert (("Allow", "GET, HEAD") in answer.headers) == (status == 405)


def receive(*parts, seconds=5.0, end=True):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for part in parts:
            theirs.sendall(part)
        if end:
            theirs.shutdown(socket.SHUT_WR)
        return received(ours, time.monotonic() + seconds)


def test_a_head_may_come_in_parts_and_what_follows_is_no_matter():
    assert receive(b"GE", b"T / HT", b"TP/1.1\r\nA: b\r\n", b"\r\nbody") == Request("GET", "/")
    assert receive(b"GET /x HTTP/1.0\n\n\r\n\r\n") == Request("GET", "/x")


@pytest.mark.parametrize("parts", [(), (b"GET / HTTP/1.1\r\n",), (b"\x00",)])
def test_who_hangs_up_before_its_end_gets_no_answer(parts):
    assert receive(*parts) is None


def test_who_says_nothing_is_let_go_and_who_stops_halfway_is_told():
    assert receive(seconds=0.05, end=False) is None
    with pytest.raises(Refused) as caught:
        receive(b"GET / HTTP/1.1\r\n", seconds=0.05, end=False)
    assert caught.value.answer.status == 408


@pytest.mark.parametrize(
    "start, status", [(b"GET /", 414), (b"GET / HTTP/1.1\r\nA: ", 431), (b"\n", 431)]
)
def test_a_head_without_end_is_read_to_the_limit(start, status):
    with pytest.raises(Refused) as caught:
        receive(start, b"a" * (2 * MOST_HEAD))
    assert caught.value.answer.status == status


def test_an_answer_says_its_length_and_nothing_of_who_gives_it():
    head, _, content = as_bytes(plain(404, "no")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 Not Found\r\n") and content == b"no\n"
    assert b"Content-Length: 3\r\n" in head and b"Connection: close\r\n" in head
    assert b"Server:" not in head
    assert as_bytes(plain(404, "no"), with_content=False) == head + b"\r\n\r\n"
