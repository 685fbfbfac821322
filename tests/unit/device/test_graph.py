"""test_graph: CUDA graphs by the calls of each generation of the driver."""

import pytest

from app.device.graph import GraphError, Graphs
from tests.fake_device import Stream
from tests.fake_graphs import FIRST, GENERATIONS, SECOND, THIRD, Library

each_generation = pytest.mark.parametrize("calls", GENERATIONS, ids=lambda calls: calls[-1])


@each_generation
def test_what_is_captured_runs_at_each_launch_and_not_before(calls):
    library, stream, done = Library(calls), Stream(), []
    graph = Graphs(library).capture(stream, lambda: stream.do(lambda: done.append(1)))
    assert done == []
    for count in (1, 2, 3):
        graph.launch(stream)
        assert len(done) == count
    made = [name for name in library.made if name in (FIRST, SECOND, THIRD)]
    assert made == [calls[-1]], "the newest there is"
    graph.destroy()
    graph.destroy()
    assert not library.graphs and not library.ready
    with pytest.raises(GraphError, match=r"cannot start what was captured \(CUDA error 1\)"):
        graph.launch(stream)


@each_generation
@pytest.mark.parametrize(
    "call, told",
    [
        ("cuStreamBeginCapture_v2", "begin a capture"),
        ("cuStreamEndCapture", "capture this work"),
        (FIRST, "prepare what was captured"),
    ],
)
def test_what_the_driver_refuses_leaves_nothing_behind(calls, call, told):
    library, stream, done = Library(calls, [call, SECOND, THIRD]), Stream(), []
    with pytest.raises(GraphError, match=f"the driver cannot {told}"):
        Graphs(library).capture(stream, lambda: stream.do(lambda: done.append(1)))
    assert not library.graphs and not library.ready
    stream.do(lambda: done.append("at once"))
    assert done == ["at once"], "the stream is as it was"


def test_work_that_fails_ends_the_capture():
    library, stream = Library(), Stream()

    def work():
        raise ZeroDivisionError("in the work")

    with pytest.raises(ZeroDivisionError):
        Graphs(library).capture(stream, work)
    assert stream.captured is None and not library.graphs


def test_a_driver_without_graphs_is_one_line():
    with pytest.raises(GraphError, match="the driver offers none"):
        Graphs(Library(()))
