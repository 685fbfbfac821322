"""`jetwatch build`, `engines` and `run` where no GPU is, and where stand-ins take its place."""

import json
import os
import re

import pytest

from app.device.cuda import Cuda
from app.errors import DeviceError
from tests import fake_cuda, stand_in
from tests.command import jetwatch
from tests.manager import managing

MANIFEST = f"""\
kind: detector
summary: the picture's own numbers
licence: Apache-2.0
sources: [{{file: tiny.onnx, bytes: 1, sha256: {"a" * 64}}}]
input: {{size: [10, 8], placement: stretch}}
decoder: yolov8
labels: names.txt
score: 0.5
iou: 0.9
"""
TENSORRT = (
    "import sys; from tests import fake_trt; sys.modules[__name__] = fake_trt.module({!r}, {})"
)
PYCUDA = """\
import sys
from tests import fake_cuda
driver = sys.modules["pycuda.driver"] = fake_cuda.Driver(fake_cuda.Orders({}))
"""


@pytest.fixture(autouse=True)
def _no_gpu():
    try:
        Cuda()
    except DeviceError:
        return
    pytest.skip("a GPU is here; tests/device has its own")


class Here:
    """A catalogue of one detector; with ``machine``, on a GPU and a TensorRT that stand in."""

    def __init__(self, folder):
        self.folder = folder / "engines"
        self.folder.mkdir()
        self.modules = folder / "modules"
        stand_in.onnx(self.folder / "tiny.onnx")
        (self.folder / "tiny.yaml").write_text(MANIFEST)
        (self.folder / "names.txt").write_text("dark\nbright\n")
        self.see = folder / "see"
        stand_in.folder(self.see, 10)
        self.before = set(os.listdir(str(self.folder)))

    def machine(self, version, orders="None", gpu=""):
        (self.modules / "pycuda").mkdir(parents=True, exist_ok=True)
        (self.modules / "tensorrt.py").write_text(TENSORRT.format(version, orders))
        (self.modules / "pycuda" / "__init__.py").write_text(PYCUDA.format(gpu))
        fake_cuda.keep_kernels(self.folder, (8, 6))

    def jetwatch(self, *arguments, **environment):
        environment["JETWATCH_ENGINES"] = str(self.folder)
        return jetwatch(*arguments, env=environment, path=[self.modules])

    def run(self, *arguments):
        flags = ("--backend", "gpu", "--detections", "-")
        return self.jetwatch("run", "--source", self.see, "--model", "tiny", *flags, *arguments)

    def left(self):
        """What is new in the folder, the log aside."""
        return set(os.listdir(str(self.folder))) - self.before - {"tiny.engine.log"}

    def config(self, **backend):
        path = self.folder.parent / "watch.yaml"
        path.write_text(
            f"cameras: [{{name: a, source: {self.see}}}]\ndetect: {{model: tiny}}\n"
            f"backend: {json.dumps(backend)}\nreport: {{path: '-'}}\n"
        )
        return path


@pytest.fixture
def here(tmp_path):
    return Here(tmp_path)


def numbers(result):
    return [
        [d["score"] for d in json.loads(line)["detections"]] for line in result.out.splitlines()
    ]


@pytest.mark.parametrize("more", [(), ("--precision", "fp16"), ("--dla", "0")])
def test_a_build_without_a_gpu_is_one_line(here, more):
    here.jetwatch("build", "tiny", *more).failed(69, "does not load", "--backend host")
    assert not here.left()


def test_all_models_are_tried_though_one_fails(here):
    result = here.jetwatch("build", "tiny", "missing", here.folder / "none.onnx")
    lines = [line for line in result.err.splitlines() if line.startswith("jetwatch: ")]
    assert result.code == 69 and len(lines) == 3, result.err
    assert "none.onnx: no such file" in lines[2]


def test_engines_are_listed_without_a_gpu(here):
    result = here.jetwatch("engines", here.folder)
    assert result.code == 0 and "no engine yet. Run: jetwatch build MODEL" in result.out
    assert "no GPU to ask: " in result.err and not here.left()
    here.jetwatch("engines", here.folder / "none").failed(78, "cannot be read: No such file")


def test_a_run_without_a_gpu_is_one_line(here):
    here.run().failed(69, "no GPU can be used: pycuda does not load", "take --backend host")
    config = here.config(kind="gpu", build="auto")
    here.jetwatch("run", config).failed(69, "no GPU can be used")
    assert not here.left()


def test_pictures_that_are_not_there_are_one_line(here):
    empty = here.folder.parent / "empty"
    empty.mkdir()
    here.jetwatch("build", "tiny", "--calibrate", empty).failed(66, "no picture in it")
    result = here.jetwatch("build", "tiny", "--calibrate", here.folder.parent / "none")
    assert result.code in (2, 66) and "none" in result.err.splitlines()[-1]
    here.jetwatch("build", "tiny", "--precision", "int8").failed(78, "INT8 wants pictures")
    assert not here.left()


