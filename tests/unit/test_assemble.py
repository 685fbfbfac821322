"""assemble: which stages a config gets, in which lanes, and which networks are loaded."""

import contextlib
import threading

import numpy as np
import pytest

from app import config
from app.assemble import assemble
from app.beside import Beside
from app.core.load import Ease
from app.device.backend import TensorSpec
from app.errors import ConfigError, EngineError
from tests.fake_backend import FakeBackend

SQUARE = "[[0, 0], [1, 0], [1, 1], [0, 1]]"


class Counting(FakeBackend):
    """Knows a detector, another of its kind, and a classifier; remembers what was loaded."""

    def __init__(self):
        rows = np.zeros((1, 0, 6), np.float32)
        detector = lambda tensor: {"output": rows}  # noqa: E731
        super().__init__({"one": detector, "two": detector, "names": detector, "bare": detector})
        self.loaded = []

    def load(self, model):
        self.loaded.append((model.name, model.score))
        made = super().load(model)
        outputs = (TensorSpec("prob", (-1, 3), "float32"),)
        return made._replace(outputs=outputs) if model.decoder is None else made


def assembled(cameras, more="", backend=None):
    """Stages' names, lane by lane, and the backend."""
    backend = backend or Counting()
    entries = "".join(
        f"- {{name: c{row}, source: 'test://'{rest}}}\n" for row, rest in enumerate(cameras)
    )
    models = "".join(
        f"- {{name: {name}, path: {name}.onnx, input: {{size: [32, 32]}}, decoder: end2end, "
        "labels: coco, score: 0.4}\n"
        for name in ("one", "two")
    )
    models += "- {name: bare, path: bare.onnx, input: {size: [32, 32]}, decoder: end2end}\n"
    models += "- {name: names, path: names.onnx, input: {size: [32, 32]}}\n"
    text = f"cameras:\n{entries}models:\n{models}"
    text += more if "detect:" in more else "detect: {model: one}\n" + more
    pipeline = assemble(config.parse(text), backend)
    return [[stage.name for stage in lane] for lane in pipeline.lanes], backend


def test_cameras_of_one_model_share_one_network():
    _, backend = assembled(["", "", ", model: two", ""])
    assert backend.loaded == [("one", 0.4), ("two", 0.4)]


@pytest.mark.parametrize(
    "more, lanes",
    [
        ("", [["preprocess", "detect"]]),
        ("report: {path: '-'}\n", [["preprocess", "detect"], ["report"]]),
        ("http: {}\n", [["preprocess", "detect"]]),
        (
            "http: {}\nrecord: {path: film.mp4}\nprivacy: {classes: [person]}\n",
            [
                ["preprocess", "detect"],
                ["track", "watch"],
                ["privacy", "overlay", "show", "record"],
            ],
        ),
        ("track: {}\n", [["preprocess", "detect"], ["track", "watch"]]),
        ("counters: /tmp/none.json\n", [["preprocess", "detect"], ["track", "watch"]]),
        ("overlay: {heat: true}\n", [["preprocess", "detect"], ["track", "watch"]]),
        ("detect: {model: one, interval: 2}\n", [["preprocess", "detect"], ["track", "watch"]]),
        (
            "looks: [{name: kind, model: names}]\nprivacy: {faces: two}\n"
            "events: {path: /tmp/none.jsonl, snapshots: /tmp/none}\n",
            [
                ["preprocess", "detect", "faces"], ["track", "look", "watch"],
                ["privacy", "overlay", "events"],
            ],
        ),
        ("detect: {model: names}\n", [["preprocess", "classify"]]),
    ],
)  # fmt: skip
def test_lanes(more, lanes):
    assert assembled([""], more)[0] == lanes


def test_a_camera_with_a_classifier_beside_one_with_a_detector():
    lanes, _ = assembled(["", ", model: names"], "track: {}\n")
    assert lanes == [["preprocess", "detect", "classify"], ["track", "watch"]]


@pytest.mark.parametrize(
    "more, low",
    [
        ("", 0.4),
        ("track: {low: 0.05}\n", 0.05),
        ("track: {low: 0.3}\nprivacy: {classes: [person]}\n", 0.25),
        ("privacy: {classes: [person], score: 0.02}\n", 0.02),
    ],
)
def test_a_model_is_run_down_to_what_its_tracks_and_privacy_want(more, low):
    _, backend = assembled([""], more)
    assert backend.loaded == [("one", low)]


def test_a_look_by_a_detector_and_faces_by_a_classifier_are_refused():
    with pytest.raises(ConfigError, match="'two' is a detector"):
        assembled([""], "looks: [{name: kind, model: two}]\n")
    with pytest.raises(EngineError, match="names: is a classifier"):
        assembled([""], "privacy: {faces: names}\n")


def test_labels_are_checked_once_a_model_without_a_manifest_is_loaded():
    class Late(Counting):
        def load(self, model):
            made = super().load(model)
            return made._replace(model=made.model._replace(labels=("cat", "dog")))

    zone = f", zones: [{{name: z, points: {SQUARE}, classes: [dgo]}}]"
    with pytest.raises(ConfigError) as raised:
        assembled([zone], "detect: {model: bare}\n", Late())
    assert str(raised.value).startswith(
        "cameras[0].zones[0].classes cannot be: bare has no label 'dgo'. Did you mean 'dog'"
    )


@pytest.mark.parametrize(
    "zone, scales",
    [("", True), (f"zones: [{{name: z, points: {SQUARE}}}]", False),
     (f"masks: [{SQUARE}]", True), ("masks: [[[9, 9], [90, 9], [90, 90]]]", False)],
)  # fmt: skip
def test_pictures_become_smaller_only_where_it_harms_nobody(zone, scales):
    """Tracks break, and who is counted is counted twice; a mask in pixels would lie elsewhere."""
    beside = Beside()
    text = (
        f"cameras: [{{name: a, source: 'test://', {zone}}}]\ndetect: {{model: one}}\n"
        "models: [{name: one, path: one.onnx, input: {size: [32, 32]}, decoder: end2end}]\n"
        "limits: {max_temperature_c: 80}\n"
    )
    pipeline = assemble(config.parse(text), Counting(), beside=beside)
    assert "track" in [stage.name for stage in pipeline.lanes[1]]  # it may look less often
    beside.load.ease = Ease(scale=0.5)
    with contextlib.closing(pipeline.sources[0].frames(threading.Event())) as frames:
        small = next(frames).size_wh
    beside.load.ease = Ease()
    with contextlib.closing(pipeline.sources[0].frames(threading.Event())) as frames:
        assert (next(frames).size_wh != small) == scales
