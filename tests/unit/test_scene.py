"""scene: what is wrong with places, tracks, looks, privacy and events, with its line."""

import pytest

from app import config
from app.errors import ConfigError

HEAD = "cameras:\n- name: a\n  source: test://\n"
TAIL = "detect: {model: m}\n"
SQUARE = "[[0, 0], [1, 0], [1, 1], [0, 1]]"


def zone(points, more=""):
    return f"{HEAD}  zones:\n  - name: z\n    points: {points}\n{more}{TAIL}"


def refused(text, *words):
    with pytest.raises(ConfigError) as raised:
        config.parse(text, "c.yaml")
    message = str(raised.value)
    assert all(word in message for word in words), message
    return message.splitlines()


@pytest.mark.parametrize(
    "points, words",
    [
        ("[[0, 0], [1, 1]]", "needs 3 points"),
        ("[]", "needs 3 points"),
        ("[[0, 0], [1, 1], [1, 0], [0, 1]]", "cross"),
        ("[[0, 0], [0.5, 0.5], [1, 1]]", "area"),
        ("[[0, 0], [0.5, 300], [1, 1]]", "cannot be used"),
        ("[[0, 0], [.nan, 0], [1, 1]]", "must be a number"),
        ("[[0, 0], [-1, 0], [1, 1]]", "below 0"),
        ("[[0, 0], [1e300, 0], [1, 1]]", "no picture reaches that far"),
        ("[[0, 0], [1], [1, 1]]", "must have 2 values"),
        ("what", "must be a list"),
    ],
)
def test_a_polygon_that_is_none(points, words):
    (line,) = refused(zone(points), words)
    assert line.startswith("c.yaml:6: cameras[0].zones[0].points") or "points[1]" in line
    mask = f"{HEAD}  masks: [{points}]\n{TAIL}"
    refused(mask, words, "c.yaml:4: cameras[0].masks[0]")


@pytest.mark.parametrize("points", ["[[0.1, 0.1]]", "[[0.1, 0.1], [0.1, 0.1]]", "[]"])
def test_a_line_of_no_length(points):
    text = f"{HEAD}  lines: [{{name: l, points: {points}}}]\n{TAIL}"
    refused(text, "c.yaml:4: cameras[0].lines[0].points cannot be used")


def test_every_mistake_at_once_with_its_line():
    text = (
        "cameras:\n"
        "- name: a\n  source: test://\n"
        "  zones:\n"
        "  - {name: z, points: [[0, 0], [1, 1]]}\n"
        f"  - {{name: z, points: {SQUARE}}}\n"
        "- name: a\n  source: test://\n"
        "  lines: [{name: l, points: [[1, 1], [1, 1]], point: feet}]\n"
        "detect: {model: m, interval: 0}\n"
        "looks: [{name: l, model: c, refresh_s: -1}]\n"
    )
    assert [line.split(" ")[0] for line in refused(text)] == [
        f"c.yaml:{number}:" for number in (5, 9, 10, 11)
    ]
    good = text.replace("[[0, 0], [1, 1]]", SQUARE).replace("-1", "1").replace("interval: 0", "")
    good = good.replace("[[1, 1], [1, 1]], point: feet", "[[1, 1], [0, 1]]")
    refused(good, "c.yaml:6: cameras[0].zones[1].name 'z' is the name of two places")
    refused(good.replace("{name: z, points", "{name: y, points", 1), "'a' is the name of two")


def test_a_line_and_a_zone_do_not_share_a_name():
    text = zone(SQUARE, "  lines: [{name: z, points: [[0, 0], [1, 1]]}]\n")
    refused(text, "'z' is the name of two places")


@pytest.mark.parametrize(
    "ground, words",
    [
        ("{points: [[0, 0], [1, 0], [1, 1]], metres: [[0, 0], [1, 0], [1, 1]]}", "4 points"),
        (f"{{points: {SQUARE}, metres: [[0, 0], [1, 1], [2, 2], [3, 3]]}}", "cannot be used"),
        (f"{{points: {SQUARE}}}", "metres is required"),
    ],
)
def test_a_ground_that_gives_no_scale(ground, words):
    refused(f"{HEAD}  ground: {ground}\n{TAIL}", words)


def test_privacy_that_would_hide_nothing():
    text = f"{HEAD}detect: {{model: m, classes: [car]}}\nprivacy: {{classes: [person]}}\n"
    refused(text, "c.yaml:5: privacy.classes names 'person', which detect.classes leaves out")
    refused(f"{HEAD}{TAIL}privacy: {{how: fill}}\n", "c.yaml:5: privacy hides nothing")
    classifier = f"{HEAD}detect: {{model: mobilenet_v2}}\nprivacy: {{classes: [tabby]}}\n"
    refused(classifier, "c.yaml:5: privacy.classes cannot be hidden on a: mobilenet_v2 is a class")
    refused(
        f"{HEAD}{TAIL}privacy: {{faces: squeezenet}}\n", "privacy.faces 'squeezenet' is a class"
    )


