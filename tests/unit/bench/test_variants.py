import pathlib
import shutil

import pytest
import yaml

from app import catalogue, config
from app.bench import settings
from app.bench.results import Machine
from app.bench.variants import Make, variant
from app.chosen import chosen_models
from app.device import planfile
from app.device.backend import Model
from app.device.jetson import sha256_of
from app.errors import ConfigError, EngineError
from tests.plans import NANO, SIDECAR


def described(name="yolox_nano", path=__file__):
    """Any file will do for its weights."""
    return catalogue.find(name).model._replace(path=path)


def forbidden(*_):
    raise AssertionError("no engine is wanted on the CPU")


nothing = Make(forbidden, forbidden)


def read(entry):
    """The model as a config with that entry has it."""
    cameras = [{"name": "a", "source": "test://"}]
    tree = {"cameras": cameras, "detect": {"model": "x"}}
    parsed = config.parse(settings.text(settings.with_model(tree, entry)))
    return chosen_models(parsed)["a"]


@pytest.mark.parametrize("name", ["yolox_nano", "nanodet_g", "mobilenet_v2", "deimv2_femto"])
def test_all_that_is_known_of_a_model_is_kept(name, tmp_path):
    model = described(name)
    entry = variant(model, {"size": "320x256"}, str(tmp_path), None, nothing)
    assert yaml.safe_load(settings.text(entry)) == entry
    made = read(entry)
    assert made.input == model.input._replace(size_wh=(320, 256))
    assert made._replace(input=model.input, name=model.name) == model


def test_without_a_manifest_its_size_cannot_be_changed(tmp_path):
    with pytest.raises(ConfigError, match="no manifest"):
        variant(Model("a", __file__), {"size": "320x320"}, str(tmp_path), None, nothing)


@pytest.mark.parametrize("values", [{"precision": "fp16"}, {"batch": "4"}])
def test_the_cpu_has_no_precisions_and_no_batches(values, tmp_path):
    with pytest.raises(ConfigError, match="wants a GPU"):
        variant(described(), values, str(tmp_path), None, nothing)


def test_the_cpu_is_fp32_one_by_one(tmp_path):
    entry = variant(described(), {"precision": "fp32", "batch": "1"}, str(tmp_path), None, nothing)
    assert entry["path"] == __file__


ORIN = Machine(tensorrt=NANO.tensorrt, gpu=NANO.gpu)


class Builder:
    """Makes an engine's files, of a precision that may be another than was asked for."""

    def __init__(self, precision=None):
        self.built = []
        self._precision = precision

    def make(self, how=""):
        return Make(self._build, lambda values: how)

    def _build(self, model, values):
        self.built.append(dict(values))
        made = SIDECAR._replace(
            model=model,
            batch=int(values.get("batch", "1")),
            fingerprint=SIDECAR.fingerprint._replace(
                precision=self._precision or values.get("precision", "fp16"),
                onnx_sha256=sha256_of(model.path),
            ),
        )
        return planfile.write(planfile.target(model.path), lambda file: file.write(b"plan"), made)


@pytest.fixture
def onnx(tmp_path):
    path = tmp_path / "yolox_nano.onnx"
    path.write_bytes(b"weights")
    return described(path=str(path))


def test_an_engine_is_built_once_and_beside_nobody_elses(onnx, tmp_path):
    build = Builder()
    values = {"precision": "fp16", "batch": "4"}
    for _ in range(2):
        entry = variant(onnx, values, str(tmp_path / "bench"), ORIN, build.make())
    assert build.built == [values]
    assert entry["name"] == "yolox_nano-fp16-b4" and "bench" in entry["path"]
    assert planfile.find(onnx.path) is None


@pytest.mark.parametrize("change", ["weights", "device", "batch", "damage"])
def test_an_engine_that_does_not_fit_is_built_anew(onnx, tmp_path, change):
    build = Builder()
    entry = variant(onnx, {"precision": "fp16"}, str(tmp_path / "b"), ORIN, build.make())
    machine, values = ORIN, {"precision": "fp16"}
    if change == "weights":
        with open(onnx.path, "wb") as file:
            file.write(b"others, and more of them")
    elif change == "device":
        machine = ORIN._replace(gpu="another")
    elif change == "batch":
        values = {"precision": "fp16", "batch": "2"}
    else:
        with open(planfile.find(entry["path"]) + ".json", "w") as file:
            file.write("{")
    variant(onnx, values, str(tmp_path / "b"), machine, build.make())
    assert len(build.built) == 2


def test_another_precision_than_was_asked_for_is_no_figure_of_it(onnx, tmp_path):
    """And it is not built in vain each time: it says how to have it tried again."""
    build = Builder("fp16")
    for _ in range(2):
        with pytest.raises(EngineError, match="no int8 engine came of it. fp16: killed") as told:
            variant(onnx, {"precision": "int8"}, str(tmp_path / "b"), ORIN, build.make())
    assert len(build.built) == 1
    shutil.rmtree(str(told.value).split("rm -r ")[1])
    with pytest.raises(EngineError):
        variant(onnx, {"precision": "int8"}, str(tmp_path / "b"), ORIN, build.make())
    assert len(build.built) == 2


def test_an_engine_that_is_made_otherwise_is_another(onnx, tmp_path):
    """Once --calibrate B --effort 5 was told with the engine of --calibrate A --effort 0."""
    build, values = Builder(), {"precision": "int8"}
    for how in ("A", "B", "A", "B"):
        variant(onnx, values, str(tmp_path / "b"), ORIN, build.make(how))
    assert len(build.built) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"workspace_mb": 64},
        {"keep_fp16": ("conv",)},
        {"free_dims": (0,)},
        {"decoder": "yolov8"},
        {"outputs": {"output": "other"}},
    ],
)
def test_a_model_that_is_described_otherwise_has_another_engine(onnx, tmp_path, change):
    build = Builder()
    for one in (onnx, onnx._replace(**change), onnx._replace(score=0.9, labels=("a",))):
        variant(one, {"precision": "fp16"}, str(tmp_path / "b"), ORIN, build.make())
    assert len(build.built) == 2


def test_without_a_manifest_an_engine_is_built_once_as_well(onnx, tmp_path):
    build = Builder()
    plain = Model("plain", onnx.path)
    described_ = SIDECAR.model.input

    def built(model, values):
        return build._build(model._replace(input=described_), values)

    for _ in range(2):
        variant(plain, {"precision": "fp16"}, str(tmp_path / "b"), ORIN, Make(built, str))
    assert len(build.built) == 1


def test_other_weights_of_the_same_name_and_size_are_another_model(onnx, tmp_path):
    build = Builder()
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "yolox_nano.onnx"
    other.write_bytes(b"wEights")
    paths = [
        variant(
            onnx._replace(path=path), {"precision": "fp16"}, str(tmp_path / "b"), ORIN, build.make()
        )["path"]
        for path in (onnx.path, str(other))
    ]
    assert len(build.built) == 2 and paths[0] != paths[1]
    assert [pathlib.Path(path).read_bytes() for path in paths] == [b"weights", b"wEights"]
