"""test_engines: from a wish to an engine that is kept, by real child processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app import engines
from app.device import plan, planfile
from app.engines import Wish
from app.errors import ConfigError, EngineError, OutputError, SourceError
from app.media import uri
from app.media.camera import Camera
from tests import fake_child, fake_cuda, stand_in
from tests.trial import MIB, Trial

NEW = "11.4.0.106"


class Site:
    """A folder with a model, where engines are built; ``said`` are the decisions on the way."""

    def __init__(self, folder, version="8.6.1", **child):
        self.trial = Trial(folder / "here", version, gpu=child.get("gpu"))
        self.folder = folder
        self.command = fake_child.command(version, **child)
        self.said = []
        self.phases = []

    def build(self, **wish):
        return engines.build(
            self.trial.model, Wish(**wish), [], lambda progress: self.phases.append(progress),
            self.said.append, self.command,
        )  # fmt: skip

    def pictures(self, name="see", count=10, seed=1):
        place = self.folder / name
        stand_in.folder(place, count, seed)
        return camera(place)

    def refused(self, kind, *words, **wish):
        """The one line, with nothing left behind and the engine of before as it was."""
        before = self.content()
        with pytest.raises(kind) as raised:
            self.build(**wish)
        message = str(raised.value)
        assert "\n" not in message and all(word in message for word in words), message
        assert not self.trial.leftovers() and self.content() == before

    def content(self):
        path = Path(self.trial.path)
        return path.read_bytes() if path.exists() else None

    def known(self):
        return plan.read(self.trial.path)


def camera(path):
    return Camera("calibration", uri.parse(str(path)))


def test_the_best_there_is(tmp_path):
    site = Site(tmp_path)
    made = site.build(calibrate=site.pictures(), batch=4)
    assert made.fingerprint == site.known().fingerprint and made.fingerprint.precision == "int8"
    assert made.accuracy.agreement == 1 and made.accuracy.pictures == 2 and made.tried == ()
    assert any("int8: agreement 1.000, asked for 0.95: kept" in line for line in site.said)
    assert planfile.damage(site.trial.path, made, hashed=True) == ""
    assert not site.trial.leftovers() and list(site.trial.folder.glob("tiny.*.ranges"))
    backend = site.trial.backend()
    with backend.attached():
        images = stand_in.pictures(5)
        made = stand_in.found(backend, backend.load(site.trial.model), images)
    stand_in.same(made, stand_in.expected(images))


def test_without_pictures_it_is_fp16_and_said_to_be_unmeasured(tmp_path):
    site = Site(tmp_path)
    assert site.build().fingerprint.precision == "fp16"
    assert any("accuracy was not measured" in line for line in site.said)


@pytest.mark.parametrize("spoiled, precision", [(("INT8",), "fp16"), (("FP16", "INT8"), "fp32")])
def test_what_the_gate_refuses_is_followed_by_the_next_precision(tmp_path, spoiled, precision):
    site = Site(tmp_path, spoiled=spoiled)
    made = site.build(calibrate=site.pictures())
    assert made.fingerprint.precision == precision
    assert [one.precision for one in made.tried] == ["int8", "fp16"][: len(spoiled)]
    assert all("refused" in one.outcome for one in made.tried)


def test_force_keeps_what_the_gate_refuses_and_marks_it(tmp_path):
    site = Site(tmp_path, spoiled=("INT8",))
    made = site.build(precision="int8", calibrate=site.pictures(), force=True)
    assert made.fingerprint.precision == "int8" and made.accuracy.forced
    assert "int8: kept by force" in site.said


def test_int8_that_nothing_was_left_to_compare_on_is_not_kept(tmp_path):
    site = Site(tmp_path)
    made = site.build(calibrate=site.pictures(count=1))
    assert made.fingerprint.precision == "fp16"
    assert "int8: no pictures were left to compare it on" in site.said
    assert (
        site.build(calibrate=camera(tmp_path / "see"), force=True).fingerprint.precision == "int8"
    )


def test_a_nano_gets_fp16_and_the_reason(tmp_path):
    site = Site(tmp_path, "8.2.1", gpu=fake_cuda.NANO, int8_is_fast=False)
    made = site.build(calibrate=site.pictures())
    assert made.fingerprint.precision == "fp16" and made.tried[0].precision == "int8"
    assert any("Tegra X1 (SM 5.3) has no fast INT8" in line for line in site.said)


def test_a_tensorrt_without_calibrators_gets_the_next_precision(tmp_path):
    site = Site(tmp_path, NEW)
    made = site.build(calibrate=site.pictures())
    assert made.fingerprint.precision != "int8"
    assert any("holds nothing to quantize" in line for line in site.said)


def test_a_build_that_is_killed_is_tried_again_with_half(tmp_path):
    site = Site(tmp_path, dies_above=20 * MIB)
    made = site.build(precision="fp32", workspace_mb=64)
    assert [one.workspace_mb for one in made.tried] == [64, 32]
    assert all("killed (SIGKILL, most likely for want" in one.outcome for one in made.tried)
    assert [line for line in site.said if "again" in line] == [
        "trying again with 32 MiB of workspace",
        "trying again with 16 MiB of workspace",
    ]


@pytest.mark.parametrize(
    "child, told",
    [({"dies_above": 1}, "SIGKILL"), ({"least_workspace": 1 << 50}, "Error Code 2: OutOfMemory")],
)
def test_a_build_that_finds_no_memory_at_all_ends_in_one_line(tmp_path, child, told):
    """Killed each time, or given up by TensorRT."""
    site = Site(tmp_path, **child)
    site.refused(
        EngineError, told, "Not even 16 MiB would do: free memory", "tiny.engine.log",
        precision="fp32", workspace_mb=100,
    )  # fmt: skip
    assert [line for line in site.said if "again" in line] == [
        f"trying again with {mib} MiB of workspace" for mib in (50, 25, 16)
    ]


def test_the_smallest_of_the_limits_counts(tmp_path):
    site = Site(tmp_path)
    site.trial.model = site.trial.model._replace(workspace_mb=40)
    site.build(precision="fp32", workspace_mb=60)
    assert {one.total for one in site.phases if one.phase == "workspace"} <= {40 * MIB}


@pytest.mark.parametrize(
    "content, told",
    [
        (b"", "0 bytes: the file is empty. Fetch the file again"),
        (b"<html>not found</html>", "a web page, not a model"),
        (b"version https://git-lfs.github.com/spec/v1", "a git-lfs pointer"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_model_is_one_line(tmp_path, content, told):
    """Before any picture is taken of it."""
    site = Site(tmp_path)
    site.trial.onnx.unlink()
    if content is not None:
        site.trial.onnx.write_bytes(content)
    site.refused(EngineError, str(site.trial.onnx), told, calibrate=camera(tmp_path))
    assert not site.phases


@pytest.mark.parametrize("names", [(), ("a.txt",)])
def test_a_folder_without_pictures_is_one_line(tmp_path, names):
    site = Site(tmp_path)
    place = tmp_path / "see"
    place.mkdir()
    for name in names:
        (place / name).write_bytes(b"no picture")
    site.refused(SourceError, f"{place}: no picture in it", calibrate=camera(place))


@pytest.mark.parametrize("bad", [1, 7])
def test_a_picture_that_cannot_be_read_is_named(tmp_path, bad):
    """Even one among many: which pictures INT8 was calibrated with must be known."""
    site = Site(tmp_path)
    source = site.pictures()
    for path in sorted((tmp_path / "see").iterdir())[3 : 3 + bad]:
        path.write_bytes(b"no picture")
    told = "003.png: no picture that can be read. Take it out of the folder"
    site.refused(SourceError, told, calibrate=source)


@pytest.mark.parametrize("content", [b"", b"no clip at all"])
def test_a_clip_without_frames_is_one_line(tmp_path, content):
    site = Site(tmp_path)
    (tmp_path / "street.mp4").write_bytes(content)
    site.refused(SourceError, "street.mp4", calibrate=camera(tmp_path / "street.mp4"))


def test_the_same_pictures_cannot_calibrate_and_check(tmp_path):
    site = Site(tmp_path)
    source = site.pictures()
    site.refused(ConfigError, "is to calibrate and to check with", calibrate=source, check=source)


def test_int8_wants_pictures(tmp_path):
    Site(tmp_path).refused(ConfigError, "INT8 wants pictures", "--calibrate", precision="int8")


def test_a_full_disk_leaves_the_engine_of_before(tmp_path):
    site = Site(tmp_path)
    site.build(precision="fp32")
    site.command = fake_child.command("8.6.1", most_bytes=100)
    site.refused(OutputError, "the engine cannot be written: File too large", precision="fp16")
    assert site.known().fingerprint.precision == "fp32"


def test_a_log_that_cannot_be_written_leaves_the_engine_of_before(tmp_path):
    site = Site(tmp_path)
    site.build(precision="fp32")
    Path(site.trial.path + ".log").unlink()
    Path(site.trial.path + ".log").mkdir()
    site.refused(
        OutputError, "tiny.engine.log: cannot be written: Is a directory", precision="fp16"
    )


BUILD = """
import sys, pathlib
from tests.unit.test_engines import Site
site = Site(pathlib.Path(sys.argv[1]))
site.command = [sys.executable, "-c", "import sys, time; sys.stdin.read(); "
                "print('{\\"phase\\": \\"hangs\\", \\"done\\": 0, \\"total\\": 0}', flush=True); "
                "time.sleep(60)"]
tell = site.phases.append
class Told(list):
    def append(self, progress):
        print(progress.phase, flush=True)
site.phases = Told()
try:
    site.build(precision="fp32")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_leaves_the_engine_of_before_and_nothing_else(tmp_path):
    site = Site(tmp_path)
    site.build(precision="fp32")
    before = site.content()
    process = subprocess.Popen(
        [sys.executable, "-c", BUILD, str(tmp_path)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True, cwd=str(Path(__file__).parents[2]),
    )  # fmt: skip
    while "hangs" not in process.stdout.readline():
        assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert out.endswith("interrupted\n") and not err, err
    assert site.content() == before and not site.trial.leftovers()
    assert planfile.damage(site.trial.path, site.known(), hashed=True) == ""
    assert os.path.exists(site.trial.path + ".log")
