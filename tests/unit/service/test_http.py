"""The server over real sockets: what clients of every kind cannot do to it."""

import contextlib
import gc
import http.client
import os
import random
import socket
import threading
import time

import pytest

from app.errors import OutputError
from app.service.board import Board
from app.service.http import THREADS, HttpSettings, Server, public, serving, url
from app.service.request import Answer
from tests.known import everything

LOCAL = HttpSettings("127.0.0.1", 0)


@pytest.fixture()
def port():
    board = Board()
    board.update(everything())
    with serving(LOCAL, board) as server:
        yield server.port


@contextlib.contextmanager
def impatient(answer=lambda wanted: Answer(200, b"fine"), timeout_s=0.3):
    """A server that waits less long for its clients."""
    server = Server(LOCAL, answer, timeout_s)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.end()
        thread.join()


def asked(port, path="/livez", method="GET"):
    """Status, headers and content."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def told(port, *parts, half=False):
    """All that comes back for these bytes; ``half`` leaves our side open."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        with contextlib.suppress(OSError):
            for part in parts:
                client.sendall(part)
            if not half:
                client.shutdown(socket.SHUT_WR)
        heard = b""
        with contextlib.suppress(ConnectionError):
            while True:
                some = client.recv(65536)
                if not some:
                    break
                heard += some
        return heard


def open_files():
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def settled(measure, wanted, seconds=5.0):
    """Whether a number has come down to the wanted one, and it is given time to."""
    until = time.monotonic() + seconds
    while measure() > wanted and time.monotonic() < until:
        threading.Event().wait(0.02)
    return measure() <= wanted


def test_get_and_head_say_the_same_but_for_the_content(port):
    status, headers, content = asked(port)
    assert (status, headers["Content-Type"]) == (503, "application/json")  # facts of long ago
    assert "Server" not in headers and headers["Connection"] == "close"
    head = asked(port, method="HEAD")
    assert head[0] == 503 and head[2] == b""
    assert int(head[1]["Content-Length"]) > 0 and content


@pytest.mark.parametrize(
    "path, method, status",
    [
        ("/nothing", "GET", 404),
        ("/../../etc/passwd", "GET", 404),
        ("/snapshot/", "GET", 404),
        ("/snapshot/..%2f..%2fetc.jpg", "GET", 404),
        ("/snapshot/gate.png", "GET", 404),
        ("/", "POST", 405),
        ("/healthz", "DELETE", 405),
        ("/" + "a" * 3000, "GET", 414),
        ("/" + "a" * 100000, "GET", 414),
    ],
)
def test_what_is_not_served_is_said_in_one_line_of_text(port, path, method, status):
    answer = asked(port, path, method)
    assert answer[0] == status
    assert answer[1]["Content-Type"].startswith("text/plain")
    assert len(answer[2].decode("utf-8").splitlines()) == 1


def test_a_body_that_nobody_wants_does_not_hide_the_answer(port):
    """A server that closes on unread bytes resets the connection, which recv() would raise."""
    threads = threading.active_count()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 30000\r\n\r\n" + b"x" * 30000)
        assert settled(lambda: -threading.active_count(), -threads - 1)  # it is being answered
        client.shutdown(socket.SHUT_WR)
        assert settled(threading.active_count, threads)
        heard = client.recv(65536)
        assert client.recv(65536) == b""
    assert heard.startswith(b"HTTP/1.1 405 ")


def test_one_connection_is_one_request(port):
    whole = told(port, b"GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n" * 2)
    assert whole.count(b"HTTP/1.1 200 OK") == 1


