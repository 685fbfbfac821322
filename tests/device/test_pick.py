"""pick: the kernels against vision.pick, which is what they are held to."""

import numpy as np
import pytest

from app.device import kernels
from app.vision import decode, pick
from tests.by_kernel import BATCH, HEADS, outputs_of, picked


@pytest.fixture(scope="module")
def binary(cuda, kernel_folder):
    return kernels.compiled("pick", cuda.gpu.sm, kernel_folder)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("decoder", sorted(HEADS))
@pytest.mark.parametrize("least, power", [(0.3, 30), (0.9, 4), (0.05, 1), (0.999999, 1)])
def test_as_numpy_picks(cuda, binary, decoder, dtype, least, power):
    """Few candidates, hundreds, more than there is room for, and none."""
    random = np.random.RandomState(5)
    input_wh, outputs = outputs_of(decoder, dtype, random, power)
    outputs[sorted(outputs)[-1]][1].flat[7] = np.nan
    head = decode.Head(decoder, {role: role for role in outputs}, input_wh, least, 0.5)
    shapes = {role: array.shape for role, array in outputs.items()}
    plan = decode.plan(head, shapes)
    picker, made = picked(cuda, binary, plan, outputs, least)
    expected = pick.pick(outputs, plan, least, picker.most)
    exact = plan.activation == "none"
    for row, want in enumerate(expected):
        count = made["count"][row]
        if exact:
            assert made["index"][row, :count].tolist() == want.index.tolist()
        else:  # the last bit of exp differs, so what lies on the limit may
            assert abs(count - len(want.index)) <= 2
            missed = np.setdiff1d(want.index, made["index"][row, :count])
            assert len(missed) <= 2
            continue
        assert made["class_id"][row, :count].tolist() == want.class_id.tolist()
        np.testing.assert_allclose(made["score"][row, :count], want.score, rtol=1e-6)
        np.testing.assert_array_equal(made["box"][row, :count], want.box)


def test_ties_are_taken_in_order_where_there_are_too_many(cuda, binary):
    input_wh, outputs = outputs_of("yolov8", "float32", np.random.RandomState(6), 1)
    outputs["output"][:, 4:] = 0.5
    outputs["output"][:, 4, ::2] = 0.75
    head = decode.Head("yolov8", {}, input_wh, 0.4, 0.5)
    plan = decode.plan(head, {"output": outputs["output"].shape})
    picker, made = picked(cuda, binary, plan, outputs, 0.4)
    (want, *_) = pick.pick(outputs, plan, 0.4, picker.most)
    assert made["count"].tolist() == [picker.most] * BATCH
    assert made["index"][0].tolist() == want.index.tolist()
