"""The main job through the real command line, on clips and pictures made on the spot."""

import json

import pytest

from tests import tiny
from tests.command import jetwatch

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.detector(tmp_path_factory.mktemp("model") / "tiny.onnx")


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_clip_becomes_a_film_and_a_report(model, tmp_path):
    import cv2

    clip = tiny.clip(tmp_path / "clip.mp4", 20)
    out, found = tmp_path / "new" / "seen.mp4", tmp_path / "new" / "found.jsonl"
    result = jetwatch(
        *("run", "--source", clip, "--model", model, "--out", out, "--detections", found)
    )
    assert result.code == 0, result.err
    lines = lines_of(found.read_text())
    assert [line["frame"] for line in lines] == list(range(20))
    assert lines[1]["time"] == pytest.approx(0.1, abs=0.02)
    (one,) = lines[0]["detections"]
    assert one["box"] == pytest.approx([80, 60, 240, 180], abs=1)
    assert one["score"] == pytest.approx(200 / 255, abs=0.1)
    assert (one["class_id"], one["track_id"]) == (0, -1)
    film = cv2.VideoCapture(str(out))
    assert int(film.get(cv2.CAP_PROP_FRAME_WIDTH)) == 320
    ok, image = film.read()
    assert ok
    edge = image[60:180, 78:83].astype(int)
    assert abs(edge - 200).max() > 60, "the box is drawn"
    assert "20 frames" in result.err and "detect" in result.err and "saw" in result.err


def test_a_folder_names_its_files(model, tmp_path):
    folder = tiny.pictures(tmp_path / "photos", 3)
    result = jetwatch("run", "--source", folder, "--model", model, "--detections", "-")
    assert result.code == 0, result.err
    assert [line["file"] for line in lines_of(result.out)] == ["000.jpg", "001.jpg", "002.jpg"]


def test_only_so_many_frames(model, tmp_path):
    clip = tiny.clip(tmp_path / "clip.mp4", 20)
    result = jetwatch(
        *("run", "--source", clip, "--model", model, "--detections", "-", "--frames", "7")
    )
    assert result.code == 0, result.err
    assert len(lines_of(result.out)) == 7


def test_only_so_many_seconds(model):
    result = jetwatch(
        *("run", "--source", "test://?size=320x240", "--model", model, "--seconds", "2"),
        *("--detections", "-"),
    )
    assert result.code == 0, result.err
    assert 10 < len(lines_of(result.out)) < 80


def test_a_score_keeps_only_what_is_sure(model, tmp_path):
    folder = tiny.pictures(tmp_path / "photos", 1)
    result = jetwatch(
        *("run", "--source", folder, "--model", model, "--detections", "-", "--score", "0.95")
    )
    assert lines_of(result.out)[0]["detections"] == []


def test_two_cameras_run_at_once(model, tmp_path):
    clips = [tiny.clip(tmp_path / f"{count}.mp4", count) for count in (8, 12)]
    config = tmp_path / "two.yaml"
    config.write_text(
        f"cameras:\n- {{name: a, source: {clips[0]}}}\n- {{name: b, source: {clips[1]}}}\n"
        f"detect: {{model: {model}}}\nrecord: {{path: '{tmp_path}/{{camera}}.mp4'}}\n"
        "report: {path: '-'}\n"
    )
    result = jetwatch("run", config)
    assert result.code == 0, result.err
    lines = lines_of(result.out)
    for camera, count in (("a", 8), ("b", 12)):
        assert [one["frame"] for one in lines if one["camera"] == camera] == list(range(count))
        assert (tmp_path / f"{camera}.mp4").stat().st_size > 500


def test_a_clip_that_ends_in_the_middle_gives_what_it_had(model, tmp_path):
    whole = tiny.clip(tmp_path / "clip.avi", 60)
    cut = tmp_path / "cut.avi"
    with open(whole, "rb") as file:
        content = file.read()
    cut.write_bytes(content[: len(content) * 2 // 3])
    result = jetwatch("run", "--source", cut, "--model", model, "--detections", "-")
    lines = lines_of(result.out)
    assert 5 < len(lines) < 60
    assert result.code == 66 and "cut.avi" in result.err


def test_inspect_says_what_a_network_wants(model):
    result = jetwatch("inspect", model)
    assert result.code == 0, result.err
    for word in ("images", "output", "opset", "end2end"):
        assert word in result.out


def test_check_says_what_would_be_opened(model, tmp_path):
    config = tmp_path / "good.yaml"
    config.write_text(
        "cameras: [{name: door, source: 'rtsp://u:hunter2@10.0.0.9/s'}]\n"
        f"detect: {{model: {model}}}\nrtsp: {{port: 8600}}\n"
    )
    result = jetwatch("check", config)
    assert result.code == 0, result.err
    for word in ("door", "10.0.0.9", "tiny.onnx", "8600"):
        assert word in result.out
    assert "hunter2" not in result.out
