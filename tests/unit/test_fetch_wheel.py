"""A file inside a wheel, through a real pip."""

import os
import subprocess
import sys
import zipfile

import pytest

from app.errors import SourceError
from tests.web import CONTENT, fetched, origin_at


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
