"""convert, framework: modules read, exported, held against their ONNX; what cannot be, refused."""

import pathlib
import shutil
import warnings

import numpy as np
import pytest

from app.device import convert, framework, onnxfile
from app.errors import EngineError

pytestmark = pytest.mark.torch

pytest.importorskip("onnx", reason="the onnx package is not installed")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from tests import torch_modules

FILE = pathlib.Path(torch_modules.__file__)
SHAPE = (1, 3, 32, 32)
PLAIN = convert.Wanted(SHAPE)
ANY_BATCH = convert.Wanted(SHAPE, dynamic_batch=True)


def refused(call, *words):
    """The one line in which a call is refused."""
    with pytest.raises(EngineError) as raised:
        call()
    message = str(raised.value)
    for word in words:
        assert word in message
    assert "\n" not in message and len(message) < 700
    return message


def written(module, wanted, path):
    path.write_bytes(convert.export(module.eval(), wanted))
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of what is given as a model."""
    folder = tmp_path_factory.mktemp("files")
    module = torch_modules.Small().eval()
    with framework.quiet():
        torch.jit.trace(module, torch.zeros(SHAPE)).save(str(folder / "traced.pt"))
        torch.jit.script(torch_modules.Doubled()).save(str(folder / "scripted.pt"))
    torch.save(module, str(folder / "pickled.pt"))
    torch.save(module.state_dict(), str(folder / "weights.pth"))
    torch.save({"epoch": 3, "model": module.state_dict()}, str(folder / "checkpoint.pth"))
    torch.save([1, 2], str(folder / "list.pt"))
    whole = (folder / "pickled.pt").read_bytes()
    (folder / "cut.pt").write_bytes(whole[: len(whole) // 2])
    (folder / "junk.pt").write_bytes(b"nonsense" * 50)
    (folder / "empty.pt").write_bytes(b"")
    (folder / "page.pt").write_bytes(b"<!DOCTYPE html>")
    (folder / "a.onnx").write_bytes(b"\x08\x07")
    (folder / "broken.py").write_text("def build(:\n")
    (folder / "own.py").write_text("import beside\n\ndef build():\n    return beside.made()\n")
    (folder / "beside.py").write_text("def made():\n    return [][1]\n")
    return folder


@pytest.mark.parametrize(
    "source, trust",
    [
        ("{files}/traced.pt", False),
        ("{files}/scripted.pt", False),
        ("{files}/pickled.pt", True),
        ("tests.torch_modules:small", False),
        ("{file}:small", False),
    ],
)
def test_sources(files, tmp_path, source, trust) -> None:
    module = framework.load(source.format(files=files, file=FILE), trust)
    assert not module.training
    path = tmp_path / "m.onnx"
    differences = convert.compare(module, written(module, ANY_BATCH, path), ANY_BATCH)
    assert [one.batch for one in differences] == [1, 3]
    assert all(0 <= one.relative < 1e-5 for one in differences)
    found = onnxfile.describe(str(path))
    assert found.opset == 13 and found.refused == ()
    assert [spec.shape for spec in found.inputs] == [(-1, 3, 32, 32)]
    assert [spec.shape[0] for spec in found.outputs] == [-1]


@pytest.mark.parametrize(
    "source, words",
    [
        ("weights.pth", ["a state dict: 8 weights", "conv.weight", "FILE.py:FUNCTION"]),
        ("checkpoint.pth", ["a dict", "epoch, model", "FILE.py:FUNCTION"]),
        ("list.pt", ["gives a list", "FILE.py:FUNCTION"]),
        ("pickled.pt", ["a pickle", "--trust"]),
        ("cut.pt", ["neither", "again"]),
        ("junk.pt", ["400 bytes", "neither"]),
        ("empty.pt", ["empty"]),
        ("page.pt", ["a web page"]),
        ("a.onnx", ["ONNX already", "jetwatch inspect"]),
        ("none.pt", ["no such file", "FILE.py:FUNCTION"]),
        ("none.py:build", ["no such file"]),
        ("own.py", ["own.py:FUNCTION"]),
        ("own.py:made", ["has no 'made'", "build"]),
        ("own.py:build", ["IndexError", "beside.py:2"]),
        ("broken.py:build", ["SyntaxError", "line 1"]),
    ],
)
def test_sources_that_are_none(files, source, words) -> None:
    message = refused(lambda: framework.load(str(files / source), False), *words)
    assert message.startswith(str(files / source.split(":")[0]))


@pytest.mark.parametrize(
    "function, words",
    [
        ("no_such.module:build", ["ModuleNotFoundError"]),
        ("tests.torch_modules:needs_an_argument", ["TypeError", "path"]),
        ("tests.torch_modules:leaves", ["SystemExit", "torch_modules.py:"]),
        ("tests.torch_modules:no_module", ["a state dict: 1 weights"]),
        ("tests.torch_modules:FILE", ["has no 'FILE'", "small"]),
    ],
)
def test_functions_that_give_none(function, words) -> None:
    refused(lambda: framework.load(function, False), *words)


def test_a_pickle_whose_code_is_not_here(tmp_path) -> None:
    shutil.copy(str(FILE), str(tmp_path / "elsewhere.py"))
    (tmp_path / "other.py").write_text("import torch\n\nbuild = torch.nn.Identity\n")
    module = framework.load("{}:small".format(tmp_path / "elsewhere.py"), False)
    torch.save(module, str(tmp_path / "far.pt"))
    framework.load("{}:build".format(tmp_path / "other.py"), False)  # and the first is forgotten
    refused(lambda: framework.load(str(tmp_path / "far.pt"), True), "not here", "PYTHONPATH")


@pytest.mark.parametrize(
    "then, names",
    [
        (None, ["output"]),
        (lambda s: [s], ["output"]),
        (lambda s: (s, (s + 1, None)), ["output0", "output1_0"]),
        (lambda s: torch_modules.Boxes(s, s * 2), ["logits", "boxes"]),
        (lambda s: {"logits": s, "aux": [s, s + 1]}, ["logits", "aux0", "aux1"]),
    ],
)
def test_outputs_are_called_after_what_the_module_calls_them(tmp_path, then, names) -> None:
    module = torch_modules.Small(then)
    path = written(module, ANY_BATCH, tmp_path / "m.onnx")
    found = onnxfile.describe(path)
    assert [spec.name for spec in found.outputs] == names
    assert all(spec.shape == (-1, 10) for spec in found.outputs)
    convert.compare(module, path, ANY_BATCH)
    assert isinstance(module(torch.zeros(SHAPE)), dict) == (names[-1] == "aux1")  # as it was


@pytest.mark.parametrize(
    "then, wanted, words",
    [
        (lambda s: s.reshape(1, -1), ANY_BATCH, ["[1, 10]", "[1, 30]", "--dynamic-batch"]),
        (lambda s: (s, "a word"), PLAIN, ["a str in output1"]),
        (lambda s: None, PLAIN, ["no tensor"]),
        (lambda s: s / 0 * 0, PLAIN, ["no finite number"]),
        (lambda s: s.no_such, PLAIN, ["1x3x32x32", "AttributeError", "test_convert.py:"]),
        (lambda s: torch.fft.fft(s).real, PLAIN, ["opset 13", "fft", "Replace"]),
        (lambda s: s, PLAIN._replace(shape=(1, 4, 9, 9)), ["1x4x9x9", "--input"]),
        (lambda s: s, PLAIN._replace(opset=99), ["99", "--opset 13"]),
    ],
)
def test_what_cannot_be_exported(then, wanted, words) -> None:
    module = torch_modules.Small(then).eval()
    refused(lambda: convert.export(module, wanted), *words)


@pytest.mark.parametrize(
    "then",
    [torch.rand_like, lambda s: s * float(s.sum())],
    ids=["random", "a value made a constant"],
)
def test_an_export_that_answers_differently_is_refused(tmp_path, then) -> None:
    module = torch_modules.Small(then)
    path = written(module, PLAIN, tmp_path / "m.onnx")
    refused(lambda: convert.compare(module, path, PLAIN), "batch 1", "forward()")


@pytest.mark.parametrize(
    "change, differs",
    [
        (lambda weight: weight.mul_(1.01), True),
        (lambda weight: weight.mul_(1 + 1e-5), False),
        (lambda weight: weight.fill_(np.nan), True),
    ],
)
def test_the_tolerance(tmp_path, change, differs) -> None:
    """The module is changed after the export, in one weight of its last layer."""
    module = torch_modules.Small()
    path = written(module, PLAIN, tmp_path / "m.onnx")
    with torch.no_grad():
        change(module.full.bias[:5])
    if differs:
        refused(lambda: convert.compare(module, path, PLAIN), "differs", "0.001 is allowed")
    else:
        assert 0 < convert.compare(module, path, PLAIN)[0].relative < 1e-4


def test_a_module_that_writes_on_its_input_is_compared_on_the_same(tmp_path) -> None:
    module = torch_modules.Writes()
    convert.compare(module, written(module, PLAIN, tmp_path / "m.onnx"), PLAIN)


def test_equal_weights_stay_weights(tmp_path) -> None:
    """PyTorch put an Identity before the second bias, and TensorRT 8.2 takes no such Conv."""
    found = onnxfile.describe(written(torch_modules.Doubled(), PLAIN, tmp_path / "m.onnx"))
    assert found.refused == () and "Identity" not in found.operators


def test_what_tensorrt_lacks_comes_with_a_remedy(tmp_path) -> None:
    module = torch_modules.Small(torch.nn.functional.hardswish)
    newer = onnxfile.describe(written(module, PLAIN._replace(opset=17), tmp_path / "m.onnx"))
    told = {one.operator: one.remedy for one in newer.refused}
    assert "opset 13" in told["HardSwish"]
    assert onnxfile.describe(written(module, PLAIN, tmp_path / "m.onnx")).refused == ()


def test_nothing_of_the_failed_export_is_printed(capfd) -> None:
    """PyTorch's C++ put the whole graph on standard output."""
    module = torch_modules.Small(lambda s: torch.fft.fft(s).real).eval()
    refused(lambda: convert.export(module, PLAIN), "fft")
    assert capfd.readouterr() == ("", "")
