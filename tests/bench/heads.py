"""heads: what each head's network would answer for one and the same picture."""

import numpy as np

SIDE = 416  # of the network's square input
CELLS = SIDE // 8  # across; the cells of stride 8 are the first candidates of most heads
CLASSES = 80
OBJECTS = 12
BEST = 2  # of the five cells of an object that see it
MIN_SCORE, OVERLAP = 0.35, 0.6

_random = np.random.RandomState(0)
_x, _y = (axis.ravel() for axis in np.meshgrid([6, 19, 32, 45], [8, 24, 40]))
_sides = np.stack([_random.randint(low, 8, OBJECTS) for low in (6, 3, 6, 3)], axis=1)
_cell_xy = np.stack([_x[:, None] + np.arange(-2, 3), np.repeat(_y[:, None], 5, axis=1)], axis=2)

# Of the 60 candidates, five in a row for an object; the scores fall from object to object.
AT = _cell_xy.reshape(-1, 2)  # column and row of the cell
SIDES = np.repeat(_sides, 5, axis=0)  # cells from its centre to the left, top, right, bottom
XYXY = np.tile((AT + 0.5) * 8, 2) + SIDES * 8.0 * [-1, -1, 1, 1]
SCORE = np.linspace(0.9, 0.5, OBJECTS).repeat(5) - np.tile([0.1, 0.05, 0, 0.05, 0.1], OBJECTS)
CLASS_ID = np.arange(OBJECTS).repeat(5)
ROWS = AT[:, 1] * CELLS + AT[:, 0]
FOUND = slice(BEST, None, 5)  # one candidate of each object

_CENTRES = np.concatenate([(XYXY[:, :2] + XYXY[:, 2:]) / 2, XYXY[:, 2:] - XYXY[:, :2]], axis=1)


def yolox():
    output = _quiet(_cells(8, 16, 32), 5 + CLASSES)
    output[0, ROWS, :2] = _CENTRES[:, :2] / 8 - AT
    output[0, ROWS, 2:4] = np.log(_CENTRES[:, 2:] / 8)
    output[0, ROWS, 4] = 1
    output[0, ROWS, 5 + CLASS_ID] = SCORE
    return {"output": output}


def yolov5():
    output = _quiet(3 * _cells(8, 16, 32), 5 + CLASSES)
    output[0, ROWS, :4] = _CENTRES
    output[0, ROWS, 4] = 1
    output[0, ROWS, 5 + CLASS_ID] = SCORE
    return {"output": output}


def yolov8():
    output = _quiet(4 + CLASSES, _cells(8, 16, 32))
    output[0, :4, ROWS] = _CENTRES
    output[0, 4 + CLASS_ID, ROWS] = SCORE
    return {"output": output}


def end2end():
    output = _quiet(300, 6)
    output[0, :OBJECTS] = np.column_stack([XYXY, SCORE, CLASS_ID])[FOUND]
    return {"output": output}


def efficient_nms():
    outputs = _listed(100, XYXY)
    return {
        "count": np.array([[OBJECTS]], np.int32),
        "boxes": outputs["boxes"],
        "scores": outputs["scores"],
        "classes": outputs["labels"].astype(np.int32),
    }


def ssd_tf():
    outputs = _listed(100, XYXY[:, [1, 0, 3, 2]] / SIDE)
    return {
        "count": np.array([OBJECTS], np.float32),
        "boxes": outputs["boxes"],
        "scores": outputs["scores"],
        "classes": outputs["labels"].astype(np.float32) + 1,
    }


def detr():
    return _listed(300, XYXY)


def detr_unit():
    return _listed(300, XYXY / SIDE)


def detr_logits():
    logits, boxes = _quiet(300, CLASSES) * 20 - 5, _quiet(300, 4)
    logits[0, np.arange(OBJECTS), CLASS_ID[FOUND]] = np.log(SCORE / (1 - SCORE))[FOUND]
    boxes[0, :OBJECTS] = _CENTRES[FOUND] / SIDE
    return {"logits": logits, "boxes": boxes}


