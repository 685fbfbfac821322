"""pick: the kernels against vision.pick, which is what they are held to."""

import numpy as np
import pytest

from app.device import kernels
from app.device.picker import Output, Picker
from app.vision import decode, pick

BATCH = 3
HEADS = {  # decoder -> (input_wh, shape of each output, the batch aside)
    "yolox": ((416, 416), {"output": (3549, 85)}),
    "yolov5": ((640, 640), {"output": (25200, 15)}),
    "yolov8": ((640, 640), {"output": (84, 8400)}),
    "nanodet_plus": ((320, 320), {"output": (2125, 112)}),
    "picodet": (
        (416, 416),
        {
            "scores_8": (2704, 80), "scores_16": (676, 80), "scores_32": (169, 80),
            "scores_64": (49, 80), "boxes_8": (2704, 32), "boxes_16": (676, 32),
            "boxes_32": (169, 32), "boxes_64": (49, 32),
        },
    ),
    "ssd": ((320, 240), {"scores": (4420, 2), "boxes": (4420, 4)}),
    "rtdetr": ((640, 640), {"output": (300, 84)}),
    "detr_logits": ((640, 640), {"logits": (300, 91), "boxes": (300, 4)}),
    "detr_softmax": ((640, 640), {"logits": (100, 92), "boxes": (100, 4)}),
    "centerface": (
        (640, 384), {"heat": (1, 96, 160), "size": (2, 96, 160), "offset": (2, 96, 160)}
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def binary(cuda, kernel_folder):
    return kernels.compiled("pick", cuda.gpu.sm, kernel_folder)


def outputs_of(decoder, dtype, random, power):
    input_wh, shapes = HEADS[decoder]
    made = {}
    for role, shape in shapes.items():
        values = random.uniform(0, 1, (BATCH,) + shape) ** power
        if "logit" in role:
            values = 8 * values - 6
        made[role] = values.astype(dtype)
    return input_wh, made


def by_kernel(cuda, binary, plan, outputs, least):
    blocks = {role: cuda.allocate(array.nbytes) for role, array in outputs.items()}
    held = len(cuda._held)
    where = {}
    for role, array in outputs.items():
        cuda.store(blocks[role].address, array)
        elements = int(np.prod(array.shape[1:]))
        where[role] = Output(blocks[role].address, elements, str(array.dtype))
    picker = Picker(cuda, binary, plan, where, BATCH)
    back = cuda.allocate(BATCH * picker.row_bytes)
    stream = cuda.stream()
    picker.start(least, BATCH, back.address, stream)
    stream.synchronize()
    host = np.zeros((BATCH, picker.row_bytes), np.uint8)
    cuda.fetch(back.address, host)
    for block in cuda._held[held:] + list(blocks.values()):
        cuda.release(block)
    assert picker.row_bytes <= 64 << 10
    return picker, picker.columns(host)


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
    picker, made = by_kernel(cuda, binary, plan, outputs, least)
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
    picker, made = by_kernel(cuda, binary, plan, outputs, 0.4)
    (want, *_) = pick.pick(outputs, plan, 0.4, picker.most)
    assert made["count"].tolist() == [picker.most] * BATCH
    assert made["index"][0].tolist() == want.index.tolist()
