"""test_pinned: pictures in memory that the GPU reaches, lent until the last array is gone."""

import gc
import threading

import numpy as np
import pytest

from app.device import pinned
from app.device.pinned import Pinned, address_of
from tests import stand_in
from tests.fake_cuda import NANO, ORIN, XAVIER, Orders, gpu
from tests.unit.device.test_runner import runner

SHAPE = (6, 8, 3)


def lender(orders):
    cuda = gpu(orders)
    return cuda, Pinned(cuda, threading.Lock())


@pytest.mark.parametrize("orders", [Orders(), XAVIER, ORIN], ids=lambda one: one.name)
def test_a_block_is_used_again_once_no_array_is_on_it(orders):
    cuda, lent = lender(orders)
    first = lent.picture(SHAPE)
    assert (first.shape, first.dtype, first.flags.c_contiguous) == (SHAPE, np.uint8, True)
    first[...] = 7
    view = first[2:, ::2]
    place = first.__array_interface__["data"][0]
    del first
    gc.collect()
    other = lent.picture(SHAPE)
    assert other.__array_interface__["data"][0] != place, "a view is still on it"
    assert (view == 7).all()
    del view, other
    gc.collect()
    for _ in range(9):
        both = [lent.picture(SHAPE), lent.picture(SHAPE)]
        assert place in [one.__array_interface__["data"][0] for one in both]
        del both
    assert cuda.allocations == 2


def test_only_where_the_gpu_reads_the_cache_it_needs_no_copy():
    for orders, found in ((Orders(), False), (XAVIER, True), (ORIN, True)):
        cuda, lent = lender(orders)
        image = lent.picture(SHAPE)
        assert (address_of(image) is not None) == found
        assert address_of(image[1:]) is None and address_of(np.zeros(SHAPE, np.uint8)) is None
        assert cuda.held() == (image.nbytes if found else 0)


def test_a_nano_draws_on_ordinary_memory():
    cuda, lent = lender(NANO)
    for _ in range(3):
        assert lent.picture(SHAPE).base is None
    assert cuda.allocations == 0


def test_memory_is_bounded_and_its_lack_no_error(monkeypatch):
    monkeypatch.setattr(pinned, "_MOST", 1000)
    cuda, lent = lender(ORIN)
    kept = [lent.picture(SHAPE) for _ in range(20)]
    assert cuda.allocations == 1000 // kept[0].nbytes
    assert [address_of(one) is not None for one in kept] == [True] * 6 + [False] * 14
    cuda, lent = lender(ORIN)
    cuda._driver.left = 0
    assert lent.picture(SHAPE).shape == SHAPE


def test_a_picture_outlives_the_backend():
    cuda, lent = lender(ORIN)
    image, dropped = lent.picture(SHAPE), lent.picture(SHAPE)
    image[...] = 9
    del dropped
    lent.close()
    with cuda.attached():
        cuda.close()
    gc.collect()
    assert (image == 9).all()
    late = lent.picture(SHAPE)  # of a reader that was left behind
    late[...] = 7
    assert (image == 9).all() and address_of(late) is None


def test_many_threads_never_share_a_block():
    _, lent = lender(Orders())
    clashes = []

    def work(mark):
        for _ in range(300):
            image = lent.picture(SHAPE)
            image[...] = mark
            if not (image == mark).all():
                clashes.append(mark)

    threads = [threading.Thread(target=work, args=(mark,)) for mark in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not clashes


@pytest.mark.parametrize("orders", [Orders(), NANO, XAVIER, ORIN], ids=lambda one: one.name)
def test_the_answers_are_the_same_with_fewer_copies(orders):
    cuda, lent = lender(orders)
    with cuda.attached():
        backend, network = runner(cuda)
        for seed in range(4):
            images = stand_in.pictures(3, seed)
            wanted = stand_in.expected(images)
            there = [lent.picture(image.shape) for image in images[:2]]
            for place, image in zip(there, images):
                place[...] = image
            before = cuda._driver.copied.count("htod")
            stand_in.same(stand_in.found(backend, network, there + images[2:]), wanted)
            brought = cuda._driver.copied.count("htod") - before
        assert brought == {"Xavier": 0, "Orin": 0}.get(orders.name, 3), "the last is ordinary"
