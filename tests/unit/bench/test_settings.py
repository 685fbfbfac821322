import pytest
import yaml

from app import config
from app.bench import settings
from app.bench.settings import Setting
from app.bench.work import CAMERA, FLAT
from app.errors import ConfigError

TREE = {
    "cameras": [{"name": "door", "source": "test://?size=640x480&fps=15"}],
    "detect": {"model": "yolox_nano"},
    "track": {},
    "rtsp": {},
}


def names(asked):
    return [one.name for one in settings.combinations(asked)]


def test_what_differs_names_a_setting():
    asked = {"model": ["a", "b"], "interval": ["1"], "cameras": ["1", "2"]}
    assert names(asked) == ["a, 1 camera", "a, 2 cameras", "b, 1 camera", "b, 2 cameras"]
    assert settings.combinations(asked)[0].values == {
        "model": "a", "interval": "1", "cameras": "1",
    }  # fmt: skip


def test_one_setting_needs_no_name():
    assert names({}) == names({"model": ["a"]}) == names({"threads": ["2", "2"]}) == [""]


def test_every_wrong_value_is_named_at_once():
    asked = {
        "precision": ["fp16", "bf16"], "size": ["416"], "batch": ["0"], "interval": ["x"],
        "graphs": ["true"], "cameras": ["65"], "threads": ["-1"], "placing": ["dla"],
    }  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        settings.combinations(asked)
    lines = str(caught.value).splitlines()
    assert len(lines) == 8
    assert all(line.startswith("--") for line in lines)


@pytest.mark.parametrize("value", ["auto", "1", "12"])
def test_an_interval_may_be_auto(value):
    (one,) = settings.combinations({"interval": [value]})
    made = config.parse(settings.text(settings.applied(TREE, one)))
    assert made.detect.interval == (0 if value == "auto" else int(value))


def test_values_reach_the_config():
    values = {"model": "nanodet_g", "threads": "2", "interval": "3", "cameras": "2"}
    made = config.parse(settings.text(settings.applied(TREE, Setting("", values))))
    assert made.detect.model == "nanodet_g" and made.detect.interval == 3
    assert made.backend.threads == 2
    assert [camera.name for camera in made.cameras] == ["door1", "door2"]


def test_the_base_is_not_changed():
    before = yaml.safe_dump(TREE)
    settings.applied(TREE, Setting("", {"model": "x", "cameras": "3", "threads": "1"}))
    settings.safe(TREE, "/nowhere", (8554, 8080), FLAT)
    assert yaml.safe_dump(TREE) == before


def test_more_cameras_than_there_are_come_of_one_alone():
    two = dict(TREE, cameras=[{"name": "a", "source": "test://"}, {"name": "b", "source": "c.mp4"}])
    made = settings.applied(two, Setting("", {"cameras": "1"}))
    assert [one["name"] for one in made["cameras"]] == ["a"]
    with pytest.raises(ConfigError, match="the config has 2"):
        settings.applied(two, Setting("", {"cameras": "3"}))


def test_a_run_touches_no_file_and_no_port_of_the_service(tmp_path):
    tree = dict(
        TREE,
        rtsp={"address": "0.0.0.0", "port": 8554, "user": "u", "password": {"env": "P"},
              "bitrate_kbps": 900},
        http={"address": "0.0.0.0", "port": 80},
        record={"path": "/clips/{camera}-{time}.mp4", "minutes": 5},
        report={"path": "-"},
        events={"path": "/var/events.jsonl", "snapshots": "/var/snapshots"},
        counters="/var/counters.json",
    )  # fmt: skip
    made = settings.safe(tree, str(tmp_path), (9000, 9001), CAMERA)
    parsed = config.parse(settings.text(made))
    assert (parsed.rtsp.address, parsed.rtsp.port) == ("127.0.0.1", 9000)
    assert parsed.rtsp.bitrate_kbps == 900 and not parsed.rtsp.login.user
    assert (parsed.http.address, parsed.http.port) == ("127.0.0.1", 9001)
    written = [parsed.record.path, parsed.report.path, parsed.events.path,
               parsed.events.snapshots, parsed.counters]  # fmt: skip
    assert all(path.startswith(str(tmp_path)) for path in written)
    assert parsed.record.minutes == 5


@pytest.mark.parametrize("pace, realtime", [(CAMERA, True), (FLAT, False)])
def test_a_clip_goes_on_and_on(pace, realtime):
    tree = dict(TREE, cameras=[{"name": "a", "source": "clip.mp4", "realtime": False}])
    (camera,) = config.parse(settings.text(settings.safe(tree, ".", (1, 2), pace))).cameras
    assert camera.loop and camera.realtime is realtime


