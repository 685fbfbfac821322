"""test_lane: the scratch that engines share, and graphs that are given up once."""

import logging

import pytest

from app.device.engine import Engine
from app.device.lane import Lane
from app.device.trt import open_api
from app.errors import EngineError
from tests import fake_cuda, fake_trt
from tests.fake_graphs import Library
from tests.fake_trt import Tensor

VERSIONS = ("8.2.1", "8.5.2", "10.3.0", "11.4.0.106")


def engine(version, memory):
    network = fake_trt.model([Tensor("in", (1, 2))], [Tensor("out", (1, 2))])
    plan = fake_trt.plan(version, network, memory=memory)
    return Engine(open_api(fake_trt.module(version)), plan, "a.engine")


def run(cuda, one):
    for name in ("in", "out"):
        one.bind(name, cuda.allocate(8).address)
    one.enqueue(0)


@pytest.mark.parametrize("version", VERSIONS)
def test_all_engines_run_on_the_largest_block(cuda, version):
    lane = Lane(cuda)
    assert lane.scratch[1] == 0
    engines = []
    for memory, scratch in ((500, 500), (300, 500), (9000, 9000), (9000, 9000)):
        engines.append(engine(version, memory))
        lane.take_in(engines[-1])
        assert lane.scratch[1] == scratch
        for one in engines:  # none of them on a block that was freed
            run(cuda, one)
    assert len(cuda._driver.space.dead) == 1
    lane.close()


def test_graphs_are_offered_unless_they_are_not_wanted(cuda):
    assert Lane(cuda).graphs is not None
    assert Lane(cuda, graphs=False).graphs is None
    assert Lane(cuda, graphs=False).capture(lambda: None) is None


@pytest.mark.parametrize(
    "calls, refuse", [((), ()), (("cuGraphInstantiate",), ["cuGraphInstantiate"])]
)
def test_a_driver_without_graphs_is_told_of_once(calls, refuse, caplog):
    cuda = fake_cuda.gpu(library=Library(calls, refuse))
    with cuda.attached(), caplog.at_level(logging.INFO):
        lane = Lane(cuda)
        assert [lane.capture(lambda: None) for _ in range(3)] == [None] * 3
    (told,) = caplog.messages
    assert told.startswith("no CUDA graphs, each frame is started step by step: the driver")


@pytest.mark.parametrize("failing", ["engine", "driver"])
def test_work_that_cannot_be_captured_is_given_up_once(cuda, failing, caplog):
    """Copies from pageable memory cannot be on some drivers, and a Nano's are of that kind."""
    lane, tried = Lane(cuda), []

    def work():
        tried.append(1)
        if failing == "engine":
            raise EngineError("TensorRT does not run: it waits inside")
        cuda._driver.mem_alloc(9)

    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert lane.capture(work) is None
    assert len(tried) == 1 and len(caplog.messages) == 1
    assert lane.stream.captured is None
