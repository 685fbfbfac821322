"""jetwatch convert: from a module to a model that runs; whole files or none."""

import importlib.util
import json
import shutil
import signal

import pytest

from app import catalogue, manifest
from tests import tiny
from tests.command import ROOT, finish, jetwatch, start

pytestmark = pytest.mark.torch

pytest.importorskip("onnx", reason="the onnx package is not installed")
if not importlib.util.find_spec("torch"):
    pytest.skip("PyTorch is not installed", allow_module_level=True)


@pytest.fixture
def folder(tmp_path):
    """A folder with the modules' file alone in it."""
    shutil.copy(str(ROOT / "tests" / "torch_modules.py"), str(tmp_path / "mine.py"))
    return tmp_path


def convert(folder, *words, **rest):
    return jetwatch("convert", *words, cwd=folder, **rest)


def names(folder):
    return sorted(
        path.name for path in folder.iterdir() if path.name not in ("mine.py", "__pycache__")
    )


def test_a_classifier(folder):
    result = convert(folder, "mine.py:small", "--input", "1,3,32,32", "--dynamic-batch")
    assert result.code == 0, result.err
    assert result.out.count("compared   batch ") == 2 and "TensorRT   8.2 knows" in result.out
    assert names(folder) == ["mine.onnx", "mine.txt", "mine.yaml"]
    entry = manifest.entry(str(folder / "mine.yaml"))
    assert (entry.kind, entry.licence) == ("classifier", "not stated")
    assert entry.sources[0].bytes == (folder / "mine.onnx").stat().st_size
    assert entry.model.labels == tuple("class {}".format(number) for number in range(10))
    assert [one.name for one in catalogue.entries([str(folder)])] == ["mine"]
    assert "a classifier" in jetwatch("inspect", folder / "mine.onnx").out


def test_a_detector_runs(folder, tmp_path):
    made = convert(folder, "mine.py:detector", "--input", "1,3,64,64", "--out", "people.onnx")
    assert made.code == 0, made.err
    assert names(folder) == ["people.onnx", "people.yaml"]  # the labels are configs/labels/coco.txt
    pictures = tiny.pictures(tmp_path / "pictures", 2)
    result = jetwatch(
        *("run", "--backend", "host", "--source", pictures, "--detections", "-"),
        *("--model", folder / "people.onnx"),
    )
    assert result.code == 0, result.err
    seen = [json.loads(line)["detections"] for line in result.out.splitlines()]
    assert [[one["label"] for one in found] for found in seen] == [["person"], ["person"]]


def test_labels_of_its_own(folder):
    (folder / "kinds.txt").write_text("".join("kind {}\n".format(n) for n in range(10)))
    words = ["mine.py:small", "--input", "1,3,32,32", "--labels", "kinds.txt", "--out", "a.onnx"]
    assert convert(folder, *words).code == 0
    assert names(folder) == ["a.onnx", "a.txt", "a.yaml", "kinds.txt"]
    assert manifest.entry(str(folder / "a.yaml")).model.labels[9] == "kind 9"
    convert(folder, *words).failed(73, "a.onnx is there already", "--force")
    again = convert(folder, *words, "--force")
    assert again.code == 0, again.err


@pytest.mark.parametrize(
    "words, told",
    [
        (["--labels", "coco"], "80 labels for 10 classes"),
        (["mine.py:no_picture"], "no known reading of the outputs"),
    ],
)
def test_an_onnx_without_a_manifest_is_said(folder, words, told):
    with open(str(folder / "mine.py"), "a") as file:
        file.write("\n\ndef no_picture():\n    return Small(lambda scores: (scores, scores))\n")
    source = [] if "mine" in words[0] else ["mine.py:small"]
    result = convert(folder, *source, *words, "--input", "1,3,32,32", "--out", "a.onnx")
    assert str(folder) not in result.failed(78, "without a manifest", told)
    assert names(folder) == ["a.onnx"]


@pytest.mark.parametrize(
    "function, code, told",
    [
        ("on_a_full_disk", 73, "cannot write mine.onnx"),
        ("leaves", 78, "SystemExit"),
    ],
)
def test_what_fails_leaves_nothing(folder, function, code, told):
    convert(folder, "mine.py:" + function, "--input", "1,3,32,32").failed(code, told)
    assert names(folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing(folder, number):
    process = start("convert", "mine.py:waits", "--input", "1,3,32,32", cwd=folder)
    assert process.stdout.readline() == "building\n"
    assert len(names(folder)) == 1  # the folder it works in
    process.send_signal(number)
    result = finish(process, 60)
    result.failed(130, "interrupted")
    assert names(folder) == []


def test_a_reader_that_goes_is_no_full_disk(folder):
    process = start("convert", "mine.py:small", "--input", "1,3,32,32", cwd=folder)
    process.stdout.close()
    assert process.stderr.read() == "" and process.wait(60) == 141
    process.stderr.close()
    assert names(folder) == []
