"""journal: what it does about a disk that is full, broken, slow or taken away."""

import os
import resource

import pytest

from app.errors import OutputError
from app.media.journal import WAITING, Journal, check
from tests.journals import Clock, lines, numbers, opened


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out" / "events.jsonl"


def as_when_the_disk_is_full(limit):
    """No file may grow beyond ``limit`` bytes: a write stops in the middle of a line."""
    return resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


@pytest.fixture
def limit():
    yield as_when_the_disk_is_full
    as_when_the_disk_is_full(resource.RLIM_INFINITY)


def test_events_wait_for_a_full_disk_and_the_stream_goes_on(path, clock, caplog, limit):
    one = opened(path, clock)
    one.send(lines(0, size=100))
    limit(300)
    one.send(lines(1, 2, size=100))  # the third does not fit whole
    assert numbers(path) == [0, 1], "no half line, also while the disk is full"
    one.send(lines(3, size=100))
    clock.now += 5
    one.send([])
    assert numbers(path) == [0, 1] and len(caplog.records) == 1
    assert "cannot be written (File too large), events wait" in caplog.text
    limit(resource.RLIM_INFINITY)
    one.send([])
    assert numbers(path) == [0, 1], "it is not tried at every frame"
    clock.now += 1
    one.send([])
    assert numbers(path) == [0, 1, 2, 3] and one.lost == 0
    assert len(caplog.records) == 2 and "is written again, 0 events are lost" in caplog.text
    one.close()


def test_what_waits_is_bounded_and_the_loss_counted(path, clock, caplog):
    path.parent.mkdir()
    path.mkdir()
    one = opened(path, clock)
    for number in range(WAITING + 25):
        one.send(lines(number))
    assert one.lost == 25
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} cannot be written (Is a directory), events wait",
        f"{path}: 10000 events wait, older ones are lost",
    ]
    path.rmdir()
    clock.now += 1
    one.send([])
    assert numbers(path) == list(range(25, WAITING + 25))
    assert caplog.records[2].getMessage() == f"{path} is written again, 25 events are lost"
    path.unlink()
    path.mkdir()
    one.send(lines(1, 2))
    one.close()
    assert one.lost == 25 + 2
    assert "2 events could not be written" in caplog.records[-1].getMessage()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("device", ["/dev/full", "/dev/null"])
def test_a_device_is_no_file(clock, caplog, device):
    one = Journal(device, 1, 1, clock)
    one.send(lines(1))
    one.close()
    assert one.lost == 1 and "it is no plain file" in caplog.text
    with pytest.raises(OutputError, match="no plain file"):
        check(device)


@pytest.mark.parametrize("whole_folder", [False, True])
def test_what_is_removed_under_it_is_begun_anew(path, clock, caplog, whole_folder):
    one = opened(path, clock)
    one.send(lines(0))
    clock.now += 2
    one.send([])  # on the disk, so not told again
    path.unlink()
    if whole_folder:
        path.parent.rmdir()
    one.send([])
    one.send(lines(1))
    one.send(lines(2))
    one.close()
    assert numbers(path) == [1, 2]
    assert len(caplog.records) == 1 and "was moved or removed" in caplog.text


def test_what_was_moved_before_it_was_safe_is_told_again(path, clock):
    one = opened(path, clock)
    one.send(lines(0))
    one.send(lines(1))
    path.rename(path.parent / "moved")
    one.send(lines(2))
    one.close()
    assert numbers(path) == [0, 1, 2]


class Disk(Journal):
    """One whose disk can be told to fail; counts how often it is waited for."""

    broken = False
    waits = 0

    def _wait_for_disk(self):
        self.waits += 1
        if self.broken:
            raise OSError(5, "Input/output error")
        super()._wait_for_disk()


def test_the_disk_is_waited_for_once_a_second_at_most_and_at_the_end(path, clock):
    one = Disk(str(path), 50, 3, clock)
    clock.now += 1
    one.send(lines(0))
    assert one.waits == 1, "the first after a while at once"
    for number in range(1, 10):
        clock.now += 0.1
        one.send(lines(number))
    assert one.waits == 1
    clock.now += 0.11
    one.send([])
    assert one.waits == 2, "and without another event"
    clock.now += 100
    one.send([])
    assert one.waits == 2
    clock.now -= 99.9
    one.send(lines(10))
    one.close()
    assert one.waits == 3


def test_lines_that_the_disk_may_not_have_are_told_again(path, clock, caplog):
    one = Disk(str(path), 50, 3, clock)
    one.send(lines(0))
    one.broken = True
    clock.now += 1
    one.send(lines(1))
    one.broken = False
    clock.now += 1
    one.send(lines(2))
    one.close()
    assert numbers(path) == [0, 1, 0, 1, 2], "at least once"
    assert "Input/output error" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_what_may_not_be_written_waits(path, clock, caplog):
    path.parent.mkdir(mode=0o555)
    with pytest.raises(OutputError, match="cannot be written"):
        check(str(path))
    one = opened(path, clock)
    one.send(lines(1))
    path.parent.chmod(0o755)
    one.close()
    assert numbers(path) == [1]


def test_check_says_what_is_wrong_and_changes_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    for bad in (tmp_path, tmp_path / "file" / "events.jsonl"):
        with pytest.raises(OutputError, match="cannot be written: .*Choose another"):
            check(str(bad))
    check(str(tmp_path / "new" / "events.jsonl"))
    assert os.listdir(str(tmp_path)) == ["file"]
