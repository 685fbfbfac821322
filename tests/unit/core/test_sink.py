import threading
import time

from app.core.sink import Sink, Spool
from tests.journals import Clock, lines, numbers


class File(Sink):
    """Lines in a file, on a disk that hangs while it is told to."""

    def __init__(self, path):
        path.touch()
        self.answers = threading.Event()
        self.answers.set()
        self.threads = set()
        self.sends = 0
        self.closed = False
        self._path = path

    def send(self, lines):
        self.threads.add(threading.current_thread())
        assert self.answers.wait(60) and not self.closed
        with open(str(self._path), "ab") as file:
            file.writelines(lines)
        self.sends += 1

    def close(self):
        self.closed = True


def test_lines_are_sent_when_send_returns_on_one_other_thread(tmp_path):
    path = tmp_path / "lines"
    file = File(path)
    one = Spool("lines", file, 100, Clock())
    for number in range(50):
        one.send(lines(number))
        assert numbers(path) == list(range(number + 1))
    one.close()
    assert file.closed and len(file.threads) == 1
    assert threading.current_thread() not in file.threads


def test_it_is_asked_now_and_then_without_lines(tmp_path):
    """A journal has what is written put on the disk then, and tries again."""
    clock = Clock()
    file = File(tmp_path / "lines")
    one = Spool("lines", file, 100, clock)
    for _ in range(101):
        one.send([])
        clock.now += 0.1
    one.close()
    assert 15 <= file.sends <= 22


def test_lines_wait_while_the_disk_hangs_and_the_oldest_are_lost(tmp_path, caplog):
    path = tmp_path / "lines"
    file = File(path)
    one = Spool("lines", file, 10)
    file.answers.clear()
    for number in range(31):
        one.send(lines(number))
    assert numbers(path) == []
    file.answers.set()
    until = time.monotonic() + 60
    while file.sends < 2 and time.monotonic() < until:
        one.send([])
    assert numbers(path) == [0] + list(range(21, 31))
    one.close()
    assert [record.getMessage() for record in caplog.records] == [
        "lines does not answer, events wait",
        "lines answers again, 20 events are lost",
    ]


def test_a_disk_that_hangs_at_the_end_is_left_behind(tmp_path, caplog):
    file = File(tmp_path / "lines")
    one = Spool("lines", file, 10)
    file.answers.clear()
    one.send(lines(0))
    one.close()
    assert "its last events are left behind" in caplog.text
    file.answers.set()
