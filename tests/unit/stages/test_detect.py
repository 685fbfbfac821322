import threading

import numpy as np
import pytest

from app.core.pipeline import Pipeline
from app.device.backend import InputSpec, Model, Placement
from app.errors import ConfigError, EngineError
from app.stages.detect import Detect, class_ids
from app.stages.limit import Limit
from app.stages.preprocess import Preprocess
from tests.doubles import Collect, FakeSource, frame
from tests.fake_backend import FakeBackend

ROWS = np.array(
    [[[16, 24, 32, 40, 0.9, 1], [0, 0, 8, 64, 0.6, 0], [1, 1, 2, 2, 0.1, 0]]], np.float32
)
MODEL = Model(
    "toy", "toy.onnx", InputSpec((64, 64), placement=Placement.LETTERBOX), "end2end", {},
    ("cat", "dog"), score=0.5,
)  # fmt: skip


def run(model=MODEL, count=1, classes=()):
    backend = FakeBackend({"toy": lambda batch: {"output": ROWS}})
    pictures = [frame(number, image=np.zeros((90, 160, 3), np.uint8)) for number in range(count)]
    network = backend.load(model)
    ready = Preprocess(backend, {"cam": network}).run([[one] for one in pictures])
    wanted = {"cam": class_ids(classes, network.model)}
    return [one for batch in Detect(backend, wanted).run(ready) for one in batch]


def test_boxes_come_back_in_the_pictures_pixels_and_stay_inside_it():
    (one,) = run()
    # 160x90 lies in 64x64 at 0.4, from row 14 on
    np.testing.assert_allclose(one.detections.xyxy, [[40, 25, 80, 65], [0, 0, 20, 90]], atol=0.01)
    assert one.detections.class_id.tolist() == [1, 0]
    assert one.labels == ("cat", "dog")
    assert one.tensor is None


def test_a_batch_is_one_call_for_each_network_and_each_camera_gets_its_own_boxes():
    rows = np.array([[[16, 24, 32, 40, 0.9, 1]], [[0, 14, 64, 50, 0.8, 0]]], np.float32)
    backend = FakeBackend(
        {"toy": lambda batch: {"output": rows[: len(batch)]}, "other": lambda _: {"output": ROWS}}
    )
    toy, other = backend.load(MODEL), backend.load(MODEL._replace(name="other", labels=("x", "y")))
    batch = [frame(7, camera, np.zeros((90, 160, 3), np.uint8)) for camera in "abc"]
    batch.append(frame(7, "d", look=False))
    ready = Preprocess(backend, {"a": toy, "b": other, "c": toy, "d": toy}).run([batch])
    (made,) = Detect(backend, {"b": (0,)}).run(ready)
    assert backend.batches[2:] == [2, 1]
    assert [one.source for one in made] == list("abcd")
    assert [len(one.detections) for one in made[:3]] == [1, 1, 1] and made[3].detections is None
    np.testing.assert_allclose(made[2].detections.xyxy, [[0, 0, 160, 90]], atol=0.01)
    assert made[1].labels == ("x", "y") and made[1].detections.class_id.tolist() == [0]


def test_what_is_below_the_models_score_is_left_out():
    models = [MODEL._replace(score=score) for score in (0.5, 0.7, 0.05)]
    assert [len(run(model)[0].detections) for model in models] == [2, 1, 3]


def test_only_wanted_classes_stay():
    assert run(classes=("dog",))[0].detections.class_id.tolist() == [1]


def test_a_label_that_the_model_does_not_know():
    with pytest.raises(ConfigError, match="no label 'dgo'. Did you mean 'dog'"):
        run(classes=("dgo",))


def test_a_model_that_the_backend_refuses():
    with pytest.raises(EngineError, match="other"):
        run(MODEL._replace(name="other"))


def test_limit_counts_each_camera_on_its_own_and_then_ends_without_asking_for_more():
    def pictures():
        for number in range(3):
            yield frame(number, "a")
            yield frame(number, "b")
        raise AssertionError("asked for one more")

    passed = [(one.source, one.number) for one in Limit(["a", "b"], 2).run(pictures())]
    assert passed == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


def test_limit_ends_each_source_once_it_has_enough():
    limit = Limit(["a", "b"], 3)
    sources = [FakeSource(None, "a"), FakeSource(1, "b")]
    end = Collect()
    pipeline = Pipeline([limit.source(one) for one in sources], [[limit, end]])
    pipeline.run(threading.Event())
    assert (end.numbers("a"), end.numbers("b")) == ([0, 1, 2], [0])
