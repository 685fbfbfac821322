import json
import random

import pytest

from app.device import plan
from app.device.plan import Profile
from app.errors import EngineError
from tests.plans import NANO, SIDECAR


@pytest.fixture
def engine(tmp_path):
    path = tmp_path / "yolox_nano.engine"
    path.write_bytes(b"plan")
    return path


def describe(engine, content):
    engine.with_name(engine.name + ".json").write_bytes(content)


def refused(engine):
    with pytest.raises(EngineError) as caught:
        plan.read(str(engine))
    said = str(caught.value)
    assert said.endswith(". Run: jetwatch build yolox_nano") and said.isprintable()
    return said


def test_there_and_back(engine):
    describe(engine, plan.text(SIDECAR).encode("ascii"))
    assert plan.read(str(engine)) == SIDECAR


def test_the_models_path_stays_where_it_was(engine):
    text = plan.text(SIDECAR._replace(model=SIDECAR.model._replace(path="/home/somebody/x.onnx")))
    assert "somebody" not in text and text == plan.text(SIDECAR)


def test_no_engine_or_no_sidecar(engine):
    assert "says what it fits, is not there" in refused(engine)
    engine.with_name(engine.name + ".json").mkdir()
    assert "Is a directory" in refused(engine)
    engine.unlink()
    assert "no such engine" in refused(engine)


GOOD = json.loads(plan.text(SIDECAR))


def changed(place, value):
    """The good document with another value at "a.b.c"."""
    document = json.loads(json.dumps(GOOD))
    *way, last = place.split(".")
    inner = document
    for key in way:
        inner = inner[int(key) if isinstance(inner, list) else key]
    inner[last] = value
    return document


BAD = [
    (b"", "is no JSON"),
    (b"\xff\xfe", "is no JSON"),
    (plan.text(SIDECAR).encode()[:-30], "is no JSON"),
    (b"[" * 100000, "is no JSON"),
    (b" " * (5 << 20), "larger than 4 MiB"),
    (b'{"version": %s}' % (b"9" * 100000), "no sidecar of an engine of ours"),
    ([], "no sidecar of an engine of ours"),
    ({"name": "jetwatch", "version": "1.0"}, "no sidecar of an engine of ours"),
    (dict(GOOD, version=2, new={}), "written by a newer jetwatch (layout 2, not 1)"),
    (dict(GOOD, version=True), "no sidecar of an engine of ours"),
    (dict(GOOD, new=1), "new is unknown"),
    ({"version": 1}, "fingerprint is missing"),
    (changed("fingerprint.sm_count", "1"), "fingerprint.sm_count must be a whole number"),
    (changed("fingerprint.gpu", "a\nb"), "fingerprint.gpu must be text that can be printed"),
    (changed("fingerprint.onnx_sha256", "0A" * 32), "fingerprint holds what is no sha256"),
    (changed("fingerprint.plugins", ["x"]), "fingerprint holds what is no sha256"),
    (changed("plan_sha256", ""), "plan_sha256 is no sha256"),
    (changed("plan_bytes", 0), "plan_bytes must be above 0"),
    (changed("batch", 0), "batch must be above 0"),
    (changed("device_memory", -1), "must not be negative"),
    (changed("inputs", []), "inputs or outputs are missing"),
    (changed("inputs.0.dtype", "object"), "images has no type of numpy's"),
    (changed("outputs.0.shape", [-2]), "output has no shape"),
    (changed("model.decoder", "yolov99"), "model.decoder is unknown"),
    (changed("model.score", 1.5), "model.score and iou must be 0 to 1"),
    (changed("model.input", None), "model.input is missing"),
    (changed("model.input.size_wh", [0, 416]), "model.input.size_wh is no size"),
    (changed("model.input.layout", "chwn"), "model.input.layout is unknown"),
    (changed("model.input.colour", "grey"), "model.input.colour is unknown"),
    (changed("model.input.std", [1, 0, 1]), "model.input.std must be above 0"),
    (changed("model.input.pad", 256), "model.input.pad must be 0 to 255"),
    (changed("model.input.resize", 0), "model.input.resize must be above 0"),
    (changed("model.input.placement", "tilt"), "model.input.placement must be one of"),
]


