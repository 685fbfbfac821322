"""by_kernel: pictures placed and candidates picked by a GPU's kernels, or by their stand-ins."""

import numpy as np

from app.device import canvas
from app.device.picker import Output, Picker
from app.device.placer import Placer, Source
from app.vision import letterbox

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


def whole(image):
    return np.array((0, 0) + letterbox.size_of(image), np.float32)


def picture(random, form, wide, high):
    if form == "nv12":
        wide, high = wide + wide % 2, high + high % 2
        return random.randint(0, 256, (high * 3 // 2, wide)).astype(np.uint8)
    return random.randint(0, 256, (high, wide, {"bgr": 3, "bgrx": 4}[form])).astype(np.uint8)


def placed_by_host(spec, images, windows):
    made = canvas.Canvas(spec)
    batch = made.batch(len(images))
    for row, (image, window) in enumerate(zip(images, windows)):
        made.place(row, canvas.cut(image, window))
    return batch


def placed(cuda, binary, spec, images, windows, dtype="float32"):
    placer = Placer(cuda, binary, spec, dtype)
    shape = placed_by_host(spec, images[:1], windows[:1]).shape[1:]
    out = np.zeros((len(images),) + shape, dtype)
    blocks = [cuda.allocate(image.nbytes) for image in images]
    target = cuda.allocate(out.nbytes)
    stream = cuda.stream()
    try:
        for block, image in zip(blocks, images):
            cuda.store(block.address, image)
        sources = [Source(image, block.address) for image, block in zip(images, blocks)]
        placer.place(sources, windows, target.address, stream)
        stream.synchronize()
        cuda.fetch(target.address, out)
    finally:
        for block in blocks + [target]:
            cuda.release(block)
    return out


def outputs_of(decoder, dtype, random, power):
    input_wh, shapes = HEADS[decoder]
    made = {}
    for role, shape in shapes.items():
        values = random.uniform(0, 1, (BATCH,) + shape) ** power
        if "logit" in role:
            values = 8 * values - 6
        made[role] = values.astype(dtype)
    return input_wh, made


def picked(cuda, binary, plan, outputs, least):
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
