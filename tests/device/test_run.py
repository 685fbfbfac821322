"""Engines on the device: the same answers as the host's, by every way there is to run them."""

import threading

import numpy as np
import pytest

from app.device import answers
from app.device.cuda import Cuda
from app.device.engine import Engine
from app.device.host import HostBackend
from app.vision.agree import agreement
from tests.device import engines

# TensorRT 8.6 calls the bindings of 8.2 deprecated, 10.12 its calibrators.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def found(backend, network, images):
    tensor = backend.prepare(network, images, engines.windows(images))
    return answers.found(network, backend.infer(network, tensor))


def by_host(onnx, images, **rest):
    backend = HostBackend(threads=1)
    return found(backend, backend.load(engines.model(onnx, **rest)), images)


def agree(made, expected, slack=0.01):
    """
    Each sure box of one has its like in the other, as close as TF32 leaves it; where two classes
    score within a thousandth, it may turn them: seen for 1 box of 1326.
    """
    both = agreement(expected, made, min_score=0.5 + slack, slack=slack)
    assert both.reference_boxes > 5, "nothing to compare"
    assert both.share >= 0.998, both
    assert both.mean_score_difference < slack


@pytest.mark.parametrize("count", [1, 2, 4, 5, 33])
def test_candidates_of_any_batch_as_the_hosts(api, cuda, kernel_folder, onnx, content, count):
    backend, network = engines.backend(cuda, api, content, kernel_folder, onnx)
    images = engines.pictures(count)
    assert network.picked
    agree(found(backend, network, images), by_host(onnx, images))
    agree(found(backend, network, images), by_host(onnx, images))  # now by the captured graph


