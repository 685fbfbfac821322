"""Letterbox, decoding and NMS: what a CPU does with a picture around its network."""

import numpy as np
import pytest

from app.device.backend import InputSpec
from app.device.canvas import Canvas
from app.vision import boxes, decode
from tests.bench import heads


@pytest.mark.benchmark(group="letterbox")
@pytest.mark.parametrize("side", [416, 640])
def test_letterbox(benchmark, side):
    picture = np.random.RandomState(0).randint(0, 256, (1080, 1920, 3)).astype(np.uint8)
    canvas = Canvas(InputSpec((side, side)))

    def letterbox():
        batch = canvas.batch(1)
        canvas.place(0, picture)
        return batch

    placed = benchmark(letterbox)
    assert placed.shape == (1, 3, side, side)
    assert placed[0, 0, 0] == pytest.approx(114 / 255) and placed[0, 0, side // 2].std() > 0.1


@pytest.mark.benchmark(group="decode")
@pytest.mark.parametrize("decoder", decode.DECODERS)
def test_decode(benchmark, decoder):
    """With NMS where the head needs it: 60 candidates then, else the 12 objects alone."""
    size_wh = heads.SIDE, heads.SIDE
    head = decode.Head(decoder, {}, size_wh, heads.MIN_SCORE, heads.OVERLAP)
    outputs = heads.ANSWERS[decoder]()
    (found,) = benchmark(decode.find, outputs, head)
    # heads do not agree where the centre of a cell of 8 pixels lies
    assert np.allclose(found.xyxy, heads.XYXY[heads.FOUND], atol=4.01)
    assert np.allclose(found.score, heads.SCORE[heads.FOUND], atol=1e-3)
    one_class = decoder == "centerface"
    assert found.class_id.tolist() == [0 if one_class else n for n in range(heads.OBJECTS)]


@pytest.mark.benchmark(group="nms")
@pytest.mark.parametrize("count", [20, 100, 300])
def test_nms(benchmark, count):
    """Five boxes of each object, of 10 classes."""
    random = np.random.RandomState(0)
    places = np.stack([np.arange(count) // 5 % 10, np.arange(count) // 50], axis=1) * 60.0
    corner = places + random.uniform(0, 4, (count, 2))
    xyxy = np.concatenate([corner, corner + 50], axis=1).astype(np.float32)
    score = random.uniform(0.35, 0.95, count).astype(np.float32)
    kept = benchmark(boxes.nms, xyxy, score, 0.6, np.arange(count) // 5 % 10)
    assert sorted(kept // 5) == list(range(count // 5))
