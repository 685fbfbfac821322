"""The network alone, as a floor for what we add: what it does, and that it disturbs nothing."""

import numpy as np
import pytest

from tests import fake_cuda, stand_in
from tests.fake_graphs import Library
from tests.unit.device.test_runner import each_kind, each_version, runner

KINDS = {"discrete": fake_cuda.Orders(), "nano": fake_cuda.NANO, "orin": fake_cuda.ORIN}


def output(cuda, one, rows):
    """What lies in the engine's output."""
    made = np.zeros((rows, 6, 40), np.float32)
    cuda.fetch(one._common["output"].address, made)
    return made


def spoil(cuda, one, rows):
    cuda.store(one._common["output"].address, np.full((rows, 6, 40), 7, np.float32))


@each_version
@pytest.mark.parametrize("count", [1, 3, 4])
def test_it_runs_the_network_on_what_was_placed_last(cuda, version, count):
    backend, network = runner(cuda, version)
    images = stand_in.pictures(count)
    stand_in.found(backend, network, images)
    run = backend.runner.raw(count)
    for _ in range(3):  # at once, captured, and replayed
        spoil(cuda, backend.runner, count)
        run()
        np.testing.assert_allclose(output(cuda, backend.runner, count), stand_in.whole(images))


def test_nothing_is_copied_picked_or_allocated(cuda):
    backend, network = runner(cuda)
    stand_in.found(backend, network, stand_in.pictures(2))
    run = backend.runner.raw(2)
    run()
    copied, allocations = list(cuda._driver.copied), cuda.allocations
    cuda._driver.fault = "a kernel was launched"
    for _ in range(3):
        run()
    assert cuda._driver.copied == copied and cuda.allocations == allocations


def test_it_is_one_launch_of_a_graph_once_it_is_warm(cuda):
    backend, network = runner(cuda)
    stand_in.found(backend, network, stand_in.pictures(4))
    run = backend.runner.raw(4)
    run()
    del cuda._library.made[:]
    run()
    run()
    assert cuda._library.made == ["cuGraphLaunch"] * 2


def test_pictures_are_answered_as_before_between_and_after(cuda):
    """Also where another batch changes the shape, of which graphs are."""
    backend, network = runner(cuda)
    ways = [backend.runner.raw(count) for count in (1, 3, 4, 9)]
    for seed in range(3):
        for count in (1, 2, 4, 9, 1):
            for run in ways:
                run()
            images = stand_in.pictures(count, seed + 1)
            for _ in range(2):
                made = stand_in.found(backend, network, images)
                stand_in.same(made, stand_in.expected(images))
    backend.runner.close()
    assert not cuda._library.ready, "its graphs go with the others"


def test_graphs_of_another_shape_are_forgotten_both_ways(cuda):
    """A graph is of the context as it was."""
    backend, network = runner(cuda)
    run = backend.runner.raw(3)
    for _ in range(2):
        stand_in.found(backend, network, stand_in.pictures(4))
        assert len(cuda._library.ready) == 1
        run()
        assert len(cuda._library.ready) == 1 and backend.runner._rows == 3


def test_of_more_than_one_batch_each_part_is_run(cuda):
    backend, network = runner(cuda)
    backend.runner.raw(9)()
    first = [name for name in cuda._library.made if name == "cuStreamEndCapture"]
    assert len(first) == 3, "each part has an address of its own"


def test_it_follows_the_input_when_that_grows(cuda):
    """The block of before is freed, which the stand-in would find out."""
    backend, network = runner(cuda)
    run = backend.runner.raw(2)
    run()
    images = stand_in.pictures(33)
    stand_in.found(backend, network, images)
    spoil(cuda, backend.runner, 2)
    run()
    np.testing.assert_allclose(output(cuda, backend.runner, 2), stand_in.whole(images[:2]))


@each_kind
def test_without_graphs_and_without_picking(kind):
    cuda = fake_cuda.gpu(KINDS.get(kind, fake_cuda.XAVIER), Library(()))
    with cuda.attached():
        backend, network = runner(cuda, picks=False)
        images = stand_in.pictures(2)
        tensor = backend.prepare(network, images, stand_in.windows(images))
        backend.infer(network, tensor)
        back = tensor.slot.back["output"]
        if back.block is not None:
            cuda.store(back.address, np.full((2, 6, 40), 7, np.float32))
        backend.runner.raw(2)()
        made = np.zeros((2, 6, 40), np.float32)
        cuda.fetch(back.address, made)
        np.testing.assert_allclose(made, stand_in.whole(images))
        cuda.close()
    cuda._driver.space.check()
