"""source: the model as it is, or what a release of TensorRT wants in its place."""

import numpy as np
import pytest

from app.device import build, source, trt
from app.device.backend import InputSpec, Model, Placement
from app.errors import EngineError
from tests import networks

onnx = pytest.importorskip("onnx", reason="the onnx package is not installed")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

SPEC = InputSpec((64, 48), placement=Placement.STRETCH)
HAS = trt.Features(*[True] * len(trt.Features._fields))
ORIN = HAS
NANO = HAS._replace(pools=False)
ELEVEN = HAS._replace(weak_types=False, calibrators=False)


def pictures():
    random = np.random.RandomState(0)
    return [random.randint(0, 256, (48, 64, 3)).astype(np.uint8) for _ in range(4)]


def made(tmp_path, has, precision, images=pictures, calibrator="entropy", **more):
    path = networks.convolutions(tmp_path / "tiny.onnx")
    model = Model("tiny", path, SPEC, "yolov8", **more)
    recipe = build.Recipe(precision, 1 << 24, 1, calibrator=calibrator)
    api = trt.Api(None, has, "0", None)
    room = tmp_path / "room"
    room.mkdir()
    given = source.source(api, model, recipe, images, str(room), lambda *_: None)
    return given, onnx.load(given.path)


def kinds(model):
    return {node.op_type for node in model.graph.node}


@pytest.mark.parametrize("precision", build.PRECISIONS)
@pytest.mark.parametrize("has", [ORIN, NANO])
def test_where_flags_and_calibrators_are_there_the_model_is_left_alone(tmp_path, has, precision):
    given, _ = made(tmp_path, has, precision, images=lambda: 1 / 0)
    assert given == source.Source(str(tmp_path / "tiny.onnx"), False, [])


def test_qdq_is_written_into_the_model_where_it_is_asked_for(tmp_path):
    given, model = made(tmp_path, ORIN, "int8", calibrator="qdq")
    assert given.explicit and {"QuantizeLinear", "DequantizeLinear"} <= kinds(model)
    assert given.flags == ["Q/DQ percentile: 2 nodes, 0 kept"]


def test_a_pattern_that_keeps_no_layer_is_said(tmp_path):
    with pytest.raises(EngineError, match="no node is called 'nothing'"):
        made(tmp_path, ORIN, "int8", calibrator="qdq", keep_fp16=("nothing",))


def test_on_tensorrt_11_fp16_stands_in_the_model(tmp_path):
    given, model = made(tmp_path, ELEVEN, "fp16")
    half = onnx.TensorProto.FLOAT16
    assert any(tensor.data_type == half for tensor in model.graph.initializer)
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert given.flags == ["typed FP16"] and not given.explicit


def test_on_tensorrt_11_int8_stands_in_the_model_by_the_way_that_was_asked_for(tmp_path):
    if onnx.defs.onnx_opset_version() < 19:
        pytest.skip("TensorRT 11 wants a Python that this onnx package is too old for")
    given, model = made(tmp_path, ELEVEN, "int8", calibrator="minmax")
    assert given.explicit and "QuantizeLinear" in kinds(model)
    assert given.flags[0].startswith("Q/DQ minmax") and given.flags[1] == "typed FP16"


def test_fp32_is_left_alone_everywhere(tmp_path):
    given, _ = made(tmp_path, ELEVEN, "fp32", images=lambda: 1 / 0)
    assert given.path == str(tmp_path / "tiny.onnx")
