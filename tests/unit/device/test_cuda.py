"""test_cuda: one GPU of each kind: its memory, its threads, and what it says when it fails."""

import threading

import numpy as np
import pytest

from app.device.cuda import Cuda
from app.errors import DeviceError
from tests import fake_cuda
from tests.fake_cuda import NANO, ORIN, XAVIER, Orders
from tests.fake_device import Fault

DISCRETE = Orders()
each_kind = pytest.mark.parametrize(
    "orders", [DISCRETE, NANO, XAVIER, ORIN], ids=["discrete", "nano", "xavier", "orin"]
)


@each_kind
def test_it_says_what_it_is(orders):
    gpu = fake_cuda.gpu(orders).gpu
    assert (gpu.name, gpu.sm, gpu.integrated) == orders[:3]
    assert gpu.sm_count == 2 and gpu.memory == orders.memory
    assert gpu.cuda in ("11.4", "10.2", "12.6")


@each_kind
def test_a_picture_lands_and_an_answer_comes_back(orders):
    cuda = fake_cuda.gpu(orders)
    picture = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    with cuda.attached():
        stream, memory, back = cuda.stream(), cuda.landing(256), cuda.shared(64)
        cuda.put(picture, memory, 64, stream)
        stream.synchronize()
        on_device = np.zeros(60, np.uint8)
        cuda.fetch(memory.address + 64, on_device)
        np.testing.assert_array_equal(on_device, picture.ravel())
        cuda.store(back.address + 32, np.arange(9, dtype=np.uint8))
        cuda.download(back, 32, 9, stream)
        stream.synchronize()
        assert back.host[32:41].tolist() == list(range(9))
        cuda.close()
    cuda._driver.space.check()


@pytest.mark.parametrize(
    "orders, copies",
    [(DISCRETE, ["htod", "dtoh"]), (NANO, ["htod", "dtoh"]), (XAVIER, []), (ORIN, [])],
)
def test_nothing_is_copied_where_both_reach_the_same_memory(orders, copies):
    cuda = fake_cuda.gpu(orders)
    with cuda.attached():
        cuda.put(np.zeros(100, np.uint8), cuda.landing(100), 0, cuda.stream())
        cuda.download(cuda.shared(100), 0, 100, cuda.stream())
    assert cuda._driver.copied == copies


@each_kind
def test_what_comes_back_is_pinned(orders):
    """Else the copy would wait for the engine with the lane's turn in hand."""
    cuda = fake_cuda.gpu(orders)
    with cuda.attached():
        memory = cuda.shared(100)
    assert cuda._driver.space.block(memory.host.ctypes.data) is not None


def test_a_picture_beyond_its_block_is_found_out(cuda):
    memory = cuda.allocate(100)
    with pytest.raises(Fault, match="101 bytes at .* reach over"):
        cuda.store(memory.address, np.zeros(101, np.uint8))
    with pytest.raises(Fault, match="reach over"):
        cuda.fetch(memory.address + 60, np.zeros(41, np.uint8))


def test_memory_that_was_freed_is_found_out(cuda):
    memory = cuda.allocate(100)
    cuda.release(memory)
    with pytest.raises(Fault, match="used after it was freed"):
        cuda.store(memory.address, np.zeros(9, np.uint8))


def test_a_thread_that_is_not_attached_is_refused(cuda):
    problems = []

    def work(*attached):
        try:
            for one in attached:
                one.__enter__()
            cuda.allocate(9)
        except Exception as error:
            problems.append(str(error))
        finally:
            for one in attached:
                one.__exit__(None, None, None)

    for attached in ((), (cuda.attached(), cuda.attached())):
        thread = threading.Thread(target=work, args=attached)
        thread.start()
        thread.join()
    (problem,) = problems
    assert problem.startswith("9 bytes of GPU memory cannot be had: failed: invalid device context")


@each_kind
def test_memory_that_cannot_be_had_is_one_line(orders):
    cuda = fake_cuda.gpu(orders)
    with cuda.attached():
        for take in (cuda.allocate, cuda.shared):
            with pytest.raises(DeviceError, match="^9 bytes of .* cannot be had: .*out of memory"):
                cuda._driver.left = 0
                take(9)
            assert cuda.allocations == 0
        cuda._driver.left = None
        before = cuda.free_memory()
        cuda.allocate(1 << 20)
        assert cuda.free_memory() == before - (1 << 20)
        cuda.close()
        cuda.close()
        assert cuda.free_memory() == before


def test_no_gpu_is_one_line():
    with pytest.raises(DeviceError, match="no usable NVIDIA GPU: cuInit failed.*nvidia-smi"):
        fake_cuda.gpu(Orders(absent=True))


def test_no_pycuda_is_one_line():
    try:
        import pycuda.driver  # noqa: F401
    except ImportError:
        with pytest.raises(DeviceError, match="pycuda does not load.*take --backend host"):
            Cuda()
    else:
        pytest.skip("pycuda is here")


def test_a_kernel_that_is_not_in_the_code_is_one_line(cuda):
    with pytest.raises(DeviceError, match="the kernel blur does not fit.*named symbol not found"):
        cuda.kernel(fake_cuda.code("pick"), "blur", "P")


@each_kind
def test_waiting_takes_no_core_from_the_other_lanes(orders):
    """On an integrated GPU; elsewhere the loop answers sooner."""
    cuda = fake_cuda.gpu(orders)
    with cuda.attached():
        assert bool(cuda.event().flags & 1) == orders.integrated
        assert cuda.event().flags & 2 and not cuda.event(timed=True).flags & 2
