import json
import pathlib

import jsonschema
import pytest
import yaml

from app import config
from app.device.backend import BackendSettings
from app.errors import ConfigError
from app.flags import Flags, with_flags

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "configs" / "schema.json"
LEAST = "cameras: [{name: a, source: clip.mp4}]\ndetect: {model: m}\n"


def wrong(text):
    with pytest.raises(ConfigError) as caught:
        config.parse(text, "demo.yaml")
    assert caught.value.exit_code == 78
    return str(caught.value).splitlines()


def test_little_is_enough_and_nothing_is_served_or_written_unasked():
    made = config.parse(LEAST)
    assert made.cameras[0].name == "a"
    assert (made.rtsp, made.record, made.report) == (None, None, None)
    assert made.backend.kind == "auto"


def test_rtsp_listens_on_this_machine_only_unless_told():
    assert config.parse(LEAST + "rtsp: {}").rtsp.address == "127.0.0.1"


def test_nothing_listens_for_http_unasked_and_then_on_this_machine_only():
    assert config.parse(LEAST).http is None
    assert config.parse(LEAST + "http: {}").http == ("127.0.0.1", 8080)


def test_http_and_rtsp_cannot_share_a_port():
    (line,) = wrong(LEAST + "rtsp: {}\nhttp:\n  port: 8554\n")
    assert line.startswith("demo.yaml:5: http.port 8554 is rtsp.port as well")


@pytest.mark.parametrize("text", ["port: 0", "port: 65536", "port: x", "address: ''", "name: x"])
def test_http_settings_that_cannot_be(text):
    (line,) = wrong(LEAST + "http: {{{}}}\n".format(text))
    assert line.startswith("demo.yaml:3: http.")


def test_every_problem_is_listed_with_its_line():
    assert wrong(
        "cameras:\n- name: a b\n  sorce: x\ndetect:\n  model: m\n  score: 2\nunheard_of_thing: 1\n"
    ) == [
        "demo.yaml:2: cameras[0].name must be letters, digits, - and _ (it becomes part of a URL "
        "and of file names)",
        "demo.yaml:2: cameras[0].source is required",
        "demo.yaml:3: cameras[0].sorce is not a setting; did you mean 'source'?",
        "demo.yaml:6: detect.score must be 0 to 1, not 2",
        "demo.yaml:7: unheard_of_thing is not a setting",
    ]


def test_two_cameras_of_one_name():
    (line,) = wrong(
        "cameras:\n- {name: a, source: x}\n- {name: a, source: y}\ndetect: {model: m}\n"
    )
    assert line.startswith("demo.yaml:3: cameras[1].name 'a' is the name of two cameras")


def test_two_cameras_cannot_share_a_film():
    (line,) = wrong(
        "cameras:\n- {name: a, source: x}\n- {name: b, source: y}\ndetect: {model: m}\n"
        "record:\n  path: film.mp4\n"
    )
    assert line.startswith("demo.yaml:6: record.path") and "{camera}" in line


def test_a_password_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("DOOR_PASSWORD", "hunter2")
    text = "cameras: [{name: a, source: 'rtsp://h/x', user: u, password: {env: DOOR_PASSWORD}}]\n"
    camera = config.parse(text + "detect: {model: m}").cameras[0]
    assert camera.login == ("u", "hunter2")
    assert "hunter2" not in repr(camera)


def test_a_password_comes_from_the_first_line_of_a_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text("hunter2\nrest\n")
    text = "cameras: [{name: a, source: 'rtsp://h/x', user: u, password: {file: %s}}]\n" % path
    assert config.parse(text + "detect: {model: m}").cameras[0].password == "hunter2"


@pytest.mark.parametrize(
    "password, words",
    [
        ("hunter2", "must be {env: NAME} or {file: PATH}"),
        ("{env: JETWATCH_IS_NOT_SET}", "JETWATCH_IS_NOT_SET"),
        ("{file: /nowhere/at/all}", "/nowhere/at/all"),
        ("{}", "one of env and file"),
    ],
)
def test_a_password_that_is_not_there(password, words):
    (line,) = wrong("cameras: [{name: a, source: x, password: %s}]\ndetect: {model: m}" % password)
    assert words in line and "hunter2" not in line


def test_a_source_is_not_repeated_in_a_message():
    (line,) = wrong("cameras: [{name: a, source: 'ftp://u:hunter2@h'}]\ndetect: {model: m}")
    assert "hunter2" not in line and "rtsp" in line


