"""test_fetch: downloads against a real server on the loopback."""

import signal
import subprocess
import sys

import pytest

from app.errors import OutputError, SourceError
from app.fetch import fetch, is_whole
from tests import web
from tests.web import CONTENT, fetched, origin_at, part_of


@pytest.fixture
def server():
    with web.serving() as one:
        yield one


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.parametrize("path", ["/file", "/no-range", "/no-length", "/moved"])
def test_a_whole_download(server, tmp_path, path):
    told = fetched(tmp_path / "new" / "thing.bin", origin_at(server.url + path))
    assert told[0].phase == "connecting to 127.0.0.1"
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert told[-1] == ("thing", "done", len(CONTENT), len(CONTENT))


def test_nothing_is_asked_if_the_right_file_is_there(server, tmp_path):
    target = tmp_path / "thing.bin"
    target.write_bytes(CONTENT)
    assert [p.phase for p in fetched(target, origin_at(server.url + "/file"))] == ["already here"]
    assert server.ranges == []


def test_a_wrong_file_is_replaced(server, tmp_path):
    target = tmp_path / "thing.bin"
    target.write_bytes(CONTENT[::-1])
    fetched(target, origin_at(server.url + "/file"))


def test_a_download_that_is_cut_goes_on_from_there(server, tmp_path):
    fetched(tmp_path / "thing.bin", origin_at(server.url + "/cut"))
    assert server.ranges == [None, "bytes=100000-"]


def test_one_that_is_always_cut_goes_on_at_the_next_call(server, tmp_path):
    target = tmp_path / "thing.bin"
    server.cuts = 3
    with pytest.raises(SourceError, match="cut after 100000 of 524288 bytes"):
        fetched(target, origin_at(server.url + "/cut"))
    assert not target.exists()
    assert part_of(target).read_bytes() == CONTENT[:100000]
    fetched(target, origin_at(server.url + "/cut"))
    assert server.ranges[-1] == "bytes=100000-"


@pytest.mark.parametrize(
    "there",
    [CONTENT, CONTENT + b"more", b"x" * 1000, b"x" * len(CONTENT), b""],
    ids=["whole", "too long", "wrong start", "wrong whole", "empty"],
)
@pytest.mark.parametrize("path", ["/file", "/no-range"])
def test_whatever_an_earlier_try_left_the_file_is_right(server, tmp_path, there, path):
    target = tmp_path / "thing.bin"
    part_of(target).write_bytes(there)
    fetched(target, origin_at(server.url + path))


@pytest.mark.parametrize(
    "path, reason",
    [
        ("/missing", "answers 404 Not Found"),
        ("/page", "answers with a web page of 20 bytes instead of 524288"),
        ("/other", "its sha256 is not the catalogue's, thrown away"),
        ("/endless", "sends more than the 524288 bytes wanted"),
        ("/moved-to-http", "http is refused, only https is taken"),
        ("/hang", "no answer within 0.2 s"),
    ],
)
def test_a_bad_answer_is_told_and_leaves_nothing(server, tmp_path, path, reason):
    target = tmp_path / "thing.bin"
    target.write_bytes(b"as it was")
    with pytest.raises(SourceError) as caught:
        fetched(target, origin_at(server.url + path), timeout_s=0.2)
    assert str(caught.value) == (
        "cannot fetch thing: 127.0.0.1: {}. Bring {}{} by hand, then run: "
        "jetwatch fetch thing --from FOLDER".format(reason, server.url, path)
    )
    assert target.read_bytes() == b"as it was"
    assert list(tmp_path.iterdir()) == [target]


def test_a_server_that_falls_silent_is_left_and_the_start_is_kept(server, tmp_path):
    target = tmp_path / "thing.bin"
    with pytest.raises(SourceError, match="no answer within 0.2 s after 1000 of 524288 bytes"):
        fetched(target, origin_at(server.url + "/stall"), timeout_s=0.2)
    assert part_of(target).stat().st_size == 1000


