"""test_notify: what systemd hears, over a real socket."""

import os
import socket
import time

import pytest

from app.service.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """A socket as systemd binds it, and what $NOTIFY_SOCKET says of it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        name = f"jetwatch-{os.getpid()}"
        path = str(tmp_path / "notify") if request.param == "path" else "\0" + name
        heard.bind(path)
        heard.settimeout(2)
        yield heard, path.replace("\0", "@")


def told(manager, **more):
    heard, address = manager
    environ = {"NOTIFY_SOCKET": address}
    environ.update(more)
    return heard, Notifier(environ)


def lines(heard):
    return heard.recv(4096).decode().split("\n")


def nothing_more(heard):
    heard.settimeout(0.05)
    with pytest.raises(socket.timeout):
        heard.recv(4096)


def test_the_words_of_a_life(manager):
    heard, notifier = told(manager, WATCHDOG_USEC="30000000", WATCHDOG_PID=str(os.getpid()))
    assert notifier.listened_to and notifier.watchdog_s == 30
    notifier.ready()
    notifier.status("watching\n  2 cameras")
    notifier.status("watching 2 cameras")  # the same: not told twice
    notifier.progress()
    notifier.stopping()
    assert [lines(heard) for _ in range(4)] == [
        ["READY=1"],
        ["STATUS=watching 2 cameras"],
        ["WATCHDOG=1"],
        ["STOPPING=1"],
    ]
    nothing_more(heard)


def test_a_reload_asks_for_patience_and_gives_it_back(manager):
    heard, notifier = told(manager, WATCHDOG_USEC="30000000")
    notifier.reloading(600)
    notifier.reloaded()
    nothing_more(heard)  # before the first frame that would be taken for ready
    heard.settimeout(2)
    notifier.ready()
    notifier.ready()
    assert lines(heard) == ["READY=1"]
    before = time.monotonic() * 1e6
    notifier.reloading(600)
    first, stamp, span, patience = lines(heard)
    assert (first, patience) == ("RELOADING=1", "WATCHDOG_USEC=600000000")
    assert span == "EXTEND_TIMEOUT_USEC=600000000"  # or it ends with the time-out of a start
    assert before - 1 <= int(stamp.split("=")[1]) <= time.monotonic() * 1e6
    notifier.reloaded()
    assert lines(heard) == ["READY=1", "WATCHDOG=1", "WATCHDOG_USEC=30000000"]


def test_more_time_is_asked_for_before_ready_and_amid_a_reload_alone(manager):
    """In a service that runs it would hold the watchdog off, in one that stops the end."""
    heard, notifier = told(manager)
    notifier.extend(90.5)
    assert lines(heard) == ["EXTEND_TIMEOUT_USEC=90500000"]
    notifier.ready()
    notifier.extend(90.5)
    notifier.reloading(600)
    notifier.extend(90.5)
    notifier.reloaded()
    notifier.extend(90.5)
    assert [lines(heard)[0] for _ in range(4)] == [
        "READY=1", "RELOADING=1", "EXTEND_TIMEOUT_USEC=90500000", "READY=1",
    ]  # fmt: skip
    nothing_more(heard)
    heard, notifier = told(manager)
    heard.settimeout(2)
    notifier.stopping()
    notifier.extend(90.5)
    assert lines(heard) == ["STOPPING=1"]
    nothing_more(heard)


@pytest.mark.parametrize(
    "environ",
    [{}, {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"},
     {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "-5"}],
)  # fmt: skip
def test_a_watchdog_that_is_not_ours_is_not_fed(manager, environ):
    heard, notifier = told(manager, **environ)
    notifier.progress()
    notifier.expect(100)
    notifier.ready()
    notifier.reloading(600)
    assert not notifier.watchdog_s
    assert lines(heard) == ["READY=1"]
    words = [line.split("=")[0] for line in lines(heard)]
    assert words == ["RELOADING", "MONOTONIC_USEC", "EXTEND_TIMEOUT_USEC"]
    nothing_more(heard)


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/at/all", "@nobody-listens"])
def test_a_manager_that_is_not_there_is_no_error(address):
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"})
    for say in (notifier.ready, notifier.progress, notifier.reloaded, notifier.stopping):
        say()
    notifier.status("still here")
    assert notifier.listened_to == (address[:1] in ("/", "@") and address != "")


def test_a_long_status_is_cut(manager):
    heard, notifier = told(manager)
    notifier.status("x" * 5000)
    (line,) = lines(heard)
    assert len(line) == len("STATUS=") + 200


def test_more_patience_is_asked_for_and_less_is_not(manager):
    heard, notifier = told(manager, WATCHDOG_USEC="30000000")
    notifier.expect(20)
    nothing_more(heard)
    heard.settimeout(2)
    notifier.expect(320)
    assert lines(heard) == ["WATCHDOG_USEC=320000000"] and notifier.watchdog_s == 320
    notifier.ready()
    notifier.reloading(10)
    notifier.reloaded()
    assert [lines(heard)[-1] for _ in range(3)] == [
        "READY=1", "WATCHDOG_USEC=320000000", "WATCHDOG_USEC=320000000",
    ]  # fmt: skip


def test_without_a_file_to_be_had_nothing_is_raised(monkeypatch):
    def none_left(*_):
        raise OSError(24, "Too many open files")

    notifier = Notifier({"NOTIFY_SOCKET": "/run/x"})
    monkeypatch.setattr(socket, "socket", none_left)
    notifier.ready()
