"""relabel: opset 13 where that changes nothing, one clear line where it would."""

import numpy as np
import pytest

from app.device import relabel
from app.errors import EngineError
from tests import networks
from tests.data import data

onnx = pytest.importorskip("onnx", reason="the onnx package is not installed")
runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

SHAPE = (1, 6, 4, 4)
KNOWN = onnx.defs.onnx_opset_version()  # by this onnx package
WEIGHTS = {
    "all": np.array([0, 0, -1, 1], np.int64),
    "axes": np.array([2, 3], np.int64),
    "none": np.zeros(0, np.int64),
    "scales": np.array([1, 1, 2, 2], np.float32),
    "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64),
    "two": np.array([1, 1], np.int64),
    "zero": np.array(0, np.float32),
}


def answer(content):
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    picture = np.random.RandomState(0).uniform(-1, 1, SHAPE).astype(np.float32)
    return session.run(None, {"images": picture})


def written(tmp_path, opset, kind, given, attributes):
    weights = {name: WEIGHTS[name] for name in given if name in WEIGHTS}
    path = str(tmp_path / "m.onnx")
    nodes = [(kind, given, "out", attributes)]
    return networks.model(path, SHAPE, nodes, {"out": (None,) * 4}, opset=opset, weights=weights)


SAME = [
    (14, "Add", ["images", "images"], {}),
    (14, "Reshape", ["images", "all"], {"allowzero": 0}),
    (15, "BatchNormalization", ["images", *["six"] * 4], {"training_mode": 0}),
    (16, "Where", ["mask", "images", "images"], {}),
    (18, "Resize", ["images", "", "scales"], {"mode": "linear", "antialias": 0}),
    (18, "Pad", ["images", "pads"], {}),
    (18, "ReduceMean", ["images", "axes"], {"keepdims": 1, "noop_with_empty_axes": 0}),
    (18, "ReduceMax", ["images"], {}),
    (19, "AveragePool", ["images"], {"kernel_shape": [2, 2], "dilations": [1, 1]}),
    (22, "MaxPool", ["images"], {"kernel_shape": [2, 2]}),
]


@pytest.mark.parametrize("opset, kind, given, attributes", SAME)
def test_what_is_the_same_at_13(tmp_path, opset, kind, given, attributes):
    WEIGHTS.update(six=np.ones(6, np.float32), mask=np.array([True, False, True, False]))
    path = written(tmp_path, opset, kind, given, attributes)
    content = relabel.relabelled(path)
    made = onnx.load_model_from_string(content)
    assert [(one.domain, one.version) for one in made.opset_import] == [("", 13)]
    (after,) = answer(content)
    try:
        (before,) = answer(path)
    except Exception as error:
        pytest.skip(f"this ONNX Runtime is older than the model: {error}")
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-7)


OTHER = [
    (14, "Reshape", ["images", "all"], {"allowzero": 1}, "allowzero=1"),
    (14, "HardSwish", ["images"], {}, "is not of opset 13"),
    (15, "Shape", ["images"], {"start": 1}, "start=1"),
    (15, "Shape", ["images"], {"end": 2}, "end=2"),
    (16, "ScatterND", ["images", "i", "u"], {"reduction": "add"}, "reduction=add"),
    (16, "RoiAlign", ["images", "r", "b"], {}, "in another way"),
    (18, "Resize", ["images", "", "scales"], {"antialias": 1}, "antialias=1"),
    (18, "Resize", ["images", "", "scales"], {"axes": [2, 3]}, "axes="),
    (18, "Pad", ["images", "pads", "zero", "two"], {}, "takes an input"),
    (18, "ReduceMean", ["images", "given"], {}, "no constant"),
    (18, "ReduceMean", ["images", "none"], {"noop_with_empty_axes": 1}, "noop_with_empty_axes"),
    (19, "Pad", ["images", "pads"], {"mode": "wrap"}, "mode=wrap"),
    (
        19,
        "Resize",
        ["images", "", "scales"],
        {"coordinate_transformation_mode": "half_pixel_symmetric"},
        "half_pixel_symmetric",
    ),
    (19, "AveragePool", ["images"], {"kernel_shape": [2, 2], "ceil_mode": 1}, "ceil_mode=1"),
    (19, "Cast", ["images"], {"to": 1, "saturate": 0}, "saturate=0"),
    (26, "Relu", ["images"], {}, "25 is the newest"),
]