@pytest.mark.parametrize("content, said", BAD, ids=[said for _, said in BAD])
def test_a_sidecar_is_not_trusted(engine, content, said):
    describe(engine, content if isinstance(content, bytes) else json.dumps(content).encode())
    assert said in refused(engine)


def test_whatever_happens_to_a_sidecar_is_said_in_one_line(engine):
    """Bytes changed, cut out and doubled at random: read as something whole, or refused."""
    dice = random.Random(7)
    good = plan.text(SIDECAR).encode("ascii")
    refusals = set()
    for _ in range(600):
        content = bytearray(good)
        for _ in range(dice.randrange(1, 4)):
            start = dice.randrange(len(content))
            stop = start + dice.choice((1, 1, 1, 5, 50))
            content[start:stop] = dice.choice(
                (b"", b"-", b"9", b".", b'"', b"[", b"}", b"null", b"1e999", b"NaN", b"\\ud800")
            )
        describe(engine, bytes(content))
        try:
            plan.read(str(engine))
        except EngineError:
            refusals.add(refused(engine))
    assert len(refusals) > 30


def test_any_single_value_may_be_of_any_type(engine):
    """Each value of a good sidecar replaced by each kind of another: never a foreign error."""
    refusals = 0
    for place in places(GOOD):
        for value in (None, True, -1, 0, 1 << 70, 0.5, "", "x", [], [[]], {}, {"a": {}}):
            describe(engine, json.dumps(changed(place, value)).encode())
            try:
                plan.read(str(engine))
            except EngineError:
                refusals += 1
    assert refusals > 500


def places(value, before=""):
    for key, inner in value.items():
        place = f"{before}.{key}" if before else key
        yield place
        if isinstance(inner, dict):
            yield from places(inner, place)


def test_it_fits():
    assert plan.check(SIDECAR.fingerprint, SIDECAR.fingerprint) == []
    assert plan.check(SIDECAR.fingerprint, NANO) == [], "a device alone asks for no model"


DIFFERENT = [
    ({"tensorrt": "8.6.0"}, ["TensorRT 8.6.0 here, 8.2.1.8 in the engine"]),
    ({"l4t": ""}, ["L4T none here, 32.7.1 in the engine"]),
    (
        {"sm": "8.7", "sm_count": 8},
        ["SM 8.7 here, 5.3 in the engine", "multiprocessors: 8 here, 1 in the engine"],
    ),
    ({"memory_mb": 2048}, ["MiB of device memory: 2048 here, 4096 in the engine"]),
    ({"machine": "x86_64"}, ["machine x86_64 here, aarch64 in the engine"]),
    ({"onnx_sha256": "1b" * 32}, ["the ONNX file is another than the engine was built from"]),
    ({"precision": "int8"}, ["precision int8 wanted, fp16 in the engine"]),
    ({"flags": ("FP16", "DLA0")}, ["flags FP16, DLA0 wanted, FP16 in the engine"]),
    ({"calibration": "2c" * 32}, ["the engine was calibrated on other pictures"]),
    ({"plugins": ("2c" * 32,)}, ["the plugins are others than the engine was built with"]),
    (
        {"profiles": (Profile("images", (1, 3, 64, 48), (1, 3, 64, 48), (2, 3, 64, 48)),)},
        [
            "shapes images 1x3x64x48 to 2x3x64x48 wanted, "
            "images 1x3x416x416 to 4x3x416x416 in the engine"
        ],
    ),
]


@pytest.mark.parametrize("changes, said", DIFFERENT, ids=[str(said[0]) for _, said in DIFFERENT])
def test_what_keeps_it_from_running(changes, said):
    assert plan.check(SIDECAR.fingerprint, SIDECAR.fingerprint._replace(**changes)) == said


def test_every_part_of_a_fingerprint_is_compared():
    for field in NANO._fields:
        here = getattr(SIDECAR.fingerprint, field)
        other = here + 1 if isinstance(here, int) else ("x",) if isinstance(here, tuple) else "x"
        assert len(plan.check(SIDECAR.fingerprint, NANO._replace(**{field: other}))) == 1, field
