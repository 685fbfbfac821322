"""Each COCO model of the catalogue finds what it should, through the real command line."""

import contextlib
import io
import json
import pathlib

import pytest

from app import catalogue
from tests.command import jetwatch
from tests.data import data

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
cocoeval = pytest.importorskip("pycocotools.cocoeval")

TOLERANCE = 0.03
EXPECTED = {  # mAP@[.5:.95] over twice as many pictures, these 64 among them
    "yolox_nano": 0.338,
    "deimv2_femto": 0.399,
    "picodet_s": 0.359,
    "nanodet_g": 0.289,
    "yolov8n": 0.420,
}
BOXES = 100  # of one picture, best first


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_average_precision(name, tmp_path):
    folder = data("images", "coco_val2017_64")
    engines = tmp_path / "engines"
    engines.mkdir()
    (engines / f"{name}.yaml").symlink_to(pathlib.Path(catalogue.find(name).place).resolve())
    env = {"JETWATCH_ENGINES": str(engines)}
    fetched = jetwatch("fetch", name, "--from", data("models"), env=env)
    assert fetched.code == 0, fetched.err
    found = tmp_path / "found.jsonl"
    result = jetwatch(
        *("run", "--source", folder / "images", "--model", name, "--score", "0.01"),
        *("--backend", "host", "--detections", found),
        env=env,
    )
    if "too new for ONNX Runtime" in result.err:
        pytest.skip("this ONNX Runtime is older than the model")
    assert result.code == 0, result.err
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(str(folder / "instances.json"))
    lines = [json.loads(line) for line in found.read_text().splitlines()]
    precision = average_precision(truth, lines)
    print(f"{name}: AP {precision:.3f}")
    assert abs(precision - EXPECTED[name]) <= TOLERANCE


def average_precision(truth, lines):
    """mAP@[.5:.95] over all sizes."""
    numbers = {row["file_name"]: row["id"] for row in truth.dataset["images"]}
    assert sorted(line["file"] for line in lines) == sorted(numbers), "each picture, once"
    categories = sorted(truth.getCatIds())
    results = [
        {
            "image_id": numbers[line["file"]],
            "category_id": categories[one["class_id"]],
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "score": one["score"],
        }
        for line in lines
        for one in line["detections"][:BOXES]
        for x1, y1, x2, y2 in [one["box"]]
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        scorer = cocoeval.COCOeval(truth, truth.loadRes(results), "bbox")
        scorer.evaluate()
        scorer.accumulate()
        scorer.summarize()
    return float(scorer.stats[0])
