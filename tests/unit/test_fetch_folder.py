"""A file that was brought by hand, and one that is there already."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import OutputError, SourceError
from tests import web
from tests.web import CONTENT, fetched, origin_at


@pytest.fixture
def server():
    with web.serving() as one:
        yield one


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


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