def detr_softmax():
    logits, boxes = _quiet(100, CLASSES + 1) * 20 - 5, _quiet(100, 4)
    logits[..., -1] = 10  # no object
    logits[0, np.arange(OBJECTS), CLASS_ID[FOUND]] = 10 + np.log(SCORE / (1 - SCORE))[FOUND]
    boxes[0, :OBJECTS] = _CENTRES[FOUND] / SIDE
    return {"logits": logits, "boxes": boxes}


def rtdetr():
    output = _quiet(300, 4 + CLASSES)
    output[0, :OBJECTS, :4] = _CENTRES[FOUND] / SIDE
    output[0, np.arange(OBJECTS), 4 + CLASS_ID[FOUND]] = SCORE[FOUND]
    return {"output": output}


def nanodet():
    outputs = {}
    for stride in (8, 16, 32):
        outputs[f"scores_{stride}"] = _quiet(_cells(stride), CLASSES)
        outputs[f"boxes_{stride}"] = _quiet(_cells(stride), 4 * 8)
    outputs["scores_8"][0, ROWS, CLASS_ID] = SCORE
    outputs["boxes_8"][0, ROWS] = _bins()
    return outputs


def gfl_in_one():
    """As nanodet_plus and picodet have it: four levels, scores and bins side by side."""
    output = _quiet(_cells(8, 16, 32, 64), CLASSES + 4 * 8)
    output[0, ROWS, CLASS_ID] = SCORE
    output[0, ROWS, CLASSES:] = _bins()
    return {"output": output}


def ssd():
    scores, boxes = _quiet(_cells(8, 16, 32), 1 + CLASSES), _quiet(_cells(8, 16, 32), 4)
    scores[0, ROWS, 1 + CLASS_ID] = SCORE
    boxes[0, ROWS] = XYXY / SIDE
    return {"scores": scores, "boxes": boxes}


def centerface():
    heat, size, offset = (_quiet(maps, SIDE // 4, SIDE // 4) for maps in (1, 2, 2))
    x, y = 2 * AT.T
    heat[0, 0, y, x] = SCORE
    size[0, :, y, x] = np.log(_CENTRES[:, [3, 2]] / 4)
    offset[0, :, y, x] = _CENTRES[:, [1, 0]] / 4 - np.stack([y, x], axis=1) - 0.5
    return {"heat": heat, "size": size, "offset": offset}


ANSWERS = {
    "yolox": yolox, "yolov5": yolov5, "yolov8": yolov8, "end2end": end2end,
    "efficient_nms": efficient_nms, "detr": detr, "detr_unit": detr_unit,
    "detr_logits": detr_logits, "detr_softmax": detr_softmax, "rtdetr": rtdetr,
    "nanodet": nanodet, "nanodet_plus": gfl_in_one, "picodet": gfl_in_one, "ssd": ssd,
    "ssd_tf": ssd_tf, "centerface": centerface,
}  # fmt: skip


def _quiet(*shape):
    """Where nothing is: no score reaches 0.1."""
    return np.random.RandomState(1).uniform(0, 0.1, (1,) + shape).astype(np.float32)


def _cells(*strides):
    return sum((-(-SIDE // stride)) ** 2 for stride in strides)


def _listed(places, xyxy):
    """Labels, boxes and scores of the objects, then of nothing."""
    labels, boxes, scores = np.zeros((1, places), np.int64), _quiet(places, 4), _quiet(places)
    labels[0, :OBJECTS] = CLASS_ID[FOUND]
    boxes[0, :OBJECTS] = xyxy[FOUND]
    scores[0, :OBJECTS] = SCORE[FOUND]
    return {"labels": labels, "boxes": boxes, "scores": scores}


def _bins():
    """Logits that are sure of each side's distance: (60, 4 * 8)."""
    return (np.eye(8)[SIDES] * 50).reshape(len(SIDES), -1)