@pytest.mark.parametrize("target", [b"/", b"http://evil.example/"])
def test_under_a_foreign_name_nothing_is_told(port, target):
    """A page of that name would read it, with a DNS that names us (DNS rebinding)."""
    whole = told(port, b"GET " + target + b" HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert whole.startswith(b"HTTP/1.1 421 Misdirected Request\r\n")
    assert b"evil" not in whole and b"gate" not in whole
    name = socket.gethostname().encode("ascii")
    whole = told(port, b"GET / HTTP/1.1\r\nHost: " + name + b":8080\r\n\r\n")
    assert whole.startswith(b"HTTP/1.1 200 ") and b"gate" in whole


def test_a_page_that_fails_says_so_without_a_trace_and_the_next_is_served(caplog):
    answers = iter([ZeroDivisionError("secret"), Answer(200, b"fine")])

    def answer(wanted):
        one = next(answers)
        if isinstance(one, Exception):
            raise one
        return one

    with impatient(answer) as server:
        status, _, content = asked(server.port)
        assert status == 500 and b"secret" not in content and b"Traceback" not in content
        assert asked(server.port)[0] == 200
    assert "secret" in caplog.text  # which is where it belongs


def test_a_client_that_sends_a_byte_now_and_then_is_let_go_in_time():
    with impatient() as server, socket.create_connection(("127.0.0.1", server.port)) as slow:
        began = time.monotonic()
        heard = b""
        slow.settimeout(0.05)
        with contextlib.suppress(ConnectionError):
            for byte in b"GET / HTTP/1.1\r\n" + b"X-Slow: 1\r\n" * 100:
                slow.sendall(bytes([byte]))
                with contextlib.suppress(socket.timeout):
                    heard += slow.recv(4096)
                if heard:
                    break
        assert heard.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 2


def test_a_client_that_does_not_take_its_answer_is_let_go_in_time():
    large = Answer(200, b"x" * (32 << 20))
    with impatient(lambda wanted: large) as server:
        before = threading.active_count()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert client.recv(1)  # it is being answered
            assert settled(threading.active_count, before)


def test_more_than_so_many_at_once_are_told_to_come_again(port):
    with contextlib.ExitStack() as stack:
        for _ in range(THREADS):
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            idle.sendall(b"GET / HT")
        until = time.monotonic() + 5
        heard = b""
        while not heard.startswith(b"HTTP/1.1 503 ") and time.monotonic() < until:
            heard = told(port)
        assert b"Retry-After: 1\r\n" in heard and b"come again" in heard.lower()
    until = time.monotonic() + 5  # they have hung up, and are forgotten
    while asked(port)[1]["Content-Type"] != "application/json":
        assert time.monotonic() < until


def garbage(rng):
    """Bytes as an attacker, a lost program or a broken cable may send them."""
    good = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"
    kind = rng.randrange(6)
    if kind == 0:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(200)))
    if kind == 1:  # a good one with some bytes changed
        made = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            made[rng.randrange(len(made))] = rng.randrange(256)
        return bytes(made)
    if kind == 2:  # cut off
        return good[: rng.randrange(len(good))]
    if kind == 3:  # a strange path
        path = "".join(rng.choice("/.%?#&=:@ab0\\~") for _ in range(rng.randrange(60)))
        return b"GET /" + path.encode("ascii") + b" HTTP/1.1\r\n\r\n"
    if kind == 4:  # many headers, or one that is long
        return b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * rng.randrange(3000) + b"\r\n"
    return b"\r\n" * rng.randrange(10) + good * rng.randrange(3)


@pytest.mark.parametrize("count", [500, pytest.param(10000, marks=pytest.mark.slow)])
def test_broken_requests_do_it_no_harm(port, caplog, count):
    rng = random.Random(7)
    assert asked(port, "/")[0] == 200
    files, threads = open_files(), threading.active_count()
    statuses = set()
    for _ in range(count):
        heard = told(port, garbage(rng))
        if heard:
            line, _, rest = heard.partition(b"\r\n")
            assert line.startswith(b"HTTP/1.1 ") and b"\r\n\r\n" in rest
            statuses.add(int(line.split()[1]))
    assert statuses <= {200, 400, 404, 405, 414, 421, 431, 503} and len(statuses) >= 5
    assert asked(port, "/")[0] == 200
    assert settled(threading.active_count, threads) and settled(open_files, files)
    assert not caplog.records


def test_nothing_is_left_when_it_ends_though_clients_hold_on():
    files, threads = open_files(), threading.active_count()
    with contextlib.ExitStack() as clients:
        with serving(LOCAL, Board()) as server:
            for _ in range(5):
                client = socket.create_connection(("127.0.0.1", server.port))
                clients.enter_context(client).sendall(b"GET")
            assert settled(lambda: -threading.active_count(), -threads - 6)  # all are heard
            began = time.monotonic()
        assert time.monotonic() - began < 0.9  # it hung up on them, and did not wait
        assert threading.active_count() == threads
    assert settled(open_files, files)


def test_a_port_that_is_taken_is_said_with_the_way_out():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        settings = HttpSettings(port=holder.getsockname()[1])
        with pytest.raises(OutputError, match="is in use.*http.port"), serving(settings, Board()):
            pass


@pytest.mark.parametrize("address", ["203.0.113.77", "no-such-host.invalid", "", "a\0b", "a" * 70])
def test_an_address_that_is_not_ours_is_said_with_the_way_out(address):
    settings = HttpSettings(address, 0)
    with pytest.raises(OutputError, match="http.address"), serving(settings, Board()):
        pass


def test_without_settings_nothing_listens():
    threads = threading.active_count()
    with serving(None, Board()) as server:
        assert server is None and threading.active_count() == threads


@pytest.mark.parametrize(
    "address, open_to_others",
    [
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("::1", False),
        ("localhost", False),
        ("0.0.0.0", True),
        ("::", True),
        ("10.0.0.3", True),
        ("a.host", True),
    ],
)
def test_who_may_reach_it(address, open_to_others):
    assert public(HttpSettings(address)) == open_to_others


@pytest.mark.parametrize(
    "address, shown",
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("10.0.0.3", "10.0.0.3")],
)
def test_a_browser_on_this_machine_can_use_the_url(address, shown):
    assert url(HttpSettings(address, 80)) == f"http://{shown}:80/"
