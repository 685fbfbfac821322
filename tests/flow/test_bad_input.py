"""What people really type: one clear line, the right exit code, nothing half written."""

import socket

import pytest

from tests import tiny
from tests.command import jetwatch

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.detector(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return tiny.clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


def run(*arguments, **rest):
    return jetwatch("run", "--backend", "host", *arguments, **rest)


@pytest.mark.parametrize(
    "content, word",
    [
        (None, "no such file"),
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git-lfs"),
        (b"\x08\x07\x12\x04" + b"\xff" * 200, "wrong.onnx"),
    ],
)
def test_a_model_that_is_none(content, word, clip, tmp_path):
    path = tmp_path / "wrong.onnx"
    if content is not None:
        path.write_bytes(content)
    out = tmp_path / "seen.mp4"
    result = run("--source", clip, "--model", path, "--out", out)
    result.failed(78, "wrong.onnx", word)
    assert [one.name for one in tmp_path.iterdir()] == (
        ["wrong.onnx"] if content is not None else []
    )


def test_a_model_cut_short(model, clip, tmp_path):
    path = tmp_path / "cut.onnx"
    with open(model, "rb") as file:
        path.write_bytes(file.read()[:-60])
    run("--source", clip, "--model", path).failed(78, "cut.onnx")


def test_a_model_with_unknown_outputs(clip, tmp_path):
    path = tiny.unknown(tmp_path / "unknown.onnx")
    run("--source", clip, "--model", path).failed(78, "unknown.onnx", "mean")


def test_a_model_that_the_catalogue_lacks(clip):
    run("--source", clip, "--model", "yolox_nan").failed(78, "yolox_nano")


def test_no_such_clip(model, tmp_path):
    run("--source", tmp_path / "none.mp4", "--model", model).failed(66, "none.mp4")


@pytest.mark.parametrize("content", [b"", b"not a film at all\n" * 50])
def test_a_file_that_is_no_video(content, model, tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    run("--source", path, "--model", model, "--out", tmp_path / "seen.mp4").failed(66, "film.mp4")
    assert [one.name for one in tmp_path.iterdir()] == ["film.mp4"]


def test_a_folder_with_one_broken_picture_goes_on(model, tmp_path):
    folder = tmp_path / "photos"
    tiny.pictures(folder, 3)
    (folder / "001.jpg").write_bytes(b"\xff\xd8 cut")
    result = run("--source", folder, "--model", model, "--detections", "-")
    assert result.code == 0, result.err
    assert len(result.out.splitlines()) == 2
    assert "001.jpg" in result.err


def test_an_empty_folder(model, tmp_path):
    run("--source", tmp_path, "--model", model).failed(66, tmp_path.name)


def test_a_camera_that_is_not_there_is_asked_again_and_its_password_is_not_shown(model):
    result = run(
        "--source", "rtsp://user:hunter2@127.0.0.1:9/x", "--model", model, "--seconds", "3"
    )
    result.failed(66)
    assert "hunter2" not in result.out + result.err


def test_a_port_in_use(model, clip):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        result = run("--source", clip, "--model", model, "--rtsp", port)
    result.failed(73, str(port))


@pytest.mark.parametrize("flag", ["--out", "--detections"])
def test_an_output_that_cannot_be_written(flag, model, clip, tmp_path):
    (tmp_path / "file").write_text("")
    run("--source", clip, "--model", model, flag, tmp_path / "file" / "x.mp4").failed(73, "x.mp4")


@pytest.mark.parametrize(
    "text, words",
    [
        ("", ["cameras is required"]),
        ("cameras: 3\ndetect: {modle: x}", ["1: cameras", "did you mean 'model'", "2: detect"]),
        ("cameras: [", ["wrong.yaml:1"]),
        (
            "cameras:\n- {name: a, source: x.mp4}\n- {name: a, source: y.mp4}\ndetect: {model: m}",
            ["wrong.yaml:3", "two cameras"],
        ),
        (
            "cameras: [{name: a, source: ftp://u:hunter2@h/x}]\ndetect: {model: m}",
            ["1: cameras[0]"],
        ),
        ("cameras: [{name: a, source: x, password: hunter2}]\ndetect: {model: m}", ["env"]),
        ("\x00", ["wrong.yaml"]),
    ],
)
def test_a_config_that_is_wrong(text, words, tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    for verb in ("check", "run"):
        result = jetwatch(verb, path)
        assert result.code == 78
        for word in words:
            assert word in result.err
        assert "hunter2" not in result.err


def test_two_models_of_one_name(model, tmp_path):
    path = tmp_path / "wrong.yaml"
    one = f"- {{name: same, path: {model}}}\n"
    path.write_text("cameras: [{name: a, source: x}]\ndetect: {model: same}\nmodels:\n" + one * 2)
    result = jetwatch("check", path)
    assert result.code == 78 and "two models" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["run", "--frames", "-1"],
        ["run", "--frames", "many"],
        ["run", "--rtsp", "configs/demo.yaml"],
        ["run", "--score", "nan"],
        ["run", "--threads", "-1"],
        ["run", "--threads", "257"],
        ["fetch", "--nonsense"],
    ],
)
def test_wrong_flags(arguments):
    result = jetwatch(*arguments)
    assert result.code == 2
    assert "usage:" in result.err


def test_nothing_to_watch():
    jetwatch("run").failed(78, "--source")


def test_a_config_that_is_not_there():
    jetwatch("check", "none.yaml").failed(78, "none.yaml")


def test_inspect_a_file_that_is_no_model(tmp_path):
    path = tmp_path / "page.onnx"
    path.write_bytes(b"<html>")
    jetwatch("inspect", path).failed(78, "page.onnx")


def test_fetch_what_the_catalogue_lacks():
    jetwatch("fetch", "yolox_nan").failed(78, "yolox_nano")


SECRET = "rtsp://user:hunter2@127.0.0.1/x"


@pytest.mark.parametrize(
    "arguments, code, word",
    [
        (["run", SECRET], 78, "looks like a source; put it behind --source"),
        (["check", SECRET], 78, "looks like a source; put it behind --source"),
        (["run", "--source", "x", "--model", SECRET], 78, "looks like a source"),
        (["fetch", SECRET], 78, "looks like a source"),
        (["inspect", SECRET], 78, "looks like a source"),
        ([SECRET], 2, "invalid choice"),
        (["run", "--rtsp", SECRET], 2, "is no port"),
        (["run", "--nonsense", SECRET], 2, "usage"),
        (["check", "x.yaml", SECRET], 2, "unrecognized arguments"),
    ],
)
def test_a_source_in_the_wrong_place_shows_no_password(arguments, code, word):
    result = jetwatch(*arguments)
    assert result.code == code, result.err
    assert word in result.err and "hunter2" not in result.out + result.err


def test_every_name_is_fetched_though_one_fails(clip, tmp_path):
    """The first failure ended all; what could be had was not fetched."""
    engines = tmp_path / "engines"
    engines.mkdir()
    (engines / "here.bin").write_bytes(b"1")
    manifest = (
        "kind: clip\nsummary: x\nlicence: MIT\nsources: [{file: here.bin, bytes: 1, sha256: %s}]\n"
    )
    digest = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    (engines / "here.yaml").write_text(manifest % digest)
    result = jetwatch(
        *("fetch", "nowhere", "here", "nowhere2", "--from", engines),
        env={"JETWATCH_ENGINES": str(engines)},
    )
    assert result.code == 78, result.err
    assert "'nowhere'" in result.err and "'nowhere2'" in result.err
    assert result.out.splitlines()[0].startswith(str(engines / "here"))


def test_fetch_from_a_folder_without_a_name(tmp_path):
    """It listed the catalogue, and left the folder unread."""
    result = jetwatch("fetch", "--from", tmp_path)
    assert (result.code, result.out) == (2, "")
    assert "name what to take" in result.err
