import numpy as np
import pytest

from app.core.frame import Top
from app.device.backend import InputSpec, Model, TensorSpec
from app.errors import EngineError
from app.stages.classify import Classify, ClassifySettings, check_outputs
from app.stages.preprocess import Preprocess
from tests.doubles import frame
from tests.fake_backend import FakeBackend

MODEL = Model("toy", "toy.onnx", InputSpec((32, 32)), labels=("cat", "dog", "owl", "cow"))
SHARES = np.array([[0.1, 0.5, 0.1, 0.3]], np.float32)


def run(answer=SHARES, **settings):
    backend = FakeBackend({"toy": lambda windows: {"prob": answer}})
    network = backend.load(MODEL)
    batch = [frame(image=np.zeros((90, 160, 3), np.uint8))]
    ready = Preprocess(backend, {"cam": network}).run([batch])
    ((one,),) = Classify(backend, {"cam": ClassifySettings(**settings)}).run(ready)
    return one


def ids(one):
    return [top.class_id for top in one.tops]


def test_a_picture_is_named_best_first():
    one = run()
    assert ids(one) == [1, 3, 0, 2] and one.tops[0] == Top(1, 0.5)
    assert one.labels == MODEL.labels and one.detections is None and one.tensor is None


def test_logits_are_softened():
    assert run(np.log(SHARES)).tops[0].score == pytest.approx(0.5)


def test_settings_keep_the_best_the_sure_and_the_wanted():
    assert ids(run(top=2)) == [1, 3]
    assert ids(run(score=0.2)) == [1, 3]
    assert ids(run(class_ids=(0, 3))) == [3, 0]
    assert run(score=0.9).tops == ()


@pytest.mark.parametrize(
    "shapes", [[(-1, 9, 4)], [(1, 4), (1, 4)], [(1, 21, 60, 80)], [(1, 1)], [(1,)]]
)
def test_what_gives_anything_but_a_score_per_class_is_refused(shapes):
    backend = FakeBackend({"toy": lambda windows: {}})
    outputs = tuple(TensorSpec(f"o{n}", shape, "float32") for n, shape in enumerate(shapes))
    network = backend.load(MODEL)._replace(outputs=outputs)
    with pytest.raises(EngineError, match=r"toy: has no decoder, .* gives o0 .* in the manifest"):
        check_outputs(network)


@pytest.mark.parametrize("shape", [(-1, 1000), (1, 4), (-1, -1), (1, 4, 1, 1), (1, 1, 1, 4)])
def test_a_score_per_class_is_taken_in_any_form(shape):
    backend = FakeBackend({"toy": lambda windows: {}})
    outputs = (TensorSpec("prob", shape, "float32"),)
    check_outputs(backend.load(MODEL)._replace(outputs=outputs))


def test_each_thread_warms_up_before_the_first_frame():
    backend = FakeBackend({"toy": lambda windows: {"prob": SHARES}})

    def pictures():
        assert backend.batches == [1]
        yield [frame()]

    assert len(list(Preprocess(backend, {"cam": backend.load(MODEL)}).run(pictures()))) == 1
    assert backend.batches == [1, 1]
