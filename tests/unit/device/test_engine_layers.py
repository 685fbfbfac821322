"""What each layer of an engine takes: by TensorRT's profiler, and named as TensorRT names it."""

import json

import pytest

from app.device import layers
from app.device.backend import Layer
from app.device.trt import open_api
from app.errors import EngineError
from tests import fake_trt, stand_in
from tests.fake_trt import Orders
from tests.unit.device.test_jetson import Place
from tests.unit.device.test_runner import VERSIONS, runner

each_version = pytest.mark.parametrize("version", VERSIONS)


@each_version
@pytest.mark.parametrize("picks", [True, False])
def test_each_layer_has_a_time_and_nothing_is_disturbed(cuda, version, picks):
    backend, network = runner(cuda, version, picks=picks)
    images = stand_in.pictures(3)
    for _ in range(2):
        stand_in.same(stand_in.found(backend, network, images), stand_in.expected(images))
        before = cuda.held(), len(cuda._library.ready)
        made = backend.runner.layers(backend.runner.engine._api, 3, 7)
        assert made == [Layer("conv", 1.0), Layer("head", 2.0)]
        assert (cuda.held(), len(cuda._library.ready)) == before
    assert backend.runner.engine._context._listener is None, "the context that runs is another"
    stand_in.same(stand_in.found(backend, network, images), stand_in.expected(images))


def test_more_than_one_run_takes_is_cut_to_that(cuda):
    backend, _ = runner(cuda)
    assert [one.ms for one in backend.runner.layers(backend.runner.engine._api, 9, 3)] == [1, 2]


def test_before_any_picture_and_with_other_inputs(tmp_path):
    images, size = fake_trt.Tensor("images", (-1, 3, 8, 10)), fake_trt.Tensor("size", (-1, 2))
    outputs = [fake_trt.Tensor("output", (-1, 6, 40)), fake_trt.Tensor("told", (-1, 2))]
    size = size._replace(name="scale_factor")
    place = Place(tmp_path, content=fake_trt.model([images, size], outputs))
    network = place.load(decoder=None, labels=())
    with place.backend.attached():
        made = place.backend.layers(network, 2, 3)
    assert [one.name for one in made] == ["conv", "head"]


def test_a_run_that_fails_is_one_line_and_the_lane_goes_on(cuda):
    backend, network = runner(cuda, orders=Orders(no_run="Cask error"))
    with pytest.raises(EngineError, match="tiny.engine: TensorRT does not run: Cask error"):
        backend.runner.layers(backend.runner.engine._api, 1, 3)
    assert not backend.runner._lane.turn.locked()


@pytest.mark.parametrize("verbosity, kinds", [("DETAILED", ["Conv", "Head"]), ("", ["", ""])])
def test_kinds_are_the_inspectors_where_the_build_kept_them(verbosity, kinds):
    api = open_api(fake_trt.module("8.6.1"))
    plan = fake_trt.plan("8.6.1", stand_in.content(2), verbosity=verbosity)
    made = layers.kinds(layers.Engine(api, plan, "tiny").described())
    assert [made.get(name, "") for name in ("conv", "head")] == kinds


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", '{"Layers": 3}', '{"Layers": [{}]}'])
def test_what_the_inspector_tells_may_be_anything(text):
    assert layers.kinds(text) == {}
    whole = {"Layers": ["a", {"Name": "b", "LayerType": "Cask"}, {"Name": "c"}]}
    assert layers.kinds(json.dumps(whole)) == {"b": "Cask", "c": ""}


NAMES = {  # as logs of TensorRT in public repositories have them
    "Conv_12": "Conv",
    "/backbone/stem/Conv": "Conv",
    "/head/cls/Conv_1": "Conv",
    "/m/conv/Conv + PWN(PWN(/m/act/Sigmoid), /m/act/Mul)": "Conv + PointWise",
    "Conv_3 + Relu_4": "Conv + Relu",
    "/a/Conv || /b/Conv": "Conv",
    "PWN(Sigmoid_9, Mul_10)": "PointWise",
    "Reformatting CopyNode for Input Tensor 0 to Conv_0": "Reformat",
    "{ForeignNode[/head/Reshape.../head/Concat_5]}": "Myelin",
    "(Unnamed Layer* 33) [Shuffle]": "Shuffle",
    "Reshape_8 + (Unnamed Layer* 9) [Shuffle]": "Reshape + Shuffle",
    "images copy": "",
    "": "",
}


@pytest.mark.parametrize("name", list(NAMES))
def test_names_tell_the_kind_where_nothing_else_does(name):
    assert layers.kind_of(name) == NAMES[name]


def test_times_are_medians_over_runs_of_the_sum_within_one():
    heard = [
        (name, ms)
        for run in (1.0, 100.0, 2.0)
        for name, ms in (("Conv_1", run), ("loop", 2 * run), ("loop", run))
    ]
    assert layers.summed(heard, 3, {"loop": "Myelin"}) == [
        Layer("Conv_1", 2.0, "Conv"),
        Layer("loop", 6.0, "Myelin"),
    ]
    assert layers.summed([], 3, {}) == []


def test_warm_up_is_left_out(cuda):
    """The first run of a shape allocates."""
    told = []

    class Slow(layers.Engine):
        def report(self):
            told.append(len(told))
            self.heard.times.append(("all", 1000.0 if len(told) <= layers.WARM_UP else 1.0))

        def listen(self, heard):
            self.heard = heard

    backend, _ = runner(cuda)
    engine = backend.runner.engine
    engine.copied = lambda: Slow(engine._api, engine._engine.serialize(), "slow")
    assert backend.runner.layers(engine._api, 1, 4) == [Layer("all", 1.0)]
    assert len(told) == layers.WARM_UP + 4
