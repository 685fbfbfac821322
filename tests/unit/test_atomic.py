import os
import socket
import stat

import pytest

from app import atomic
from tests import disk


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("content", [b"", b"new", bytes(range(256)) * 1000])
def test_the_file_is_the_content_and_nothing_else_is_left(tmp_path, content, durable):
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    atomic.write(str(path), content, durable)
    assert path.read_bytes() == content
    assert os.listdir(str(tmp_path)) == ["a.json"]


def test_others_may_read_it(tmp_path):
    """A service runs as its own user; mkstemp would have kept it out."""
    mask = os.umask(0o022)
    try:
        atomic.write(str(tmp_path / "a"), b"1")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(os.stat(str(tmp_path / "a")).st_mode) == 0o644


def test_a_failure_changes_nothing(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError):
        atomic.write(str(tmp_path / "a"), b"1")
    with pytest.raises(FileNotFoundError):
        atomic.write(str(tmp_path / "none" / "a"), b"1")
    with pytest.raises(TypeError):
        atomic.write(str(tmp_path / "b"), "text")
    assert os.listdir(str(tmp_path)) == ["a"]


def test_a_bare_name_is_of_this_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    atomic.write("a", b"1")
    assert os.listdir(".") == ["a"]


def test_a_temporary_is_hidden_beside_it_and_new_each_time(tmp_path):
    names = {atomic.temporary(str(tmp_path / "a.json")) for _ in range(10)}
    assert len(names) == 10
    for name in names:
        assert os.path.dirname(name) == str(tmp_path)
        assert os.path.basename(name).startswith(".a.json.") and name.endswith(".part")


def test_check_says_what_would_fail_and_changes_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    atomic.check(str(tmp_path / "file"))
    atomic.check(str(tmp_path / "new" / "folder" / "a"))
    with pytest.raises(IsADirectoryError):
        atomic.check(str(tmp_path))
    with pytest.raises(NotADirectoryError):
        atomic.check(str(tmp_path / "file" / "a"))
    assert os.listdir(str(tmp_path)) == ["file"]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
def test_check_is_not_taken_in_by_a_folder_that_says_it_may_be_written():
    with pytest.raises(OSError):
        atomic.check("/proc/x.json")
    with pytest.raises(OSError):
        atomic.check("/proc/new/x.json")


def test_check_does_not_mind_a_disk_that_is_full_for_now(tmp_path):
    with disk.small(tmp_path / "disk", 1) as folder:
        disk.fill(folder / "other")
        atomic.check(str(folder / "a"))
        assert os.listdir(str(folder)) == ["other"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_what_may_not_be_written(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError):
        atomic.check(str(tmp_path / "a"))
    with pytest.raises(PermissionError):
        atomic.write(str(tmp_path / "a"), b"1")


@pytest.fixture(params=["pipe", "link to a pipe", "socket"])
def special(request, tmp_path):
    """A path that is there, and no plain file."""
    path = tmp_path / "special"
    if request.param == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
    else:
        os.mkfifo(str(path))
    if request.param.startswith("link"):
        (tmp_path / "link").symlink_to("special")
        path = tmp_path / "link"
    return path


def test_a_pipe_or_a_device_is_not_replaced(tmp_path, special):
    """As root, `--json /dev/null` would have made a file of it, for every program there."""
    before = os.stat(str(special)), sorted(os.listdir(str(tmp_path)))
    for attempt in (atomic.check, lambda path: atomic.write(path, b"1")):
        with pytest.raises(OSError) as raised:
            attempt(str(special))
        assert raised.value.strerror == "it is no plain file"
    after = os.stat(str(special)), sorted(os.listdir(str(tmp_path)))
    assert before == after
    atomic.check(str(special), special=True)


def test_dev_null_stays_what_it_is():
    with pytest.raises(OSError, match="no plain file"):
        atomic.check(os.devnull)


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_its_file_is_written(tmp_path, there):
    (tmp_path / "far").mkdir()
    link, target = tmp_path / "a.json", tmp_path / "far" / "b.json"
    link.symlink_to(os.path.join("far", "b.json"))
    if there:
        target.write_bytes(b"old")
    atomic.check(str(link))
    atomic.write(str(link), b"new")
    assert link.is_symlink() and not target.is_symlink() and target.read_bytes() == b"new"
    assert sorted(os.listdir(str(tmp_path))) == ["a.json", "far"]
    assert os.listdir(str(tmp_path / "far")) == ["b.json"]


def test_a_link_to_itself_is_an_error(tmp_path):
    (tmp_path / "a").symlink_to("a")
    for attempt in (atomic.check, lambda path: atomic.write(path, b"1")):
        with pytest.raises(OSError):
            attempt(str(tmp_path / "a"))
    assert (tmp_path / "a").is_symlink()
