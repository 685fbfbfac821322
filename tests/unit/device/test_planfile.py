import hashlib
import os
import pathlib
import stat

import pytest

from app import atomic
from app.device import plan, planfile
from app.errors import EngineError, OutputError
from tests.plans import NANO, SIDECAR

CONTENT = bytes(range(256)) * 64


def fill(file):
    file.write(CONTENT)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "yolox_nano.engine")


def names(path):
    return sorted(os.listdir(os.path.dirname(path)))


WHOLE = ["yolox_nano.engine", "yolox_nano.engine.json"]


def test_written_and_read_back(path):
    written = planfile.write(path, fill, SIDECAR)
    assert names(path) == WHOLE
    assert pathlib.Path(path).read_bytes() == CONTENT
    assert written == SIDECAR._replace(
        plan_bytes=len(CONTENT), plan_sha256=hashlib.sha256(CONTENT).hexdigest()
    )
    assert plan.read(path) == written
    assert planfile.damage(path, written, hashed=True) == ""


def test_others_may_read_what_was_written(path):
    """A service runs as its own user; mkstemp would have kept it out."""
    mask = os.umask(0o022)
    try:
        planfile.write(path, fill, SIDECAR)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o644


def test_a_plan_that_another_process_wrote(path):
    part = atomic.temporary(path)
    with open(part, "wb") as file:
        fill(file)
    written = planfile.settle(part, path, SIDECAR)
    assert names(path) == WHOLE and plan.read(path) == written
    with pytest.raises(OutputError, match="No such file"):
        planfile.settle(part, path, SIDECAR)
    assert names(path) == WHOLE and plan.read(path) == written


def test_in_the_working_folder(tmp_path):
    before = os.getcwd()
    os.chdir(str(tmp_path))
    try:
        planfile.write("a.engine", fill, SIDECAR)
        assert planfile.quarantine("a.engine") == "a.engine.bad"
        assert planfile.find("a.onnx") is None
    finally:
        os.chdir(before)


def full_device(file):
    """Write to a device that is always full."""
    file.write(CONTENT)
    file.flush()
    with open("/dev/full", "wb", buffering=0) as full:
        full.write(CONTENT)


def test_a_full_disk(path):
    planfile.write(path, fill, SIDECAR)
    for expected, needs in ((20000, "20000 bytes or more"), (0, "16384 bytes or more")):
        with pytest.raises(OutputError) as caught:
            planfile.write(path, full_device, SIDECAR._replace(plan_bytes=expected))
        assert str(caught.value).startswith(f"cannot write {path}: No space left on device")
        assert f"It needs {needs}, " in str(caught.value) and "\n" not in str(caught.value)
        assert names(path) == WHOLE and planfile.damage(path, plan.read(path), hashed=True) == ""


def test_no_folder(tmp_path):
    with pytest.raises(OutputError, match="No such file or directory"):
        planfile.write(str(tmp_path / "none" / "a.engine"), fill, SIDECAR)


def test_a_folder_in_the_way(path):
    os.makedirs(os.path.join(path, "inside"))
    with pytest.raises(OutputError, match="cannot write"):
        planfile.write(path, fill, SIDECAR)
    assert names(path) == ["yolox_nano.engine"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ValueError])
def test_nothing_is_left_of_what_was_interrupted(path, error):
    def interrupted(file):
        file.write(CONTENT)
        raise error

    with pytest.raises(error):
        planfile.write(path, interrupted, SIDECAR)
    assert names(path) == []


def test_damage(path):
    sidecar = planfile.write(path, fill, SIDECAR)
    with open(path, "r+b") as file:
        file.write(b"x")
    assert planfile.damage(path, sidecar) == ""
    assert planfile.damage(path, sidecar, hashed=True) == "its content is not what was written"
    with open(path, "r+b") as file:
        file.truncate(100)
    assert planfile.damage(path, sidecar) == "has 100 bytes, 16384 were written"
    os.unlink(path)
    with pytest.raises(EngineError, match="cannot be read: No such file"):
        planfile.damage(path, sidecar)


