"""test_picker: what the kernels are told, as pick.cu itself reads it."""

import numpy as np
import pytest

from app.vision import decode, pick
from tests import fake_cuda
from tests.by_kernel import BATCH, HEADS, outputs_of, picked

CODE = fake_cuda.code("pick")


def planned(decoder, outputs, input_wh, least):
    head = decode.Head(decoder, {role: role for role in outputs}, input_wh, least, 0.5)
    return decode.plan(head, {role: array.shape for role, array in outputs.items()})


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("decoder", sorted(HEADS))
def test_as_numpy_picks(cuda, decoder, dtype):
    """More candidates than there is room for, and then few, and none."""
    random = np.random.RandomState(5)
    for least, power in ((0.05, 1), (0.3, 30), (0.9999999, 1)):
        input_wh, outputs = outputs_of(decoder, dtype, random, power)
        outputs[sorted(outputs)[-1]][1].flat[7] = np.nan
        plan = planned(decoder, outputs, input_wh, least)
        picker, made = picked(cuda, CODE, plan, outputs, least)
        expected = pick.pick(outputs, plan, least, picker.most)
        for row, want in enumerate(expected):
            count = made["count"][row]
            index = made["index"][row, :count]
            if plan.activation == "none":
                assert index.tolist() == want.index.tolist()
            assert len(np.setxor1d(index, want.index)) <= 4  # exp's last bit, at the limit
            both, ours, theirs = _common(index, want.index)
            assert len(both) >= len(want.index) - 2
            assert (made["class_id"][row, ours] == want.class_id[theirs]).all()
            np.testing.assert_allclose(made["score"][row, ours], want.score[theirs], rtol=1e-5)
            np.testing.assert_array_equal(made["box"][row, ours], want.box[theirs])


def test_a_header_and_its_records_are_read_as_columns(cuda):
    input_wh, outputs = outputs_of("yolov8", "float32", np.random.RandomState(6), 1)
    plan = planned("yolov8", outputs, input_wh, 2.0)
    picker, made = picked(cuda, CODE, plan, outputs, 2.0)
    assert made["count"].tolist() == [0] * BATCH
    assert made["box"].shape == (BATCH, 0, 4)
    assert picker.columns(np.empty((0, picker.row_bytes), np.uint8))["count"].shape == (0,)


def _common(ours, theirs):
    """The numbers in both, and where they stand in each; both are ascending."""
    both = np.intersect1d(ours, theirs)
    return both, np.searchsorted(ours, both), np.searchsorted(theirs, both)
