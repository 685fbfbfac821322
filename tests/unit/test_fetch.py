"""test_fetch: downloads against a real server on the loopback, and wheels through a real pip."""

import contextlib
import hashlib
import http.server
import os
import re
import signal
import socketserver
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from app.errors import OutputError, SourceError
from app.fetch import Origin, fetch, is_whole

CONTENT = bytes(range(256)) * 2048  # half a megabyte
PAGE = b"<html>sign in</html>"


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Serves CONTENT in the ways of the web: the path says which."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.ranges = []
        self.cuts = 1
        self.closing = threading.Event()
        self.url = "http://127.0.0.1:{}".format(self.server_address[1])


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        getattr(self, "answer_" + self.path.strip("/").replace("-", "_"))(asked)

    def answer_file(self, asked):
        start = int(re.match("bytes=([0-9]+)-", asked).group(1)) if asked else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        extra = {}
        if asked:
            extra["Content-Range"] = "bytes {}-{}/{}".format(start, len(CONTENT) - 1, len(CONTENT))
        self.send(206 if asked else 200, CONTENT[start:], extra)

    def answer_cut(self, asked):
        """Close in the middle, as often as the test says; then serve well."""
        if self.server.cuts == 0:
            self.answer_file(asked)
            return
        self.server.cuts -= 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:100000])

    def answer_no_range(self, asked):
        self.send(200, CONTENT)

    def answer_no_length(self, asked):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(CONTENT)

    def answer_endless(self, asked):
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):  # the client leaves
            while not self.server.closing.is_set():
                self.wfile.write(CONTENT)

    def answer_page(self, asked):
        self.send(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})

    def answer_other(self, asked):
        self.send(200, CONTENT[::-1])

    def answer_moved(self, asked):
        self.send(302, b"", {"Location": "/file"})

    def answer_moved_to_http(self, asked):
        self.send(302, b"", {"Location": "http://example.invalid/file"})

    def answer_hang(self, asked):
        self.server.closing.wait()

    def answer_stall(self, asked):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000])
        self.wfile.flush()
        self.server.closing.wait()

    def answer_missing(self, asked):
        self.send_error(404)

    def send(self, status, body, extra=()):
        self.send_response(status)
        for name, value in dict(extra).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@pytest.fixture
