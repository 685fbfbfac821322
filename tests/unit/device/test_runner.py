"""test_runner: pictures in, answers out, in buffers that stay, on each kind of GPU and TensorRT."""

import threading

import numpy as np
import pytest

from app.device.backend import Network, TensorSpec
from app.device.engine import Engine
from app.device.lane import Lane
from app.device.placer import Placer
from app.device.placing import ByCpu, ByKernel
from app.device.runner import Runner
from app.device.trt import open_api
from app.errors import DeviceError, EngineError
from app.vision import decode
from tests import fake_cuda, fake_trt, stand_in
from tests.fake_graphs import Library
from tests.fake_trt import Orders

VERSIONS = ("8.2.1", "8.4.1", "8.5.2", "8.6.1", "10.3.0", "10.13.3.9", "11.4.0.106")
KINDS = {
    "discrete": fake_cuda.Orders(), "nano": fake_cuda.NANO, "xavier": fake_cuda.XAVIER,
    "orin": fake_cuda.ORIN,
}  # fmt: skip
each_version = pytest.mark.parametrize("version", VERSIONS)
each_kind = pytest.mark.parametrize("kind", sorted(KINDS))


def runner(cuda, version="8.6.1", picks=True, batch=4, orders=None, lane=None, by_cpu=False):
    """A runner as backend and network, as stand_in.found wants them."""
    shapes = (1, 3, 8, 10), (batch, 3, 8, 10)
    plan = fake_trt.plan(
        version, stand_in.content(), {"images": (shapes[0], shapes[1], shapes[1])}, memory=3000
    )
    engine = Engine(open_api(fake_trt.module(version, orders)), plan, "tiny.engine")
    placing = ByCpu(cuda, stand_in.SPEC, "float32")
    if not by_cpu:
        code = fake_cuda.code("letterbox")
        placing = ByKernel(cuda, Placer(cuda, code, stand_in.SPEC, "float32"))
    made = Runner(lane or Lane(cuda), engine, placing, batch)
    outputs = (TensorSpec("output", (-1, 6, 40), "float32"),)
    if picks:
        head = decode.Head("yolov8", {}, stand_in.SPEC.size_wh, 0.5, 0.9)
        plan = decode.plan(head, {"output": (-1, 6, 40)})
        made.pick(fake_cuda.code("pick"), plan, {"output": "output"}, 0.5)
    model = stand_in.model("tiny.onnx")
    return _Only(made), Network(model, stand_in.SPEC, (), outputs, handle=made, picked=picks)


class _Only:
    """A backend of one runner."""

    def __init__(self, one):
        self.runner = one

    def prepare(self, network, images, windows):
        return self.runner.prepare(images, windows)

    def infer(self, network, tensor):
        return self.runner.infer(tensor)


@each_version
@pytest.mark.parametrize("batch", [1, 4])
def test_any_number_of_pictures_is_answered(cuda, version, batch):
    """Also in parts, each of which starts at an address that TensorRT takes."""
    backend, network = runner(cuda, version, batch=batch)
    for count in (1, 2, 3, 4, 5, 33, 1):
        images = stand_in.pictures(count, seed=count)
        for _ in range(3):  # at once, captured, and replayed
            stand_in.same(stand_in.found(backend, network, images), stand_in.expected(images))


@each_kind
@pytest.mark.parametrize("picks", [True, False])
def test_each_kind_of_gpu_answers_alike(kind, picks):
    cuda = fake_cuda.gpu(KINDS[kind])
    with cuda.attached():
        backend, network = runner(cuda, picks=picks)
        for seed in (1, 2, 3, 4):
            images = stand_in.pictures(5, seed)
            stand_in.same(stand_in.found(backend, network, images), stand_in.expected(images))
        backend.runner.close()
        cuda.close()
    cuda._driver.space.check()


def test_whole_outputs_are_the_callers_to_keep(cuda):
    backend, network = runner(cuda, picks=False)
    kept = []
    for seed in (1, 2, 3):
        images = stand_in.pictures(6, seed)
        tensor = backend.prepare(network, images, stand_in.windows(images))
        kept.append((backend.infer(network, tensor)["output"], stand_in.whole(images)))
    for made, wanted in kept:
        assert made.shape == (6, 6, 40)
        np.testing.assert_allclose(made, wanted, atol=1e-6)


def test_a_graph_is_replayed_until_the_shape_changes(cuda):
    """A graph is of the context as it was, and another shape changes the context."""
    backend, network = runner(cuda)
    library = cuda._library
    for count in (1, 1, 2, 3, 1, 2):  # from the first batch on, all are filled up to one shape
        images = stand_in.pictures(count, seed=count)
        stand_in.same(stand_in.found(backend, network, images), stand_in.expected(images))
    made = [name for name in library.made if name in ("cuGraphLaunch", "cuStreamEndCapture")]
    capture, launch = "cuStreamEndCapture", "cuGraphLaunch"
    assert made == [capture, launch, capture, launch, launch, launch]
    assert len(library.ready) == 1 and not library.graphs
    backend.runner.close()
    assert not library.ready


