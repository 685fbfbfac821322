"""catalogue, manifest: what is read, what is refused with its line, what is found by name."""

import os
from pathlib import Path
from typing import Any, List

import pytest

from app import catalogue, manifest
from app import labels as label_files
from app.device.backend import InputSpec, Placement
from app.errors import ConfigError, EngineError
from app.settings import schema
from app.vision.decode import DECODERS
from app.vision.names import COCO

SHA = "0123456789abcdef" * 4
SOURCE = f"sources: [{{file: a.onnx, bytes: 1, sha256: {SHA}}}]"
HEAD = f"kind: detector\nsummary: s\nlicence: MIT\n{SOURCE}\n"
GOOD = HEAD + "input: {size: [64, 32]}\ndecoder: yolov8\nlabels: face\n"
CLIP = (
    f"kind: clip\nsummary: s\nlicence: MIT\nsources: [{{file: a.mp4, bytes: 1, sha256: {SHA}}}]\n"
)


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_defaults(tmp_path) -> None:
    found = manifest.entry(write(tmp_path, "tiny.yaml", GOOD))
    assert (found.name, found.kind, found.file_name) == ("tiny", "detector", "tiny.onnx")
    assert found.sources == (manifest.Origin(file="a.onnx", bytes=1, sha256=SHA),)
    assert found.model.input == InputSpec((64, 32))
    assert (found.model.labels, found.model.score, found.model.iou) == (("face",), 0.35, 0.45)


def test_everything(tmp_path) -> None:
    text = f"""
kind: detector
summary: s
licence: MIT
sources:
  - {{url: "https://host/x.onnx", bytes: 1, sha256: {SHA}}}
  - {{package: p==1.0, member: p/x.onnx, bytes: 2, sha256: {SHA}}}
input: {{size: [64, 32], layout: nhwc, colour: bgr, mean: [1, 2, 3], std: [4, 5.5, 6],
         placement: stretch, pad: 0}}
decoder: ssd
outputs: {{scores: a, boxes: b}}
labels: own.txt
score: 1
iou: 0
free_dims: [0]
tensorrt: "8.2"
note: n
"""
    write(tmp_path, "own.txt", "cat\ndog\n")
    found = manifest.entry(write(tmp_path, "x.yaml", text))
    assert found.sources[1] == manifest.Origin("", "p==1.0", "p/x.onnx", "", 2, SHA)
    assert found.model.input == InputSpec(
        (64, 32), "nhwc", "bgr", (1, 2, 3), (4, 5.5, 6), Placement.STRETCH, 0
    )
    assert found.model._replace(input=None, path="p") == manifest.Model(
        "x", "p", None, "ssd", {"scores": "a", "boxes": "b"}, ("cat", "dog"), 1.0, 0.0, (0,)
    )


@pytest.mark.parametrize(
    "text, told",
    [
        ("", ["1: kind is required", "1: summary is", "1: licence is", "1: sources is"]),
        (HEAD, ["1: input is required", "1: decoder is required", "1: labels is required"]),
        (GOOD + "decodr: yolox", ["8: decodr is not a setting; did you mean 'decoder'?"]),
        (GOOD.replace("yolov8", "yolo8"), ["6: decoder must be centerface, detr, "]),
        (GOOD.replace("face", "fase"), ["7: labels no label file 'fase'; there are coco, face"]),
        (GOOD + "outputs: {output: a, hat: b}", ["8: outputs.hat is no role of yolov8"]),
        (GOOD + "outputs: {}", []),
        (GOOD + "background: true", ["8: background means nothing for a detector"]),
        (CLIP + "decoder: ssd", ["5: decoder means nothing for a clip"]),
        (GOOD.replace(SHA, SHA[:-1]), ["4: sources[0].sha256 must be 64 hexadecimal"]),
        (GOOD.replace("file: a.onnx, ", ""), ["4: sources[0] needs one of url, package, file"]),
        (GOOD.replace("file: a.onnx", "url: 'http://h/a'"), ["4: sources[0].url must start with"]),
        (GOOD.replace("file: a.onnx", "package: p==1"), ["4: sources[0] needs package and member"]),
        (
            GOOD.replace("file: a.onnx", "package: p, member: m"),
            ["4: sources[0].package must name its version"],
        ),
        (GOOD.replace("[64, 32]", "[64, 32], std: [1, 0, 1]"), ["5: input.std[1] must be above 0"]),
        (GOOD.replace("[64, 32]", "[64, 32], placement: centre-crop, resize: 40"), []),
        (
            GOOD.replace("[64, 32]", "[64, 32], resize: 40"),
            ["5: input.resize means nothing with placement letterbox"],
        ),
    ],
)
def test_every_mistake_has_its_line(tmp_path, text: str, told: List[str]) -> None:
    path = write(tmp_path, "x.yaml", text)
    if not told:
        manifest.entry(path)
        return
    with pytest.raises(ConfigError) as raised:
        manifest.entry(path)
    lines = str(raised.value).split("\n")
    assert len(lines) == len(told)
    for line, start in zip(lines, told):
        assert line.startswith(f"{path}:{start}")


