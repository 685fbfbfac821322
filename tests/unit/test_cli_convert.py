"""cli_convert: what may be typed; tests/flow/test_convert.py runs it."""

import importlib.util

import pytest

from app.cli_flags import parser
from tests.command import jetwatch

pytestmark = pytest.mark.torch


def typed(*words):
    return parser().parse_args(["convert", "m.pt"] + list(words))


def test_defaults():
    arguments = typed("--input", "1,3,224,160")
    assert arguments.input == (1, 3, 224, 160)
    assert arguments.opset == 13 and not arguments.dynamic_batch and not arguments.trust


@pytest.mark.parametrize("shape", ["4,224,160,3", "2,3,8,8"])
def test_shapes(shape):
    assert typed("--input", shape).input == tuple(int(size) for size in shape.split(","))


@pytest.mark.parametrize(
    "words, told",
    [
        ([], "--input"),
        (["--input", ""], "no shape like 1,3,224,224"),
        (["--input", "1,3,224"], "no shape"),
        (["--input", "1,3,0,8"], "no shape"),
        (["--input", "1,3,-8,8"], "no shape"),
        (["--input", "1x3x8x8"], "no shape"),
        (["--input", "1,1,28,28"], "no 3 for the channels"),
        (["--input", "64,3,8000,8000"], "49 GB"),
        (["--input", "1,3,8,8", "--opset", "new"], "new"),
    ],
)
def test_what_is_typed_wrong(words, told, capsys):
    with pytest.raises(SystemExit) as ended:
        typed(*words)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, code, told",
    [
        (["http://me:secret@host/m.pt"], 78, ["http://***@host/m.pt", "Download it"]),
        (["m.pt", "--out", "m.engine"], 78, ["end in .onnx"]),
        (["m.pt", "--out", "no/m.onnx"], 73, ["no such folder", "mkdir no"]),
        (["m.pt", "--labels", "nothing"], 78, ["imagenet", ".txt"]),
    ],
)
def test_what_is_refused_before_anything_is_read(words, code, told, tmp_path):
    jetwatch("convert", *words, "--input", "1,3,8,8", cwd=tmp_path).failed(code, *told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("library", ["torch", "onnx", "onnxruntime"])
def test_a_library_that_is_not_here(library, tmp_path):
    """The one in the working folder is found first, and is none."""
    if library != "torch" and not importlib.util.find_spec("torch"):
        pytest.skip("PyTorch is not installed")
    fails = 'raise ImportError("No module named {!r}")\n'.format(library)
    (tmp_path / (library + ".py")).write_text(fails)
    result = jetwatch("convert", "m.pt", "--input", "1,3,8,8", cwd=tmp_path)
    result.failed(69, "is not here", "pip install " + library)