@pytest.mark.parametrize("content, told", [(b"", "the file is empty"), (b"<html>", "a web page")])
def test_a_file_that_is_no_model_is_one_line(here, content, told):
    (here.folder / "tiny.onnx").write_bytes(content)
    here.jetwatch("build", "tiny").failed(78, "tiny.onnx", told)
    assert not here.left()


@pytest.mark.parametrize("version", ["8.2.1", "10.3.0", "11.4.0.106"])
def test_build_list_and_run(here, version):
    here.machine(version)
    made = here.jetwatch("build", "tiny", "--batch", "4", "--check", here.see)
    assert made.code == 0, made.err
    assert "fp16: agreement 1.000, asked for 0.95: kept" in made.err
    assert "tiny: fp16 engine, batch 4" in made.err
    listed = here.jetwatch("engines", here.folder)
    assert listed.code == 0 and "fits this device" in listed.out, listed.out + listed.err
    ran, host = here.run(), here.run("--backend", "host")
    assert ran.code == host.code == 0, ran.err + host.err
    assert len(numbers(ran)) == 10 and sum(map(len, numbers(ran))) > 50
    assert numbers(ran) == [
        [pytest.approx(score, abs=1e-3) for score in row] for row in numbers(host)
    ]
    kept = {"tiny.engine", "tiny.engine.json"}
    assert {name for name in here.left() if not name.endswith((".cubin", ".cache"))} == kept


def test_an_engine_that_does_not_fit_is_put_aside_or_built_anew(here):
    here.machine("8.6.1")
    assert here.jetwatch("build", "tiny").code == 0
    here.machine("10.3.0")
    listed = here.jetwatch("engines", here.folder)
    assert "TensorRT 10.3.0 here, 8.6.1 in the engine" in listed.out
    here.run().failed(78, "TensorRT 10.3.0 here, 8.6.1 in the engine", "jetwatch build tiny")
    here.run().failed(78, "no engine yet. Run: jetwatch build tiny")
    made = here.jetwatch("run", here.config(kind="gpu", build="auto"))
    assert made.code == 0 and len(numbers(made)) == 10, made.err
    assert "no engine yet" in made.err and "Building it now" in made.err


def test_a_build_in_a_service_that_starts_gains_time_with_each_sign(here):
    here.machine("8.6.1")
    with managing(here.folder.parent) as manager:
        made = here.jetwatch("run", here.config(kind="gpu", build="auto"), **manager.environ)
        assert made.code == 0, made.err
        said = [line for lines in manager.listen() for line in lines]
    assert said.count("EXTEND_TIMEOUT_USEC=900000000") > 3, said


def test_a_build_that_fails_in_a_run_is_one_line(here):
    here.machine("8.6.1", "fake_trt.Orders(no_plan='no such layer')")
    here.jetwatch("run", here.config(kind="gpu", build="auto")).failed(78, "no such layer")
    assert not [name for name in here.left() if not name.endswith((".cubin", ".cache"))]


def test_a_driver_that_is_too_old_is_one_line(here):
    here.machine("8.6.1", "fake_trt.Orders(no_device=True)")
    here.jetwatch("build", "tiny").failed(69, "TensorRT 8.6.1 finds no usable CUDA device")


def test_a_machine_whose_gpu_is_gone_is_one_line(here):
    here.machine("8.6.1", gpu="absent=True")
    here.jetwatch("build", "tiny").failed(69, "no usable NVIDIA GPU: cuInit failed")
    here.run().failed(69, "no usable NVIDIA GPU")


def test_a_dla_that_is_not_there_is_one_line(here):
    here.machine("8.6.1")
    here.jetwatch("build", "tiny", "--dla", "1").failed(78, "there is no DLA core 1", "has none")


def test_a_plugin_of_the_manifest_that_is_missing_or_no_library_is_one_line(here):
    """It lies beside the manifest. An engine that was built with another is not run."""
    here.machine("8.6.1")
    assert here.jetwatch("build", "tiny", "--precision", "fp32").code == 0
    manifest = here.folder / "tiny.yaml"
    manifest.write_text(MANIFEST + "plugins: [own.so]\n")
    plugin = here.folder / "own.so"
    for told in ("cannot open shared object", "file too short|invalid ELF header"):
        line = here.jetwatch("build", "tiny").failed(78, f"the plugin {plugin} does not load")
        assert re.search(told, line), line
        plugin.write_bytes(b"no library at all, though long enough to be looked at by the loader")
    here.run().failed(78, "the plugins are others than the engine was built with")
