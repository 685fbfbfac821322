"""test_jetson: engines found, trusted or put aside, loaded and run, for each TensorRT."""

import logging
import os

import numpy as np
import pytest

from app.device import kernels, plan, planfile
from app.device.backend import BY_CPU, TensorSpec
from app.device.jetson import GpuBackend, NoEngine
from app.device.plan import Profile, Sidecar
from app.device.trt import open_api
from app.errors import DeviceError, EngineError
from tests import fake_cuda, fake_trt, stand_in
from tests.fake_trt import Orders, Tensor

VERSIONS = ("8.2.1", "8.4.1", "8.5.2", "8.6.1", "10.3.0", "10.13.3.9", "11.4.0.106")
SHAPES = ((1, 3, 8, 10), (4, 3, 8, 10), (4, 3, 8, 10))
PROFILE = {"images": SHAPES, "scale_factor": ((1, 2), (4, 2), (4, 2))}
each_version = pytest.mark.parametrize("version", VERSIONS)


class Place:
    """A folder with a model and the engine that a build would have left beside it."""

    def __init__(self, folder, version="8.6.1", orders=None, gpu=None, content=None, **rest):
        self.folder = folder
        self.onnx = folder / "tiny.onnx"
        self.onnx.write_bytes(b"an ONNX file is not read to run")
        self.engine = folder / "tiny.engine"
        self.cuda = fake_cuda.gpu(gpu)
        self.api = open_api(fake_trt.module(version, orders))
        self.backend = GpuBackend(cuda=self.cuda, api=self.api)
        self.model = stand_in.model(self.onnx, **rest)
        fake_cuda.keep_kernels(folder, self.cuda.gpu.sm)
        made = fake_trt.plan(version, content or stand_in.content(), PROFILE)
        planfile.write(str(self.engine), lambda file: file.write(made), self.sidecar())

    def sidecar(self):
        fingerprint = self.backend.fingerprint(self.model)._replace(
            precision="fp16", profiles=(Profile("images", *SHAPES),)
        )
        return Sidecar(
            fingerprint, self.model, (TensorSpec("images", (-1, 3, 8, 10), "float32"),),
            (TensorSpec("output", (-1, 6, 40), "float32"),), 4, 2, 1024, 1.0, "now",
        )  # fmt: skip

    def load(self, **rest):
        with self.backend.attached():
            return self.backend.load(self.model._replace(**rest))

    def refused(self, *words, kind=NoEngine, **rest):
        """The one line of a refusal to load."""
        with pytest.raises(kind) as raised:
            self.load(**rest)
        message = str(raised.value)
        assert "\n" not in message and all(word in message for word in words), message
        assert raised.value.exit_code in (69, 78)
        return message

    def put_aside(self, *words):
        """That it was, once, and that there is no engine then."""
        self.refused("It was put aside as", "Run: jetwatch build tiny", *words)
        assert not self.engine.exists() and (self.folder / "tiny.engine.bad").exists()
        self.refused("no engine yet. Run: jetwatch build tiny")


@each_version
def test_an_engine_answers_as_the_host_would(tmp_path, version):
    place = Place(tmp_path, version)
    network = place.load()
    assert network.picked and network.inputs == (TensorSpec("images", (-1, 3, 8, 10), "float32"),)
    with place.backend.attached():
        for count in (1, 2, 3, 4, 5):
            images = stand_in.pictures(count, count)
            for _ in range(2):
                made = stand_in.found(place.backend, network, images)
                stand_in.same(made, stand_in.expected(images))
    place.backend.close()
    place.backend.close()
    place.cuda._driver.space.check()
    assert not place.cuda._driver.space.live and not place.cuda._library.ready


@pytest.mark.parametrize("gpu", [fake_cuda.NANO, fake_cuda.XAVIER, fake_cuda.ORIN])
def test_on_each_jetson(tmp_path, gpu):
    place = Place(tmp_path, gpu=gpu)
    with place.backend.attached():
        images = stand_in.pictures(5)
        made = stand_in.found(place.backend, place.load(), images)
        stand_in.same(made, stand_in.expected(images))


