import numpy as np

from app.device.backend import InputSpec, Model, Placement
from app.stages.faces import Faces
from tests.doubles import frame
from tests.fake_backend import FakeBackend

MODEL = Model(
    "face", "face.onnx", InputSpec((64, 64), placement=Placement.STRETCH), "end2end", {},
    ("face",), score=0.5,
)  # fmt: skip
ROWS = np.array([[[16, 24, 32, 40, 0.9, 0]], [[0, 0, 8, 64, 0.6, 0]]], np.float32)


def run(answer, batches):
    backend = FakeBackend({"face": answer})
    return list(Faces(backend, backend.load(MODEL)).run(batches))


def test_each_frame_gets_its_own_boxes_also_those_that_are_not_looked_at():
    batch = [frame(0, "a", np.zeros((64, 128, 3), np.uint8)), frame(0, "b", look=False)]
    ((a, b),) = run(lambda tensor: {"output": ROWS}, [batch])
    np.testing.assert_allclose(a.private, [[32, 24, 64, 40]], atol=0.01)
    np.testing.assert_allclose(b.private, [[0, 0, 8, 36]], atol=0.01)


def test_a_model_that_fails_leaves_it_unknown_is_told_once_and_is_asked_again(caplog):
    answers = iter([ZeroDivisionError("boom"), ZeroDivisionError("boom"), None])

    def answer(tensor):
        failure = next(answers)
        if failure is not None:
            raise failure
        return {"output": ROWS[:1]}

    made = run(answer, [[frame(n)] for n in range(3)])
    assert [one.private is None for (one,) in made] == [True, True, False]
    assert [record.getMessage() for record in caplog.records] == [
        "face failed, so whole pictures are hidden: boom"
    ]