def test_after_many_single_pictures_the_engine_runs_them_alone(cuda):
    backend, network = runner(cuda)
    stand_in.found(backend, network, stand_in.pictures(2))
    shapes = []
    for _ in range(70):
        stand_in.found(backend, network, stand_in.pictures(1))
        shapes.append(backend.runner._rows)
    assert shapes == [backend.runner.batch] * 64 + [1] * 6


def test_without_graphs_the_answers_are_the_same(caplog):
    cuda = fake_cuda.gpu(library=Library(()))
    with cuda.attached():
        backend, network = runner(cuda)
        for seed in (1, 2, 3):
            images = stand_in.pictures(3, seed)
            stand_in.same(stand_in.found(backend, network, images), stand_in.expected(images))


@each_kind
def test_nothing_is_allocated_once_the_frames_are_known(kind):
    cuda = fake_cuda.gpu(KINDS[kind])
    with cuda.attached():
        backend, network = runner(cuda)
        stand_in.found(backend, network, stand_in.pictures(4))
        before = cuda.allocations
        for count in (4, 1, 3, 2, 4):
            stand_in.found(backend, network, stand_in.pictures(count))
        assert cuda.allocations == before


def test_larger_pictures_get_larger_buffers_and_new_graphs(cuda):
    """A graph of before would read memory that is freed, which the stand-in finds out."""
    backend, network = runner(cuda)
    for size_wh in ((10, 8), (20, 16), (10, 8), (200, 160)):
        for count in (2, 9, 2):
            images = stand_in.pictures(count, 7, size_wh)
            for _ in range(3):
                made = stand_in.found(backend, network, images)
            if size_wh == (10, 8):
                stand_in.same(made, stand_in.expected(images))
    cuda._driver.space.check()
    assert len(cuda._library.ready) <= 4, "those of before are destroyed"


def test_one_picture_in_several_rows_is_brought_once(cuda):
    backend, network = runner(cuda)
    (image,) = stand_in.pictures(1, 3, (40, 32))
    corners = np.array([[0, 0, 40, 32], [5, 5, 15, 13], [10, 9, 20, 17]], np.float32)
    backend.infer(network, backend.prepare(network, [image] * 3, corners))
    before = cuda._driver.copied.count("htod")
    made = backend.infer(network, backend.prepare(network, [image] * 3, corners))
    assert cuda._driver.copied.count("htod") == before + 1
    crops = [image[5:13, 5:15], image[9:17, 10:20]]
    for row, wanted in enumerate(stand_in.expected(crops)):
        assert made["count"][1 + row] >= len(wanted.score) > 5


def test_a_part_of_a_picture_that_is_not_contiguous_is_taken(cuda):
    backend, network = runner(cuda)
    (large,) = stand_in.pictures(1, 4, (20, 16))
    made = stand_in.found(backend, network, [large[::2, ::2]])
    stand_in.same(made, stand_in.expected([np.ascontiguousarray(large[::2, ::2])]))


def test_two_threads_have_buffers_of_their_own(cuda):
    backend, network = runner(cuda)
    first, second = stand_in.pictures(2, 5), stand_in.pictures(2, 6)
    ours = backend.prepare(network, first, stand_in.windows(first))
    problems = []

    def work():
        try:
            with cuda.attached():
                for _ in range(4):
                    made = stand_in.found(backend, network, second)
                    stand_in.same(made, stand_in.expected(second))
        except Exception as error:
            problems.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not problems
    made = backend.infer(network, ours)
    assert made["count"].tolist() == [len(one) for one in _kept(first)]


def _kept(images):
    """Of each picture, the cells whose best score will do."""
    return [np.flatnonzero(one[4:].max(axis=0) >= 0.5) for one in stand_in.whole(images)]


def test_a_thread_that_is_not_attached_is_told(cuda):
    backend, network = runner(cuda)
    problems = []

    def work():
        try:
            stand_in.found(backend, network, stand_in.pictures(1))
        except Exception as error:
            problems.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "invalid device context" in problems[0]


def test_a_run_that_fails_is_one_line(cuda):
    backend, network = runner(cuda, orders=Orders(no_run="Cask error"))
    with pytest.raises(EngineError, match="tiny.engine: TensorRT does not run: Cask error"):
        stand_in.found(backend, network, stand_in.pictures(1))


def test_memory_that_runs_out_for_larger_pictures_is_one_line(cuda):
    backend, network = runner(cuda)
    images = stand_in.pictures(1)
    stand_in.found(backend, network, images)
    cuda._driver.left = 0
    with pytest.raises(DeviceError, match="bytes of GPU memory cannot be had"):
        stand_in.found(backend, network, stand_in.pictures(1, 1, (100, 80)))
    cuda._driver.left = None
    stand_in.same(stand_in.found(backend, network, images), stand_in.expected(images))


def test_a_thread_takes_over_what_an_ended_one_has_left(cuda):
    """Each pipeline has new threads; a config that is read again must not cost memory."""
    backend, network = runner(cuda)
    images = stand_in.pictures(1)

    def work():
        with cuda.attached():
            stand_in.same(stand_in.found(backend, network, images), stand_in.expected(images))

    allocations = []
    for _ in range(3):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        allocations.append(cuda.allocations)
    assert len(set(allocations)) == 1