@pytest.mark.parametrize("opset, kind, given, attributes, told", OTHER)
def test_what_is_not(tmp_path, opset, kind, given, attributes, told):
    """On any onnx package, for that of Python 3.6 ends at opset 16 and TensorRT 8.2 lives there."""
    path = written(tmp_path, opset, kind, given, attributes)
    with pytest.raises(EngineError) as raised:
        relabel.relabelled(path)
    message = str(raised.value)
    assert told in message and "Export it again at opset 13" in message and "\n" not in message


@pytest.mark.parametrize("axis, parts, fits", [(1, 2, True), (1, 4, False), (-1, 4, True)])
def test_a_split_by_number(tmp_path, axis, parts, fits):
    """Opset 18 lets the last part be smaller."""
    path = str(tmp_path / "m.onnx")
    names = [f"part{number}" for number in range(parts)]
    networks.model(
        path, SHAPE, [("Relu", ["images"], "relu", {})], dict.fromkeys(names, (None,) * 4)
    )
    model = onnx.load(path)
    attributes = {"axis": axis, "num_outputs": parts}
    model.graph.node.extend([onnx.helper.make_node("Split", ["relu"], names, **attributes)])
    model.opset_import[0].version = 18
    onnx.save(model, path)
    if not fits:
        with pytest.raises(EngineError, match="unlike size"):
            relabel.relabelled(path)
        return
    sizes = [array.shape[axis] for array in answer(relabel.relabelled(path))]
    assert sizes == [SHAPE[axis] // parts] * parts


def test_older_ones_stay(tmp_path):
    content = relabel.relabelled(networks.layers(tmp_path / "m.onnx", opset=11))
    assert onnx.load_model_from_string(content).opset_import[0].version == 11


def test_yolov8n(tmp_path):
    """Also where ONNX Runtime 1.10 cannot take the original."""
    path = data("models/yolov8n_640_deq_fp32_dyn.onnx")
    content = relabel.relabelled(str(path))
    made = onnx.load_model_from_string(content)
    assert made.opset_import[0].version == 13
    kinds = [(node.op_type, {a.name for a in node.attribute}) for node in made.graph.node]
    assert ("Split", {"axis"}) in kinds and ("Reshape", set()) in kinds
    grey = {"images": np.full((1, 3, 640, 640), 0.5, np.float32)}
    after = runtime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, grey)
    if KNOWN < 20:
        assert after[0].shape == (1, 84, 8400)
        return
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(None, grey)[0], after[0])


def test_a_model_that_opset_13_has_not():
    path = data("models/deimv2_hgnetv2_femto_coco.onnx")
    with pytest.raises(EngineError, match="GridSample '/model.*is not of opset 13"):
        relabel.relabelled(str(path))


def test_the_lists_hold_all_that_changed():
    """Held against onnx's own schemas: what changed is in a list, with all that it gained."""
    if KNOWN < relabel.NEWEST_OPSET:
        pytest.skip(f"this onnx ends at opset {KNOWN}")
    get = onnx.defs.get_schema
    schemas = onnx.defs.get_all_schemas_with_history()
    names = {one.name for one in schemas if not one.domain}
    seen = set()
    for name in sorted(names):
        versions = [one.since_version for one in schemas if one.name == name and not one.domain]
        if min(versions) > 13 or not any(13 < one <= relabel.NEWEST_OPSET for one in versions):
            continue
        seen.add(name)
        old, new = get(name, 13, ""), get(name, relabel.NEWEST_OPSET, "")
        gained = set(new.attributes) - set(old.attributes)
        if name in relabel.REFUSED:
            continue
        if name in relabel.REDUCTIONS:
            assert gained == {"noop_with_empty_axes"} and new.max_input == 2, name
            continue
        known = set(relabel.GAINED.get(name, {})) | ({"num_outputs"} if name == "Split" else set())
        assert (name in relabel.TYPES_ONLY) != (name in relabel.GAINED), name
        assert gained <= known, name
        assert new.max_input == old.max_input or relabel.INPUTS[name] == old.max_input, name
        for attribute in gained & set(relabel.GAINED.get(name, {})):
            default = new.attributes[attribute].default_value
            neutral = relabel.GAINED[name][attribute]
            if default.name:
                value = relabel._value(default)
                assert value == neutral, (name, attribute)
    lists = [relabel.TYPES_ONLY, relabel.GAINED, relabel.REDUCTIONS, relabel.REFUSED]
    assert set().union(*lists) == seen
