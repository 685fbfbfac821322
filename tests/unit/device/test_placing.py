"""Pictures placed by the CPU for the GPU: in which memory, and by how many copies."""

import numpy as np
import pytest

from app.device.backend import InputSpec, Placement
from app.device.lane import Lane
from app.device.placing import ByCpu, Part
from app.device.slot import Slot
from tests import fake_cuda, stand_in
from tests.by_kernel import placed_by_host
from tests.unit.device.test_runner import KINDS, each_kind, each_version, runner


def placed(cuda, spec, dtype, images, windows, batch=4):
    """The input as it lies on the device, part by part, and the slot."""
    placing = ByCpu(cuda, spec, dtype)
    slot = Slot(Lane(cuda))
    size = -(-batch * placing.row_bytes // 256) * 256
    starts = range(0, len(images), batch)
    parts = [Part(slice(one, one + batch), number * size) for number, one in enumerate(starts)]
    slot.room(len(parts) * size)
    placing.fill(slot, images, windows, parts)
    made = []
    for rows, first in parts:
        count = len(images[rows])
        array = np.zeros((count, placing.row_bytes // np.dtype(dtype).itemsize), dtype)
        cuda.fetch(slot.input.address + first, array)
        made.append(array)
    return np.concatenate(made), slot


@each_version
@pytest.mark.parametrize("batch", [1, 4])
def test_any_number_of_pictures_is_answered(cuda, version, batch):
    backend, network = runner(cuda, version, batch=batch, by_cpu=True)
    for count in (1, 2, 3, 4, 5, 33, 1):
        images = stand_in.pictures(count, seed=count)
        for _ in range(3):
            stand_in.same(stand_in.found(backend, network, images), stand_in.expected(images))


@each_kind
def test_on_each_kind_of_gpu_and_nothing_is_allocated_once_it_is_warm(kind):
    cuda = fake_cuda.gpu(KINDS[kind])
    with cuda.attached():
        backend, network = runner(cuda, by_cpu=True)
        before = None
        for seed in range(6):
            images = stand_in.pictures(4 if seed < 2 else seed % 4 + 1, seed)
            stand_in.same(stand_in.found(backend, network, images), stand_in.expected(images))
            before = cuda.allocations if seed == 1 else before
        assert cuda.allocations == before
        backend.runner.close()
        cuda.close()
    cuda._driver.space.check()


@each_kind
def test_it_is_placed_in_pinned_memory_where_that_is_cached(kind):
    """A Nano's is not, and to write to it pixel by pixel would take for ever."""
    cuda = fake_cuda.gpu(KINDS[kind])
    with cuda.attached():
        images = stand_in.pictures(3)
        _, slot = placed(cuda, stand_in.SPEC, "float32", images, stand_in.windows(images))
        lies = cuda._driver.space.block(slot.canvas.batch(3).ctypes.data)
        assert (slot.drawn is None) == (lies is None) == (kind == "nano")
        cuda.close()


def test_one_copy_a_run_however_many_pictures_and_windows(cuda):
    backend, network = runner(cuda, by_cpu=True)
    (image,) = stand_in.pictures(1, 3, (40, 32))
    corners = np.array([[0, 0, 40, 32], [5, 5, 15, 13], [10, 9, 20, 17]], np.float32)
    backend.infer(network, backend.prepare(network, [image] * 3, corners))
    for count, copies in ((1, 1), (3, 1), (9, 3)):
        before = cuda._driver.copied.count("htod")
        windows = np.tile(corners, (3, 1))[:count]
        backend.infer(network, backend.prepare(network, [image] * count, windows))
        assert cuda._driver.copied.count("htod") == before + copies


@pytest.mark.parametrize("form", [(24, 32, 3), (24, 32, 4), (36, 32)])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_windows_of_each_form_as_the_host_places_them(cuda, form, layout, dtype):
    random = np.random.RandomState(4)
    spec = InputSpec((9, 7), layout, placement=Placement.LETTERBOX, std=(1.0, 1.0, 1.0))
    images = [random.randint(0, 256, form).astype(np.uint8) for _ in range(6)]
    corners = random.uniform(-4, 28, (6, 2, 2))
    windows = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)
    made, _ = placed(cuda, spec, dtype, images, windows)
    wanted = placed_by_host(spec, images, windows).reshape(6, -1)
    if dtype == "uint8":
        wanted = np.rint(wanted).clip(0, 255)
    np.testing.assert_allclose(made.astype(np.float32), wanted, atol=0.13 * (dtype == "float16"))


def test_memory_that_runs_out_is_done_without(cuda):
    """Then the driver copies from ordinary memory."""
    placing = ByCpu(cuda, stand_in.SPEC, "float32")
    slot = Slot(Lane(cuda))
    images = stand_in.pictures(2)
    slot.room(2 * placing.row_bytes)
    cuda._driver.left = 0
    placing.fill(slot, images, stand_in.windows(images), [Part(slice(0, 2), 0)])
    assert slot.drawn is None
    made = np.zeros((2, 6, 40), np.float32)
    cuda.fetch(slot.input.address, made)
    np.testing.assert_allclose(made, stand_in.whole(images))
