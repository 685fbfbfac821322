import json
import os
import resource
import signal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import OutputError
from app.media import journal
from app.media.journal import WAITING, Journal, check


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out" / "events.jsonl"


def lines(*numbers, size=0):
    return [
        json.dumps({"n": number, "fill": "x" * size}).encode("ascii") + b"\n" for number in numbers
    ]


def numbers(path):
    """What a file holds; fails on half a line."""
    content = path.read_bytes()
    assert not content or content.endswith(b"\n")
    return [json.loads(line.decode("ascii"))["n"] for line in content.splitlines()]


def everything(path, keep):
    """What the files hold, oldest first."""
    files = [path.with_name(f"{path.name}.{n}") for n in range(keep, 0, -1)] + [path]
    return [number for file in files if file.exists() for number in numbers(file)]


def names(path):
    return sorted(os.listdir(str(path.parent)))


def opened(path, now, max_mb=50, keep=3):
    return Journal(str(path), max_mb, keep, now)


def as_when_the_disk_is_full(limit):
    """No file may grow beyond ``limit`` bytes: a write stops in the middle of a line."""
    return resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


@pytest.fixture
def limit():
    yield as_when_the_disk_is_full
    as_when_the_disk_is_full(resource.RLIM_INFINITY)


def test_a_line_is_out_when_send_returns_and_an_earlier_run_is_kept(path, clock):
    for run in range(2):
        one = opened(path, clock)
        one.send(lines(2 * run))
        one.send([])
        one.send(lines(2 * run + 1))
        assert numbers(path) == list(range(2 * run + 2))
        one.close()
    assert names(path) == ["events.jsonl"]


def test_the_file_is_there_from_the_first_frame(path, clock):
    one = opened(path, clock)
    assert not path.exists()
    one.send([])
    assert numbers(path) == []
    one.close()


@pytest.mark.parametrize(
    "content, whole",
    [
        (b"", b""),
        (b'{"n": 1}\n', b'{"n": 1}\n'),
        (b'{"n": 1}\n{"n": 2', b'{"n": 1}\n'),
        (b'{"n": 1}\n{"n": 2}', b'{"n": 1}\n'),
        (b'{"n"', b""),
        (b'{"n": 1}\n\0\0\0\0\0', b'{"n": 1}\n'),
        (b'{"n": 1}\n{"n\0\0\0\0}\n', b'{"n": 1}\n'),
        (b'{"n": 1}\n\0\0\0": 2}\n', b'{"n": 1}\n'),
        (b'{"n": 1}\n{"n": 2}\n' + b"\0" * 5000, b'{"n": 1}\n{"n": 2}\n'),
    ],
)
def test_what_a_power_cut_tore_is_cut_off_at_the_start(path, clock, caplog, content, whole):
    path.parent.mkdir()
    path.write_bytes(content)
    one = opened(path, clock)
    one.send([])
    assert path.read_bytes() == whole
    one.send(lines(9))
    assert numbers(path)[-1] == 9
    one.close()
    torn = content[len(whole) :]
    bad = path.with_name("events.jsonl.bad")
    assert len(caplog.records) == bool(torn)
    assert (bad.read_bytes() if bad.exists() else b"") == torn


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.data())
def test_wherever_it_is_torn_all_whole_lines_are_kept(count, draw):
    content = b"".join(lines(*range(count), size=3))
    at = draw.draw(st.integers(1, len(content)))
    zeros = draw.draw(st.integers(0, 3)) * b"\0"
    whole = journal._whole(content[:at] + zeros)
    assert whole == content[:at].rfind(b"\n") + 1


@pytest.mark.parametrize(
    "content", [b"precious", b"one\ntwo\n", b"\0" * 99, b"{" + b"x" * 200000], ids=len
)
def test_a_file_of_somebody_else_is_set_aside(path, clock, caplog, content):
    path.parent.mkdir()
    path.write_bytes(content)
    one = opened(path, clock)
    one.send(lines(1))
    one.close()
    assert numbers(path) == [1]
    assert path.with_name("events.jsonl.bad").read_bytes() == content
    assert "is no file of events" in caplog.text


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_it_is_rotated_before_it_is_too_large(path, clock, keep):
    size = len(lines(1000)[0])
    one = opened(path, clock, max_mb=3 * size / 1e6, keep=keep)
    one.send(lines(*range(1000, 1020)))
    one.close()
    kept = ["events.jsonl"] + [f"events.jsonl.{n}" for n in range(1, keep + 1)]
    assert names(path) == kept
    assert all((path.parent / name).stat().st_size <= 3 * size for name in kept)
    # 6 full files and one of two lines
    assert everything(path, keep) == list(range(1020))[1018 - 3 * keep : 1020][-3 * keep - 2 :]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 120), min_size=1, max_size=30), st.integers(20, 200))
def test_no_line_is_split_or_lost_by_rotation(tmp_path_factory, sizes, most):
    path = tmp_path_factory.mktemp("rotation") / "events.jsonl"
    one = Journal(str(path), most / 1e6, 40)
    sent = [lines(number, size=size)[0] for number, size in enumerate(sizes)]
    for line in sent:
        one.send([line])
    one.close()
    assert everything(path, 40) == list(range(len(sizes)))
    for file in path.parent.iterdir():
        assert file.stat().st_size <= most or file.read_bytes().count(b"\n") == 1


def test_a_gap_among_the_old_files_is_filled_first(path, clock):
    """A crash between two renames leaves one; the oldest file need not go for it."""
    path.parent.mkdir()
    for name, number in (("", 4), (".1", 3), (".3", 1)):
        path.with_name(path.name + name).write_bytes(lines(number)[0])
    one = opened(path, clock, max_mb=1e-6, keep=3)
    one.send(lines(5))
    one.close()
    assert everything(path, 3) == [1, 3, 4, 5]


def test_where_it_cannot_be_rotated_it_grows_and_says_so_once(path, clock, caplog):
    path.parent.mkdir()
    (path.parent / "events.jsonl.1").mkdir()
    (path.parent / "events.jsonl.1" / "full").write_text("")
    one = opened(path, clock, max_mb=1e-6, keep=1)
    one.send(lines(1, 2, 3))
    one.close()
    assert numbers(path) == [1, 2, 3]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} cannot be rotated (Is a directory), it grows"
    ]


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


WRITER = """
import json, sys
from app.media.journal import Journal
one = Journal(sys.argv[1], 0.02, 500)
for number in range(int(sys.argv[2]), 10**9):
    one.send([json.dumps({"n": number, "fill": "x" * (number % 700)}).encode("ascii") + b"\\n"])
    print(number, flush=True)
"""


@pytest.mark.parametrize("start", [0, 5000])
def test_a_kill_in_the_middle_loses_nothing_that_was_acknowledged(path, clock, start):
    first = start
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(first)],
            stdout=subprocess.PIPE,
            universal_newlines=True,
        )
        told = [int(writer.stdout.readline()) for _ in range(40 + first % 7)]
        writer.send_signal(signal.SIGKILL)
        told += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        writer.wait()
        writer.stdout.close()
        one = opened(path, clock)
        one.send([])
        one.close()
        found = everything(path, 500)
        assert found == list(range(start, len(found) + start)), "in order, none twice, none half"
        assert told[-1] <= found[-1] <= told[-1] + 1
        first = found[-1] + 1