def test_quarantine_keeps_the_last_three(path):
    for number in range(5):
        content = b"%d" % number
        planfile.write(path, lambda file, content=content: file.write(content), SIDECAR)
        if number == 2:
            os.unlink(plan.beside(path))
        assert planfile.quarantine(path) == path + ".bad"
    folder = pathlib.Path(path).parent
    kept = {left.name[17:]: left.read_bytes() for left in folder.iterdir()}
    described = sorted(name for name in kept if name.endswith(".json"))
    assert described == [".bad.2.json", ".bad.json"]
    engines = {name: kept[name] for name in kept if name not in described}
    assert engines == {".bad": b"4", ".bad.2": b"3", ".bad.3": b"2"}
    with pytest.raises(OutputError, match="No such file"):
        planfile.quarantine(path)
    assert len(names(path)) == 5


def test_where_an_engine_belongs(tmp_path):
    onnx = str(tmp_path / "a.onnx")
    other = tmp_path / "other"
    other.mkdir()
    assert planfile.target(onnx) == str(tmp_path / "a.engine")
    assert planfile.target(onnx, [str(other)]) == str(tmp_path / "a.engine")
    nowhere = str(tmp_path / "none" / "a.onnx")
    assert planfile.target(nowhere, [str(tmp_path / "no"), str(other)]) == str(other / "a.engine")
    assert planfile.target(nowhere) == str(tmp_path / "none" / "a.engine"), "whose error will tell"
    assert planfile.find(onnx, [str(other)]) is None
    (other / "a.engine").write_bytes(b"")
    assert planfile.find(onnx, [str(other)]) == str(other / "a.engine")
    (tmp_path / "a.engine").write_bytes(b"")
    assert planfile.find(onnx, [str(other)]) == str(tmp_path / "a.engine")


def test_listing(tmp_path):
    for name in ("good", "hurt", "bare"):
        planfile.write(str(tmp_path / f"{name}.engine"), fill, SIDECAR)
    os.truncate(str(tmp_path / "hurt.engine"), 5)
    (tmp_path / "bare.engine.json").unlink()
    (tmp_path / "old.engine.bad").write_bytes(b"")
    (tmp_path / "folder.engine").mkdir()
    bare, good, hurt = planfile.listing([str(tmp_path)], NANO)
    assert (good.name, good.bytes, good.fits) == ("good", len(CONTENT), True)
    assert good.verdict == "fits this device"
    assert good.sidecar.fingerprint.precision == "fp16" and good.sidecar.accuracy.ap == 0.25
    assert (hurt.bytes, hurt.sidecar, hurt.fits) == (5, None, False)
    assert hurt.verdict == "has 5 bytes, 16384 were written"
    assert (bare.name, bare.fits) == ("bare", False) and "Run: jetwatch build bare" in bare.verdict
    good = planfile.listing([str(tmp_path)], NANO._replace(sm="8.7", cuda="11.4"))[1]
    assert good.fits is False
    assert good.verdict == "CUDA 11.4 here, 10.2 in the engine; SM 8.7 here, 5.3 in the engine"
    good = planfile.listing([str(tmp_path)])[1]
    assert (good.fits, good.verdict) == (None, "no GPU here to run it on")
    assert planfile.listing([]) == []
    with pytest.raises(EngineError, match="none: cannot be read"):
        planfile.listing([str(tmp_path / "none")])


def test_sweep(path, tmp_path):
    planfile.write(path, fill, SIDECAR)
    parts = [atomic.temporary(path), atomic.temporary(plan.beside(path))]
    kept = [".yolox_nano.onnx.1234abcd.part", ".yolox_nano.engine.part", "yolox_nano.engine.bad"]
    for left in parts + [str(tmp_path / name) for name in kept]:
        open(left, "wb").close()
    born = os.stat(parts[0]).st_mtime
    assert planfile.sweep(str(tmp_path), now=born + 3500) == []
    assert sorted(planfile.sweep(str(tmp_path), now=born + 3700)) == sorted(parts)
    assert names(path) == sorted(kept + WHOLE)
    assert planfile.sweep(str(tmp_path / "none")) == []


def test_an_error_without_words_is_told_as_well(path):
    def vague(file):
        raise OSError("the line is down")

    with pytest.raises(OutputError, match="cannot write .*: the line is down. It needs"):
        planfile.write(path, vague, SIDECAR)
