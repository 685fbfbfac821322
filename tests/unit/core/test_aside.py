import threading

import pytest

from app.core.aside import PATIENCE_S, Aside, Patience
from app.core.outage import Outage
from tests.journals import Clock


class Disk:
    """What jobs write to; while it ``hangs`` they wait, and ``done`` tells which are over."""

    def __init__(self):
        self.answers = threading.Event()
        self.answers.set()
        self.done = []
        self.threads = set()

    def job(self, number):
        def write():
            self.threads.add(threading.current_thread())
            assert self.answers.wait(60)
            self.done.append(number)

        return write


class Ticking(Patience):
    """One that waits for nothing, which takes as long as it has."""

    def __init__(self, clock):
        super().__init__(clock)
        self.clock = clock

    def wait(self, changed, over):
        class Waited:
            @staticmethod
            def wait_for(_, seconds):
                self.clock.now += 0 if over() else seconds
                return over()

        return super().wait(Waited, over)


@pytest.fixture
def written():
    """A disk that is let go at the end."""
    made = Disk()
    yield made
    made.answers.set()


def aside(clock, hung=None, patience=None):
    outage = Outage("film", "pictures", clock, pause_s=0)
    return Aside(outage, patience or Patience(clock), hung, clock)


def test_jobs_are_done_in_order_on_one_other_thread(written):
    one = aside(Clock())
    for number in range(100):
        assert one.do(written.job(number))
    one.end(written.job(100))
    assert one.left(60) and written.done == list(range(101))
    assert len(written.threads) == 1 and threading.current_thread() not in written.threads


def test_where_nothing_is_done_there_is_no_thread(written):
    one = aside(Clock())
    one.do_here(written.job(0))
    one.end()
    assert one.left(0) and written.threads == {threading.current_thread()}


def test_what_hangs_is_waited_for_once_and_what_comes_then_is_left_out_and_counted(written, caplog):
    clock = Clock()
    one = aside(clock, patience=Ticking(clock))
    written.answers.clear()
    assert one.do(written.job(0))
    waited = []
    for number in range(1, 101):
        before = clock.now
        assert not one.do(written.job(number))
        waited.append(clock.now - before)
        clock.now += 0.04
    assert waited[0] == PATIENCE_S and sum(waited[1:]) == 0
    assert not one.settled()
    written.answers.set()
    one.do_here(lambda: None)  # waits until it is over
    for number in range(101, 201):
        assert one.do(written.job(number))
        one.do_here(lambda: None)
        clock.now += 0.2
    assert written.done == [0] + list(range(101, 201))
    assert [record.getMessage() for record in caplog.records] == [
        "film: it cannot be written as fast as it comes; all else goes on, it is tried again",
        "film is written again, 100 pictures are lost",
    ]
    one.end()
    assert one.left(60)


def test_who_is_always_a_little_late_is_waited_for_a_twentieth_of_the_time():
    clock, turns = Clock(), iter(range(10**6))
    patience = Ticking(clock)
    for _ in range(1000):
        patience.wait(None, lambda: next(turns) % 2)  # not over at first, and over in the end
        clock.now += 0.1
    waited = clock.now - 100 - 1000 * 0.1
    assert PATIENCE_S < waited < PATIENCE_S + 0.06 * (clock.now - 100)


def test_what_a_job_raises_is_raised_by_the_next_call():
    def fails():
        raise OSError("no such disk")

    for call in (
        lambda one: one.do(fails),
        lambda one: one.settled(),
        lambda one: one.do_here(fails),
        lambda one: (one.end(), one.left(60)),
    ):
        one = aside(Clock())
        assert one.do(fails)
        with pytest.raises(OSError, match="no such disk"):
            call(one)
        one.end()
        assert one.left(60)


def test_what_hangs_is_left_behind_and_the_next_begins_when_it_has_ended(written):
    hung = []
    one, other = aside(Clock(), hung), Disk()
    written.answers.clear()
    one.do(written.job("first"))
    one.end(written.job("last"))
    assert not one.left(0.01) and len(hung) == 1
    following = aside(Clock(), hung)
    assert following.do(other.job(None))
    hung[0].join(0.05)
    assert other.done == []
    written.answers.set()
    following.do_here(lambda: other.done.append(list(written.done)))
    assert other.done == [None, ["first", "last"]]
    following.end()
    assert following.left(60)


def test_what_has_hung_for_a_while_is_not_waited_for_at_the_end(written):
    clock = Clock()
    one = aside(clock)
    written.answers.clear()
    one.do(written.job(0))
    clock.now += 4
    one.end()
    assert not one.left(1e6)
