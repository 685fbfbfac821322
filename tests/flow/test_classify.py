"""A classifier alone, through the real command line: the names of whole pictures."""

import collections
import json
import pathlib

import pytest

from app import catalogue
from tests import networks, tiny
from tests.command import jetwatch
from tests.data import data

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

NAMES = {  # COCO's name -> words of those ImageNet labels that mean the same
    "airplane": ("airliner", "warplane"),
    "apple": ("Granny Smith",),
    "banana": ("banana",),
    "bear": ("bear",),
    "bed": ("four-poster", "studio couch", "quilt"),
    "boat": ("canoe", "catamaran", "gondola", "speedboat", "trimaran", "yawl"),
    "bus": ("bus",),
    "cat": ("cat",),
    "elephant": ("elephant", "tusker"),
    "hot dog": ("hotdog",),
    "laptop": ("laptop", "notebook"),
    "motorcycle": ("moped", "motor scooter"),
    "pizza": ("pizza",),
    "refrigerator": ("refrigerator",),
    "sheep": ("ram,",),
    "teddy bear": ("teddy",),
    "toilet": ("toilet seat",),
    "train": ("bullet train", "electric locomotive", "passenger car", "streetcar"),
    "umbrella": ("umbrella",),
    "zebra": ("zebra",),
}


SEEN = {"mobilenet_v2": (21, 27), "squeezenet": (15, 25)}  # right of 33: by the first, by all five
TOLERANCE = 3


def largest(folder):
    """File name -> what covers most of that picture, and 0.15 of it at least."""
    known = json.loads((folder / "instances.json").read_text())
    names = {one["id"]: one["name"] for one in known["categories"]}
    covered = collections.defaultdict(collections.Counter)
    for one in known["annotations"]:
        covered[one["image_id"]][names[one["category_id"]]] += one["bbox"][2] * one["bbox"][3]
    found = {}
    for picture in known["images"]:
        for name, area in covered[picture["id"]].most_common(1):
            if name in NAMES and area > 0.15 * picture["width"] * picture["height"]:
                found[picture["file_name"]] = name
    return found


def right(said, name):
    return any(word in said["label"] for word in NAMES[name])


@pytest.mark.parametrize("model", sorted(SEEN))
def test_pictures_are_named_by_what_they_show(model, tmp_path):
    folder = data("images", "coco_train2017_128")
    engines = tmp_path / "engines"
    engines.mkdir()
    (engines / f"{model}.yaml").symlink_to(pathlib.Path(catalogue.find(model).place).resolve())
    env = {"JETWATCH_ENGINES": str(engines)}
    fetched = jetwatch("fetch", model, "--from", data("models"), env=env)
    assert fetched.code == 0, fetched.err
    result = jetwatch(
        *("run", "--source", folder / "images", "--model", model, "--detections", "-"), env=env
    )
    assert result.code == 0, result.err
    lines = {line["file"]: line["classes"] for line in map(json.loads, result.out.splitlines())}
    assert len(lines) == 128
    for line in lines.values():
        scores = [one["score"] for one in line]
        assert len(line) == 5 and scores == sorted(scores, reverse=True) and sum(scores) < 1.001
    truth = largest(folder)
    first = sum(right(lines[file][0], name) for file, name in truth.items())
    among = sum(any(right(one, name) for one in lines[file]) for file, name in truth.items())
    print(f"{model}: {first} and {among} of {len(truth)} right by the first and by all five")
    assert len(truth) == 33
    assert first >= SEEN[model][0] - TOLERANCE and among >= SEEN[model][1] - TOLERANCE
    assert "saw" in result.err and "background" not in result.err


@pytest.fixture
def model(tmp_path):
    return networks.constant(tmp_path / "c.onnx", (1, 3, 32, 32), {"scores": [[1, 3, 0, 2]]})


def test_settings_for_a_classifier(model, tmp_path):
    import cv2

    (tmp_path / "pets.txt").write_text("cat\ndog\nowl\ncow\n")
    out, film = tmp_path / "seen.jsonl", tmp_path / "seen.mp4"
    config = tmp_path / "classify.yaml"
    config.write_text(
        f"cameras: [{{name: a, source: {tiny.clip(tmp_path / 'clip.mp4', 5)}}}]\n"
        f"detect: {{model: pets, top: 2, classes: [cat, cow, owl], score: 0.05}}\n"
        f"models: [{{name: pets, path: {model}, labels: {tmp_path / 'pets.txt'}}}]\n"
        f"record: {{path: {film}}}\nreport: {{path: {out}}}\n"
    )
    result = jetwatch("run", config)
    assert result.code == 0, result.err
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(lines) == 5 and lines[0]["detections"] == []
    said = [(one["label"], one["class_id"], one["score"]) for one in lines[0]["classes"]]
    assert said == [("cow", 3, 0.2369), ("cat", 0, 0.0871)]
    ok, image = cv2.VideoCapture(str(film)).read()
    assert ok and image[2:30, 2:60].std() > 20 > image[150:, 200:].std(), "they are listed"


def test_a_network_that_is_neither(tmp_path):
    path = networks.echo(tmp_path / "echo.onnx", (1, 3, 32, 32))
    config = tmp_path / "neither.yaml"
    config.write_text(
        f"cameras: [{{name: a, source: {tiny.pictures(tmp_path / 'photos')}}}]\n"
        f"detect: {{model: echo}}\n"
        f"models: [{{name: echo, path: {path}, input: {{size: [32, 32]}}}}]\n"
    )
    jetwatch("run", config).failed(78, "echo", "no decoder", "out [1, 3, 32, 32]")


def test_a_class_that_it_does_not_know(model, tmp_path):
    config = tmp_path / "wrong.yaml"
    config.write_text(
        f"cameras: [{{name: a, source: {tiny.pictures(tmp_path / 'photos')}}}]\n"
        f"detect: {{model: {model}, classes: [dgo]}}\n"
    )
    jetwatch("run", config).failed(78, "no label 'dgo'")


def test_inspect_writes_the_centre_crop_of_a_torchvision_classifier(tmp_path):
    path = networks.constant(tmp_path / "r.onnx", (1, 3, 224, 224), {"output": [range(1000)]})
    result = jetwatch("inspect", path)
    assert result.code == 0, result.err
    assert "placement: centre-crop, pad: 114, resize: 256}" in result.out
