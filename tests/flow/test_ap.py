"""ap: each COCO model of the catalogue finds what it should, on labelled pictures."""

import contextlib
import io
from typing import Any, Dict, List

import numpy as np
import pytest

from app import catalogue
from app.errors import EngineError
from app.vision import decode, letterbox
from tests.data import data

cv2 = pytest.importorskip("cv2")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
cocoeval = pytest.importorskip("pycocotools.cocoeval")

TOLERANCE = 0.03
EXPECTED = {  # manifest -> file, mAP@[.5:.95] over twice as many pictures
    "yolox_nano": ("yolox_nano_416_dyn", 0.338),
    "deimv2_femto": ("deimv2_hgnetv2_femto_coco", 0.399),
    "picodet_s": ("picodet_s_416_v8head_dyn", 0.359),
    "nanodet_g": ("human_nanodet_g_416", 0.289),
    "yolov8n": ("yolov8n_640_deq_fp32_dyn", 0.420),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_ap(name: str) -> None:
    file, expected = EXPECTED[name]
    model = catalogue.find(name).model._replace(path=str(data(f"models/{file}.onnx")), score=0.01)
    folder = data("images/coco_val2017_64")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(str(folder / "instances.json"))
    found = detect(model, {row["id"]: str(folder / "images" / row["file_name"])
                           for row in truth.dataset["images"]})  # fmt: skip
    assert abs(average_precision(truth, found) - expected) <= TOLERANCE


def detect(model: Any, pictures: Dict[int, str]) -> List[Dict[str, Any]]:
    """The best 100 boxes of each picture, as COCO's results file has them; class_id as it is."""
    from app.device.host import HostBackend

    backend = HostBackend()
    try:
        network = backend.load(model)
    except EngineError as error:
        pytest.skip(str(error))
    head = decode.Head(model.decoder, model.outputs, network.input.size_wh, model.score, model.iou)
    results: List[Dict[str, Any]] = []
    for number, path in sorted(pictures.items()):
        image = cv2.imread(path)
        image_wh = image.shape[1], image.shape[0]
        window = np.array([[0, 0, image_wh[0], image_wh[1]]], np.float32)
        outputs = backend.infer(network, backend.prepare(network, [image], window))
        seen = decode.find(outputs, head)[0]
        boxes = letterbox.undo(seen.xyxy[:100], network.input.fit(image_wh), image_wh)
        for (x1, y1, x2, y2), score, class_id in zip(boxes.tolist(), seen.score, seen.class_id):
            results.append(
                {"image_id": number, "bbox": [x1, y1, x2 - x1, y2 - y1], "score": float(score),
                 "category_id": int(class_id)}
            )  # fmt: skip
    backend.close()
    return results


def average_precision(truth: Any, results: List[Dict[str, Any]]) -> float:
    """mAP@[.5:.95] over all sizes, 100 boxes a picture."""
    categories = sorted(truth.getCatIds())
    for result in results:
        result["category_id"] = categories[result["category_id"]]
    with contextlib.redirect_stdout(io.StringIO()):
        scorer = cocoeval.COCOeval(truth, truth.loadRes(results), "bbox")
        scorer.evaluate()
        scorer.accumulate()
        scorer.summarize()
    print(f"AP {scorer.stats[0]:.3f} AP50 {scorer.stats[1]:.3f}")
    return float(scorer.stats[0])