def test_flags_alone_make_a_config():
    made = with_flags(None, Flags(source="clip.mp4", model="m", rtsp=9000, score=0.5))
    assert [camera.name for camera in made.cameras] == ["camera"]
    assert (made.rtsp.port, made.rtsp.address, made.detect.score) == (9000, "127.0.0.1", 0.5)


def test_flags_go_over_a_config_and_keep_what_they_do_not_name():
    base = config.parse(LEAST + "rtsp: {address: 0.0.0.0}\nrecord: {path: a.mp4}\n")
    made = with_flags(base, Flags(source="other.mp4", rtsp=9000, loop=True))
    assert made.cameras[0].name == "a" and made.cameras[0].loop
    assert made.cameras[0].uri.location.endswith("other.mp4")
    assert (made.rtsp.address, made.rtsp.port) == ("0.0.0.0", 9000)
    assert made.record.path == "a.mp4"


def test_another_source_keeps_the_cameras_ways_but_not_its_password(monkeypatch):
    monkeypatch.setenv("DOOR_PASSWORD", "hunter2")
    base = config.parse(
        "cameras: [{name: a, source: x.mp4, loop: true, user: u, password: {env: DOOR_PASSWORD}}]\n"
        "detect: {model: m}"
    )
    (camera,) = with_flags(base, Flags(source="rtsp://elsewhere/x")).cameras
    assert (camera.name, camera.loop, camera.login) == ("a", True, ("", ""))


@pytest.mark.parametrize(
    "flags",
    [
        Flags(source="a.mp4", model="m", record="./a.mp4"),
        Flags(source="a.mp4", model="m", report="a.mp4"),
        Flags(source="a.mp4", model="m.onnx", report="m.onnx"),
        Flags(source="a.mp4", model="m", record="b.mp4", report="b.mp4"),
    ],
)
def test_nothing_is_written_over_what_is_read_or_twice(flags):
    with pytest.raises(ConfigError, match="written over|another use"):
        with_flags(None, flags)


def test_one_source_does_not_stand_for_several_cameras():
    base = config.parse("cameras: [{name: a, source: x}, {name: b, source: y}]\ndetect: {model: m}")
    with pytest.raises(ConfigError, match="one camera"):
        with_flags(base, Flags(source="z.mp4"))


def test_nothing_to_watch():
    with pytest.raises(ConfigError, match="--source"):
        with_flags(None, Flags())


@pytest.mark.parametrize("key, value", [("placing", "cpu"), ("graphs", "false")])
def test_what_is_of_a_gpu_alone_is_refused_where_the_cpu_is_asked_for(key, value):
    backend = f"backend: {{kind: KIND, {key}: {value}}}"
    (line,) = wrong(LEAST + backend.replace("KIND", "host"))
    assert line.startswith(f"demo.yaml:3: backend.{key} is of a GPU alone")
    for kind in ("auto", "gpu"):
        made = config.parse(LEAST + backend.replace("KIND", kind))
        assert made.backend == BackendSettings(kind, **{key: "cpu" if value == "cpu" else False})
        assert with_flags(made, Flags(backend="host")).backend == BackendSettings("host")


def test_the_schema_in_configs_is_what_the_code_accepts():
    """Editors complete and check by it. To mend: scripts/schema."""
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(config.schema()))


EXAMPLES = sorted((ROOT / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_each_example_is_accepted_by_the_code_and_by_the_schema(path, monkeypatch):
    monkeypatch.setenv("DOOR_PASSWORD", "x")
    config.load(str(path))
    jsonschema.validate(yaml.safe_load(path.read_text()), json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "cameras: []\ndetect: {model: m}",
        "cameras: [{name: a}]\ndetect: {model: m}",
        LEAST + "unheard_of_thing: 1",
        LEAST + "rtsp: {port: 0}",
        LEAST + "rtsp: {port: '8554'}",
        LEAST + "backend: {kind: tpu}",
        LEAST + "backend: {threads: true}",
        LEAST + "backend: {placing: nobody}",
        LEAST + "backend: {graphs: 1}",
        "cameras: [{name: a, source: x, loop: 1}]\ndetect: {model: m}",
        "cameras: [{name: a, source: x, size_wh: [640]}]\ndetect: {model: m}",
    ],
)
def test_code_and_schema_refuse_the_same(text):
    wrong(text)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), json.loads(SCHEMA.read_text()))