def server():
    serving = Server()
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield serving
    serving.closing.set()
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def origin_at(url, content=CONTENT):
    return Origin(url=url, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def part_of(target):
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    return target.with_name(".{}.{}.part".format(target.name, sha256[:8]))


def fetched(target, *origins, **options):
    """What is in the folder after a fetch, and the progress that was told."""
    told = []
    assert fetch(origins, "thing", target, told.append, **options) == target
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    return told


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


# From a wheel


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A folder that is all of pip's world, with one wheel: made for a Python that nobody has."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(str(folder / "thingy-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("thingy/thing.bin", CONTENT)
        wheel.writestr(
            "thingy-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: thingy\nVersion: 1.0\nRequires-Python: >=4\n"
            "Requires-Dist: a-package-that-is-nowhere\n",
        )
        wheel.writestr("thingy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("thingy-1.0.dist-info/RECORD", "")
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nno-index = true\nfind-links = {}\n".format(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return folder


def member_of(package, member="thingy/thing.bin", content=CONTENT):
    return origin_at("", content)._replace(package=package, member=member)


def test_a_member_of_a_wheel(wheels, tmp_path):
    told = fetched(tmp_path / "new" / "thing.bin", member_of("thingy==1.0"))
    assert told[0].phase == "pip download thingy==1.0 (0 s)"
    assert told[-1].phase == "done"


@pytest.mark.parametrize(
    "origin, reason",
    [
        (member_of("nothing==1.0"), "nothing==1.0: pip reached no registry that has it"),
        (member_of("thingy==2.0"), "thingy==2.0: pip: .*No matching distribution found"),
        (member_of("thingy==1.0", "thingy/no"), "no thingy/no in thingy-1.0-py3-none-any.whl"),
        (member_of("thingy==1.0", content=CONTENT[:9]), "524288 bytes instead of 9"),
        (member_of("thingy==1.0", content=CONTENT[::-1]), "sha256 is not the catalogue's"),
    ],
)
def test_a_wheel_that_does_not_have_it(wheels, tmp_path, origin, reason):
    with pytest.raises(SourceError, match=reason):
        fetched(tmp_path / "new" / "thing.bin", origin)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_broken_wheel(wheels, tmp_path):
    (wheels / "thingy-1.0-py3-none-any.whl").write_bytes(b"PK no more")
    with pytest.raises(SourceError, match="thingy==1.0: "):
        fetched(tmp_path / "new" / "thing.bin", member_of("thingy==1.0"))


@pytest.mark.parametrize("damage", ["content", "method"])
def test_a_wheel_with_a_broken_member(wheels, tmp_path, monkeypatch, damage):
    """zlib.error and NotImplementedError went through to the user as tracebacks."""
    path = wheels / "thingy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(str(path), "a", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("thingy/packed.bin", CONTENT)
        entry = wheel.getinfo("thingy/packed.bin")
    content = bytearray(path.read_bytes())
    if damage == "content":
        start = entry.header_offset + 30 + len(entry.filename)
        content[start : start + 20] = b"\xff" * 20
    else:
        start = content.rindex(b"PK\x01\x02", 0, content.rindex(b"thingy/packed.bin"))
        content[start + 10] = content[entry.header_offset + 8] = 99
    path.write_bytes(bytes(content))
    with pytest.raises(SourceError, match="cannot fetch thing: thingy==1.0: "):
        fetched(tmp_path / "new" / "thing.bin", member_of("thingy==1.0", "thingy/packed.bin"))


def test_a_python_without_pip(tmp_path):
    """Debian's python3 has none unless asked for it."""
    bare = tmp_path / "bare"
    subprocess.check_call([sys.executable, "-m", "venv", "--without-pip", str(bare)])
    script = (
        "import sys, pathlib; from app.errors import SourceError; from app import fetch\n"
        "origin = fetch.Origin(package='thingy==1.0', member='m', bytes=1, sha256='0')\n"
        "try: fetch.fetch([origin], 'thing', pathlib.Path(sys.argv[1]), lambda told: None)\n"
        "except SourceError as exc: print(exc)\n"
    )
    said = subprocess.check_output(
        [str(bare / "bin" / "python"), "-c", script, str(tmp_path / "thing")],
        env=dict(os.environ, PYTHONPATH=os.getcwd()),
        universal_newlines=True,
    )
    assert "thingy==1.0: pip is not installed for {}".format(bare / "bin" / "python") in said


# From a folder


@pytest.mark.parametrize("name", ["thing.bin", "under another name"])
def test_a_file_at_hand(tmp_path, name):
    folder = tmp_path / "at hand"
    folder.mkdir()
    (folder / "a decoy").write_bytes(CONTENT[::-1])
    (folder / name).write_bytes(CONTENT)
    fetched(tmp_path / "new" / "thing.bin", origin_at("https://x.invalid/f"), from_folder=folder)


def test_a_file_that_is_only_to_be_had_by_hand(tmp_path):
    origin = origin_at("")._replace(file="thing v2.bin")
    with pytest.raises(SourceError, match="nowhere to be downloaded. Bring thing v2.bin by hand"):
        fetched(tmp_path / "thing.bin", origin)


def test_a_folder_that_lacks_it_is_no_end(server, tmp_path):
    origin = origin_at(server.url + "/file")
    for folder in (tmp_path, tmp_path / "no such folder"):
        fetched(tmp_path / "new" / "thing.bin", origin, from_folder=folder)
        (tmp_path / "new" / "thing.bin").unlink()


def test_a_folder_with_another_file_of_that_name(tmp_path):
    (tmp_path / "file").write_bytes(b"another")
    origin = origin_at("https://127.0.0.1:1/file")
    with pytest.raises(SourceError, match="file is not the catalogue's file; 127.0.0.1: Conn"):
        fetched(Path(str(tmp_path)) / "new" / "thing.bin", origin, from_folder=tmp_path)


def test_a_full_disk_is_not_blamed_on_the_folder(tmp_path):
    """It was, and the same file was then asked of the network, to be written to the same disk."""
    (tmp_path / "at hand").mkdir()
    (tmp_path / "at hand" / "file").write_bytes(CONTENT)
    script = (
        "import hashlib, pathlib, resource, sys; from app import errors, fetch\n"
        "here = pathlib.Path(sys.argv[1])\n"
        "content = (here / 'at hand' / 'file').read_bytes()\n"
        "digest = hashlib.sha256(content).hexdigest()\n"
        "origin = fetch.Origin('https://127.0.0.1:1/file', '', '', '', len(content), digest)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))\n"
        "try: fetch.fetch([origin], 'it', here / 'new' / 'it', print, here / 'at hand')\n"
        "except errors.OutputError as exc: print(exc)\n"
    )
    said = subprocess.check_output(
        [sys.executable, "-c", script, str(tmp_path)], universal_newlines=True
    )
    assert "cannot write {}: File too large".format(tmp_path / "new" / "it") in said
    assert "connecting" not in said


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_target_that_cannot_be_read(tmp_path):
    target = tmp_path / "thing.bin"
    target.write_bytes(CONTENT)
    target.chmod(0)
    with pytest.raises(OutputError, match="cannot write .*thing.bin: Permission denied"):
        fetched(target, origin_at("https://127.0.0.1:1/file"))