def test_a_pattern_without_rest_keeps_its_size():
    (camera,) = config.parse(settings.text(settings.safe(TREE, ".", (1, 2), FLAT))).cameras
    assert camera.uri.size_wh == (640, 480) and camera.uri.fps > 500


@pytest.mark.parametrize(
    "source, own_pace", [("a.mp4", False), ("test://", False), ("rtsp://h/s", True)]
)
def test_a_camera_keeps_its_own_rate(source, own_pace):
    tree = dict(TREE, cameras=[{"name": "a", "source": source}])
    assert settings.recorded(tree) is not own_pace


def test_no_secret_is_shown():
    tree = dict(TREE, cameras=[{"name": "a", "source": "rtsp://user:hush@host/s?token=hush"}])
    shown = "\n".join(settings.shown(tree))
    assert "hush" not in shown and "host" in shown


def test_a_file_is_read_as_the_service_reads_it(tmp_path):
    path = tmp_path / "one.yaml"
    path.write_text("cameras: [{name: a, source: clip.mp4}]\ndetect: {model: yolox_nano}\n")
    tree = settings.base(str(path), "other.mp4", "nanodet_g")
    made = config.parse(settings.text(tree))
    assert made.cameras[0].uri.location == "other.mp4" and made.detect.model == "nanodet_g"
    assert made.rtsp is None  # as the file has it
    safe = config.parse(settings.text(settings.safe(tree, str(tmp_path), (9000, 1), CAMERA)))
    assert safe.rtsp.port == 9000  # a client is to watch it


def test_a_wrong_file_is_told_as_jetwatch_check_does(tmp_path):
    path = tmp_path / "one.yaml"
    path.write_text("cameras: [{name: a, source: clip.mp4}]\ndetect: {modle: x}\n")
    with pytest.raises(ConfigError, match="one.yaml:2"):
        settings.base(str(path), None, None)


def test_where_nothing_can_be_served_nothing_is():
    assert "rtsp" not in settings.safe(TREE, ".", (None, 1), CAMERA)
    assert "rtsp" in TREE


def test_a_variant_takes_the_place_of_the_first_cameras_model_wherever_it_is_used():
    tree = dict(
        TREE,
        cameras=[
            {"name": "a", "source": "test://", "model": "nanodet_g"},
            {"name": "b", "source": "test://"},
            {"name": "c", "source": "test://", "model": "nanodet_g"},
        ],
    )
    assert settings.own_model(tree) == "nanodet_g" and settings.own_model(TREE) == "yolox_nano"
    made = settings.with_model(tree, {"name": "small", "path": "small.onnx"})
    parsed = config.parse(settings.text(made))
    assert parsed.detect.model == "yolox_nano"
    assert parsed.models_of == {"a": "small", "c": "small"}
    alone = config.parse(settings.text(settings.with_model(TREE, {"name": "s", "path": "s.onnx"})))
    assert alone.detect.model == "s"


def test_a_path_of_any_letters_is_read_back():
    tree = dict(TREE, cameras=[{"name": "a", "source": "caf\u00e9 \U0001f600.mp4"}])
    (camera,) = config.parse(settings.text(tree)).cameras
    assert camera.uri.location == "caf\u00e9 \U0001f600.mp4"


@pytest.mark.parametrize(
    "change, alone",
    [
        ({}, True),
        ({"detect": {"model": "m", "interval": 1}}, True),
        ({"detect": {"model": "m", "interval": 2}}, False),
        ({"detect": {"model": "m", "interval": "auto"}}, False),
        ({"cameras": [{"source": "test://"}] * 2}, False),
    ],
)
def test_what_a_step_takes_is_that_of_a_picture_where_each_is_looked_at(change, alone):
    tree = {"cameras": [{"source": "test://"}], "detect": {"model": "m"}}
    assert settings.single(dict(tree, **change)) is alone


@pytest.mark.parametrize(
    "name, value, on_cpu, told",
    [
        ("graphs", "on", True, "graphs on wants a GPU"),
        ("graphs", "off", True, ""),  # as it is there
        ("placing", "gpu", True, "placing gpu wants a GPU"),
        ("placing", "cpu", True, ""),
        ("threads", "2", True, ""),
        ("graphs", "on", False, ""),
        ("placing", "cpu", False, ""),
        ("threads", "0", False, "threads 0 wants the CPU's inference"),
        ("interval", "2", False, ""),
        ("interval", "2", True, ""),
    ],
)
def test_what_changes_nothing_here_is_not_measured_as_if_it_did(name, value, on_cpu, told):
    setting = Setting("", {"model": "a", name: value})
    if told:
        with pytest.raises(ConfigError, match=told):
            settings.check_here(setting, on_cpu)
    else:
        settings.check_here(setting, on_cpu)