def test_without_a_manifest_the_sidecar_says_how(tmp_path):
    place = Place(tmp_path)
    bare = {"input": None, "decoder": None, "outputs": {}, "labels": ()}
    network = place.load(score=0.7, **bare)
    assert network.model.decoder == "yolov8" and network.model.labels == stand_in.LABELS
    assert network.model.score == 0.7 and network.model.path == str(place.onnx)
    with place.backend.attached():
        images = stand_in.pictures(2)
        made = stand_in.found(place.backend, network, images)
        stand_in.same(made, stand_in.expected(images, 0.7))


def test_an_engine_without_its_onnx_runs(tmp_path):
    """A service need not carry both."""
    place = Place(tmp_path)
    place.onnx.unlink()
    assert place.load().picked


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_network_says_what_precision_it_was_built_with(tmp_path, precision):
    place = Place(tmp_path)
    assert place.load().precision == "fp16"
    built = place.sidecar()
    built = built._replace(fingerprint=built.fingerprint._replace(precision=precision))
    content = place.engine.read_bytes()
    planfile.write(str(place.engine), lambda file: file.write(content), built)
    assert place.load().precision == precision


def test_no_engine_is_one_line(tmp_path):
    place = Place(tmp_path)
    place.engine.unlink()
    place.refused("tiny: no engine yet. Run: jetwatch build tiny")