@pytest.mark.parametrize(
    "content, told", [(b"", "no label"), (b"\n\n", "no label"), (b"\xff\xfe", "UTF-8")]
)
def test_bad_label_files(tmp_path, content: bytes, told: str) -> None:
    (tmp_path / "own.txt").write_bytes(content)
    with pytest.raises(ConfigError, match=told):
        label_files.read("own.txt", str(tmp_path))


def test_label_files_of_the_project() -> None:
    assert label_files.read("coco") == COCO
    assert len(label_files.read("imagenet")) == 1000


def test_nothing_is_there(tmp_path) -> None:
    assert catalogue.entries([str(tmp_path)]) == []
    with pytest.raises(ConfigError, match="There are none"):
        catalogue.find("x", [str(tmp_path)])


def test_find_knows_near_names(tmp_path) -> None:
    write(tmp_path, "tiny.yaml", GOOD)
    assert catalogue.find("tiny", [str(tmp_path)]).name == "tiny"
    with pytest.raises(ConfigError, match="Did you mean 'tiny'"):
        catalogue.find("tinny", [str(tmp_path)])


def test_two_manifests_of_one_name(tmp_path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, "tiny.yaml", GOOD)
    where = [str(tmp_path / "a"), str(tmp_path / "b")]
    with pytest.raises(ConfigError) as raised:
        catalogue.entries(where)
    assert all(os.path.join(folder, "tiny.yaml") in str(raised.value) for folder in where)


def test_entries_tell_the_mistakes_of_every_manifest(tmp_path) -> None:
    write(tmp_path, "a.yaml", GOOD + "x: 1")
    write(tmp_path, "b.yaml", GOOD + "y: 1")
    with pytest.raises(ConfigError) as raised:
        catalogue.entries([str(tmp_path)])
    assert len(str(raised.value).split("\n")) == 2


def test_model_by_name_wants_its_file(tmp_path) -> None:
    write(tmp_path, "tiny.yaml", GOOD)
    with pytest.raises(EngineError, match="Run: jetwatch fetch tiny"):
        catalogue.model("tiny", [str(tmp_path)])
    path = write(tmp_path, "tiny.onnx", "")
    assert catalogue.model("tiny", [str(tmp_path)]).path == path


def test_a_clip_is_no_model(tmp_path) -> None:
    write(tmp_path, "street.yaml", CLIP)
    found = catalogue.find("street", [str(tmp_path)])
    assert (found.model, found.file_name) == (None, "street.mp4")
    with pytest.raises(ConfigError, match="is a clip"):
        catalogue.model("street", [str(tmp_path)])


def test_model_by_file(tmp_path) -> None:
    path = write(tmp_path, "own.onnx", "")
    assert catalogue.model(path) == manifest.Model("own", path)
    write(tmp_path, "own.yaml", GOOD)
    assert catalogue.model(path).decoder == "yolov8"
    with pytest.raises(EngineError, match="no such file"):
        catalogue.model(str(tmp_path / "missing.onnx"))


def test_the_projects_own_manifests() -> None:
    """Everything in engines/ reads, and nothing under the AGPL can be downloaded."""
    found = {entry.name: entry for entry in catalogue.entries()}
    assert {"yolox_nano", "deimv2_femto", "centerface", "bikes"} <= set(found)
    for entry in found.values():
        if "AGPL" in entry.licence:
            assert all(source.file for source in entry.sources) and "AGPL" in entry.note
        assert len({(source.bytes, source.sha256) for source in entry.sources}) >= 1


def test_the_schema_knows_the_decoders() -> None:
    properties: Any = schema(manifest.manifest_group())["properties"]
    assert properties["decoder"]["anyOf"][0]["enum"] == sorted(DECODERS)