def test_what_comes_between_looks_would_be_seen():
    text = f"{HEAD}detect: {{model: m, interval: 3}}\nprivacy: {{classes: [person]}}\n"
    refused(text, "c.yaml:4: detect.interval must be 1 where privacy.classes are hidden")


@pytest.mark.parametrize(
    "more, words",
    [
        ("looks: [{name: l, model: yolox_nano}]\n", "looks[0].model 'yolox_nano' is a detector"),
        ("track: {low: 0.5}\n", "track.low is above detect.score, 0.4"),
        ("events: {path: clip.mp4}\n", "events.path clip.mp4 is read, or has another use"),
        ("counters: x\nevents: {path: x}\n", "counters x is read, or has another use"),
        ("counters: x\nreport: {path: ./x}\n", "counters x is read, or has another use"),
        ("events: {path: x, snapshots: x}\n", "events.snapshots x is read, or has another use"),
        ("counters: ''\n", "counters must not be empty"),
        ("looks: [{name: l, model: m, of: [dog]}]\n", "looks[0].of names 'dog', which detect.cla"),
    ],
)
def test_settings_that_contradict_each_other(more, words):
    head = HEAD.replace("test://", "clip.mp4")
    refused(f"{head}detect: {{model: m, score: 0.4, classes: [cat]}}\n{more}", words)


def test_zones_before_a_classifier():
    text = f"{HEAD}  zones: [{{name: z, points: {SQUARE}}}]\ndetect: {{model: mobilenet_v2}}\n"
    refused(text, "c.yaml:4: cameras[0].zones cannot be used: mobilenet_v2 is a classifier")


def test_one_cameras_model_may_know_what_anothers_does_not():
    text = (
        f"{HEAD}- {{name: b, source: 'test://', model: centerface}}\n"
        "detect: {model: yolox_nano, classes: [person, face]}\n"
    )
    config.parse(text)
    refused(text.replace("face]", "cow-boy]"), "detect.classes cannot be: yolox_nano has no label")


@pytest.mark.parametrize("value, kept", [("auto", 0), ("3", 3)])
def test_the_interval_is_a_number_or_auto(value, kept):
    made = config.parse(f"{HEAD}detect: {{model: m, interval: {value}}}\n")
    assert made.detect.interval == kept


@pytest.mark.parametrize("value", ["0", "often", "1.5", "[auto]", "true"])
def test_what_is_no_interval(value):
    refused(f"{HEAD}detect: {{model: m, interval: {value}}}\n", "detect.interval must be")


def test_what_stands_with_each_camera_is_kept_by_its_name():
    text = (
        f"cameras:\n- name: a\n  source: test://\n  model: other\n  masks: [{SQUARE}]\n"
        f"- name: b\n  source: test://\n  zones: [{{name: z, points: {SQUARE}, crowd: 2}}]\n{TAIL}"
    )
    made = config.parse(text)
    assert dict(made.models_of) == {"a": "other"}
    assert list(made.scenes) == ["b"] and made.scenes["b"].zones[0].crowd == 2
    assert list(made.privacy.masks) == ["a"] and len(made.privacy.masks["a"][0]) == 4
    assert made.track is None and made.events is None and made.counters is None


def test_labels_that_no_model_knows_are_all_told_with_their_lines():
    text = (
        "cameras:\n- name: a\n  source: test://\n"
        f"  zones: [{{name: z, points: {SQUARE}, classes: [persn]}}]\n"
        "  lines: [{name: l, points: [[0, 0], [1, 1]], classes: [car, lorry]}]\n"
        "- name: b\n  source: test://\n"
        "detect: {model: yolox_nano}\n"
        "looks:\n- {name: kind, model: mobilenet_v2, of: [trck]}\n"
        "privacy: {classes: [face]}\n"
    )
    lines = refused(text)
    assert [line.split(" cannot be: ")[0] for line in lines] == [
        "c.yaml:4: cameras[0].zones[0].classes", "c.yaml:5: cameras[0].lines[0].classes",
        "c.yaml:10: looks[0].of", "c.yaml:11: privacy.classes",
    ]  # fmt: skip
    assert "Did you mean 'person'?" in lines[0]


def test_a_zone_outside_a_picture_whose_size_is_known():
    text = zone("[[2000, 10], [2100, 10], [2100, 90]]", "  size_wh: [1280, 720]\n")
    refused(text, "c.yaml:6: cameras[0].zones[0].points cannot be seen", "1280x720")
    config.parse(zone("[[2000, 10], [2100, 10], [2100, 90]]"))