def test_a_long_wait_is_told_every_second(server, tmp_path):
    told = []
    with pytest.raises(SourceError):
        fetch([origin_at(server.url + "/hang")], "thing", tmp_path / "t", told.append, None, 2.5)
    assert len(told) >= 3


@pytest.mark.parametrize(
    "url, reason",
    [
        ("http://example.invalid/f", "http is refused"),
        ("file:///etc/passwd", "file is refused"),
        ("plain", "a bare path is refused"),
        ("https://127.0.0.1:1/f", "Connection refused"),
        ("https://no-such-host.invalid/f", "its name is not known here"),
    ],
)
def test_a_url_that_leads_nowhere(tmp_path, url, reason):
    with pytest.raises(SourceError, match=reason):
        fetched(tmp_path / "thing.bin", origin_at(url), timeout_s=5.0)


def test_the_next_origin_is_tried_and_each_reason_is_told(server, tmp_path):
    urls = [server.url + path for path in ("/missing", "/page", "/file")]
    fetched(tmp_path / "thing.bin", *map(origin_at, urls))
    (tmp_path / "thing.bin").unlink()
    with pytest.raises(SourceError, match="answers 404.*; .*a web page"):
        fetched(tmp_path / "thing.bin", *map(origin_at, urls[:2]))


def test_origins_may_differ_in_content(server, tmp_path):
    """The same model is published in two ways: either of them is the right file."""
    other = origin_at(server.url + "/other", CONTENT[::-1])
    target = tmp_path / "thing.bin"
    fetch([origin_at(server.url + "/missing"), other], "thing", target, lambda told: None)
    assert target.read_bytes() == CONTENT[::-1]
    assert is_whole(target, [origin_at("https://x/f"), other])
    assert not is_whole(target, [origin_at("https://x/f")])


def test_ctrl_c_keeps_what_came_and_not_a_wrong_target(server, tmp_path):
    target = tmp_path / "thing.bin"
    told = []

    def interrupt(progress):
        told.append(progress)
        if progress.done >= 65536:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch([origin_at(server.url + "/file")], "thing", target, interrupt)
    assert not target.exists()
    fetched(target, origin_at(server.url + "/file"))
    assert server.ranges == [None, "bytes={}-".format(told[-1].done)]


def test_ctrl_c_is_heard_at_once_from_a_server_that_hangs(server, tmp_path):
    """A read that waited in the main thread made Ctrl-C wait for its time-out, or for the DNS's."""
    script = (
        "import sys, pathlib; from app.fetch import Origin, fetch\n"
        "origin = Origin(url=sys.argv[1], bytes=1, sha256='0')\n"
        "def tell(progress): print(progress.phase, flush=True)\n"
        "try: fetch([origin], 'thing', pathlib.Path(sys.argv[2]), tell, None, 60.0)\n"
        "except KeyboardInterrupt: print('interrupted', flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, server.url + "/hang", str(tmp_path / "thing")],
        stdout=subprocess.PIPE,
        universal_newlines=True,
    )
    with process.stdout:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
        assert process.stdout.read().splitlines()[-1] == "interrupted"
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_cannot_be_written(server, tmp_path):
    (tmp_path / "a file").write_text("")
    with pytest.raises(OutputError, match="cannot write .*thing.bin: (Not a dir|File exists)"):
        fetched(tmp_path / "a file" / "thing.bin", origin_at(server.url + "/file"))


def test_two_processes_do_not_write_one_file(server, tmp_path):
    target = tmp_path / "thing.bin"

    def again(progress):
        if progress.phase == "checking":
            with pytest.raises(SourceError, match="another process is fetching it now"):
                fetch([origin_at(server.url + "/file")], "thing", target, lambda told: None)

    fetch([origin_at(server.url + "/file")], "thing", target, again)
    assert target.read_bytes() == CONTENT