@pytest.mark.parametrize("graphs", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_both_execution_apis_with_and_without_graphs(
    api, cuda, kernel_folder, onnx, content, named, graphs
):
    if named and not api.has.named_tensors:
        pytest.skip("this TensorRT has no named tensors")
    if not named and not hasattr(api.module.ICudaEngine, "num_bindings"):
        pytest.skip("this TensorRT has no bindings")
    chosen = api._replace(has=api.has._replace(named_tensors=named))
    backend, network = engines.backend(cuda, chosen, content, kernel_folder, onnx, graphs)
    for seed in range(4):
        images = engines.pictures(3, seed=seed)
        agree(found(backend, network, images), by_host(onnx, images))
    if graphs:
        assert backend._lane.graphs is not None, "graphs were given up"


def test_graph_replay_gives_the_very_numbers_of_a_plain_run(
    api, cuda, kernel_folder, onnx, content
):
    results = []
    for graphs in (True, False):
        backend, network = engines.backend(cuda, api, content, kernel_folder, onnx, graphs)
        images = engines.pictures(2)
        for _ in range(3):
            tensor = backend.prepare(network, images, engines.windows(images))
            answer = backend.infer(network, tensor)
        results.append(answer)
    for name in results[0]:
        np.testing.assert_array_equal(results[0][name], results[1][name])


def test_whole_outputs_where_no_decoder_picks(api, cuda, kernel_folder, onnx, content):
    backend, network = engines.backend(cuda, api, content, kernel_folder, onnx, decoder=None)
    host = HostBackend(threads=1)
    reference = host.load(engines.model(onnx, decoder=None))
    images = engines.pictures(6)
    for _ in range(2):
        (made,) = backend.infer(
            network, backend.prepare(network, images, engines.windows(images))
        ).values()
        (wanted,) = host.infer(
            reference, host.prepare(reference, images, engines.windows(images))
        ).values()
        assert made.shape == wanted.shape
        np.testing.assert_allclose(made, wanted, atol=0.15)


def test_nothing_is_allocated_while_frames_flow_on_two_threads(
    api, cuda, kernel_folder, onnx, content
):
    backend, network = engines.backend(cuda, api, content, kernel_folder, onnx)
    images, expected = engines.pictures(2), by_host(onnx, engines.pictures(2))
    counts, problems = [], []
    begun = threading.Barrier(2)

    def work():
        try:
            with backend.attached():
                agree(found(backend, network, images), expected)
                begun.wait(60)
                counts.append(cuda.allocations)
                begun.wait(60)
                for _ in range(100):
                    agree(found(backend, network, images), expected)
        except Exception as error:
            problems.append(error)
            begun.abort()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems
    assert counts == [cuda.allocations] * 2


def test_engines_share_one_scratch_block(api, cuda, kernel_folder, onnx, content):
    backend, network = engines.backend(cuda, api, content, kernel_folder, onnx)
    alone = backend._lane.scratch[1]
    other = engines.plan(api, onnx, batch=16)
    larger = Engine(api, other, "larger")
    second = backend.adopt(larger, engines.model(onnx), kernel_folder)
    assert backend._lane.scratch[1] == max(alone, larger.size)
    images = engines.pictures(3)
    for one in (network, second, network, second):
        agree(found(backend, one, images), by_host(onnx, images))


def test_one_picture_in_several_rows_is_brought_once(api, cuda, kernel_folder, onnx, content):
    backend, network = engines.backend(cuda, api, content, kernel_folder, onnx)
    (image,) = engines.pictures(1)
    corners = np.array([[0, 0, 160, 90], [20, 10, 120, 80], [0, 0, 60, 60]], np.float32)
    host = HostBackend(threads=1)
    reference = host.load(engines.model(onnx))
    made = answers.found(
        network, backend.infer(network, backend.prepare(network, [image] * 3, corners))
    )
    wanted = answers.found(
        reference, host.infer(reference, host.prepare(reference, [image] * 3, corners))
    )
    agree(made, wanted)


def test_pictures_where_the_gpu_reads_them_give_the_same(api, cuda, kernel_folder, onnx, content):
    """And their blocks are used again: no reader takes more than it holds."""
    backend, network = engines.backend(cuda, api, content, kernel_folder, onnx)
    before = None
    for seed in range(20):
        images = engines.pictures(3, seed=seed)
        there = [backend.picture(image.shape) for image in images]
        for place, image in zip(there, images):
            place[...] = image
        for made, wanted in zip(found(backend, network, there), found(backend, network, images)):
            assert all(np.array_equal(*columns) for columns in zip(made, wanted))
        del there, place
        before = cuda.allocations if seed == 2 else before
    assert cuda.allocations == before


def test_a_backend_opens_and_closes_again_and_again(onnx, content, api, kernel_folder, tmp_path):
    """As a service does that reads its config again; pictures of one outlive it."""
    kept = []
    for seed in range(5):
        own = Cuda()
        with own.attached():
            backend, network = engines.backend(own, api, content, kernel_folder, onnx)
            (image,) = engines.pictures(1, seed=seed)
            place = backend.picture(image.shape)
            place[...] = image
            agree(found(backend, network, [place]), by_host(onnx, [image]))
            kept.append((place, image))
        backend.close()
    assert all(np.array_equal(*one) for one in kept)


def test_a_network_comes_and_goes_while_another_runs(api, kernel_folder, onnx, content):
    """As when a config is read again: no graph is given up, and no memory is left behind."""
    cuda, stop, answered, failed = Cuda(), threading.Event(), [], []
    at_work = threading.Barrier(3, timeout=60)
    with cuda.attached():
        backend, network = engines.backend(cuda, api, content, kernel_folder, onnx)
        images = engines.pictures(3)
        expected = by_host(onnx, images)

        def run():
            try:
                with backend.attached():
                    found(backend, network, images)
                    at_work.wait()
                    while not stop.is_set():
                        agree(found(backend, network, images), expected)
                        answered.append(None)
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            at_work.wait()
            held = []
            for _ in range(8):
                other = backend.adopt(
                    Engine(api, content, "tiny"), engines.model(onnx), kernel_folder
                )
                agree(found(backend, other, images), expected)
                backend.unload(other)
                held.append(cuda.held())
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert not failed and len(answered) > 8
        assert len(set(held)) == 1, held
        assert backend._lane.graphs is not None, "graphs were given up"
        backend.close()
        assert cuda.held() == 0