@each_version
def test_a_plan_that_is_cut_short_or_changed_is_put_aside(tmp_path, version):
    for change in ("cut", "changed", "empty"):
        folder = tmp_path / change
        folder.mkdir()
        place = Place(folder, version)
        content = place.engine.read_bytes()
        told = f"has {len(content) // 2} bytes, {len(content)} were written"
        if change == "cut":
            place.engine.write_bytes(content[: len(content) // 2])
        elif change == "empty":
            place.engine.write_bytes(b"")
            told = "has 0 bytes"
        else:
            place.engine.write_bytes(content[:-9] + b"?" * 9)
            told = "its content is not what was written"
        place.put_aside(told)


def test_a_plan_without_its_sidecar_is_put_aside(tmp_path):
    place = Place(tmp_path)
    os.unlink(plan.beside(str(place.engine)))
    place.put_aside("which says what it fits, is not there")


def test_a_sidecar_that_is_none_is_put_aside(tmp_path):
    place = Place(tmp_path)
    with open(plan.beside(str(place.engine)), "w") as file:
        file.write('{"version": 1')
    place.put_aside("is no JSON: cut short or overwritten")


@pytest.mark.parametrize(
    "changed, told",
    [
        ({"gpu": "Orin"}, "GPU Fake 3060 here, Orin in the engine"),
        ({"sm": "8.7"}, "SM 8.6 here, 8.7 in the engine"),
        ({"tensorrt": "8.5.2"}, "TensorRT 8.6.1 here, 8.5.2 in the engine"),
        ({"l4t": "35.4.1"}, "L4T none here, 35.4.1 in the engine"),
        ({"onnx_sha256": "ab" * 32}, "the ONNX file is another than the engine was built from"),
    ],
)
def test_an_engine_of_another_device_or_model_is_put_aside(tmp_path, changed, told):
    place = Place(tmp_path)
    known = place.sidecar()
    if changed.get("l4t") and place.backend.fingerprint().l4t:
        pytest.skip("this is a Jetson")
    known = known._replace(fingerprint=known.fingerprint._replace(**changed))
    content = place.engine.read_bytes()
    planfile.write(str(place.engine), lambda file: file.write(content), known)
    place.put_aside("does not fit", told)


@each_version
def test_a_plan_that_tensorrt_refuses_is_put_aside(tmp_path, version):
    place = Place(tmp_path, version, Orders(no_engine="Magic tag does not match"))
    place.put_aside("refuses the engine: Magic tag does not match")


def test_an_engine_of_other_outputs_than_the_model_s_is_one_line(tmp_path):
    images, other = Tensor("images", (-1, 3, 8, 10)), Tensor("output", (-1, 240))
    place = Place(tmp_path, content=fake_trt.model([images], [other]))
    place.refused("decoder yolov8 cannot read", kind=EngineError)


@pytest.mark.parametrize("changed", [{"size_wh": (64, 48)}, {"mean": (1.0, 2.0, 3.0)}])
def test_an_engine_is_of_the_input_that_the_manifest_had(tmp_path, changed):
    """INT8's ranges, and what the gate has measured, are of pictures prepared in the old way."""
    place = Place(tmp_path)
    spec = place.model.input._replace(**changed)
    place.refused("the manifest's input is another than the engine was built for", input=spec)


def test_a_plugin_that_is_not_there_or_no_library_is_one_line(tmp_path):
    path = tmp_path / "own.so"
    path.write_bytes(b"no library")
    place = Place(tmp_path, plugins=(str(path),))
    place.refused(f"the plugin {path} does not load", "Check the manifest's", kind=EngineError)
    path.unlink()
    place.refused(f"{path}: cannot be read: No such file", kind=EngineError)
    assert place.engine.exists(), "the engine is not to blame"


def test_an_engine_built_without_the_plugin_is_put_aside(tmp_path):
    place = Place(tmp_path)
    path = tmp_path / "own.so"
    path.write_bytes(b"no library")
    place.refused("the plugins are others than the engine was built with", plugins=(str(path),))


@pytest.mark.parametrize("orders", [Orders(no_engine="OutOfMemory"), Orders(no_context="none")])
def test_an_engine_that_finds_no_memory_is_left_where_it_is(tmp_path, orders):
    place = Place(tmp_path, orders=orders)
    place.refused("tiny.engine: no memory to r", "Stop what else takes memory", kind=DeviceError)
    assert place.engine.exists()


def test_no_memory_for_the_scratch_is_one_line(tmp_path):
    place = Place(tmp_path)
    place.cuda._driver.left = 0
    place.refused("1024 bytes of GPU memory cannot be had", kind=DeviceError)


def test_two_inputs_and_a_size_are_fed(tmp_path):
    """As PaddleDetection's models want it."""
    images, size = Tensor("images", (-1, 3, 8, 10)), Tensor("scale_factor", (-1, 2))
    outputs = [Tensor("output", (-1, 6, 40)), Tensor("told", (-1, 2))]
    content = fake_trt.model([images, size], outputs)
    place = Place(tmp_path, content=content)
    network = place.load(decoder=None, labels=())
    pictures = stand_in.pictures(3)
    with place.backend.attached():
        tensor = place.backend.prepare(network, pictures, stand_in.windows(pictures))
        made = place.backend.infer(network, tensor)
    assert made["told"].tolist() == [[1, 1]] * 3
    np.testing.assert_allclose(made["output"], stand_in.whole(pictures), atol=1e-6)


def test_a_driver_without_graphs_runs_as_well(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        place = Place(tmp_path)
        place.cuda._library.refuse.add("cuStreamBeginCapture_v2")
        network = place.load()
        with place.backend.attached():
            for seed in (1, 2):
                images = stand_in.pictures(2, seed)
                made = stand_in.found(place.backend, network, images)
                stand_in.same(made, stand_in.expected(images))
    assert len([text for text in caplog.messages if "no CUDA graphs" in text]) == 1


def test_the_network_alone_and_what_runs_it(tmp_path):
    place = Place(tmp_path)
    network = place.load()
    assert place.backend.runtime == "TensorRT 8.6.1"
    with place.backend.attached():
        run = place.backend.raw(network, 3)
        images = stand_in.pictures(3)
        for _ in range(3):
            run()
            stand_in.same(stand_in.found(place.backend, network, images), stand_in.expected(images))


def test_the_cpu_places_and_each_frame_is_started_step_by_step_where_that_is_asked_for(tmp_path):
    place = Place(tmp_path)
    kernels.place("letterbox", place.cuda.gpu.sm, str(tmp_path)).unlink()  # it is not needed
    place.backend = GpuBackend((), False, place.cuda, place.api, BY_CPU)
    network = place.load()
    with place.backend.attached():
        for count in (1, 3, 5):
            images = stand_in.pictures(count, count)
            there = [place.backend.picture(image.shape) for image in images]
            for target, image in zip(there, images):
                target[...] = image
            made = stand_in.found(place.backend, network, there)
            stand_in.same(made, stand_in.expected(images))
    assert not place.cuda._library.made, "a graph was captured"
    assert all(place.cuda._driver.space.block(one.ctypes.data) is None for one in there)
