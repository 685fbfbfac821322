"""source: the ONNX that TensorRT is given: the model's own, or rewritten for this release."""

import os
from typing import Callable, Iterable, List, NamedTuple

import numpy as np

from app.device import activations, onnxfile, relabel, rewrite, typed
from app.device.backend import Model
from app.device.build import FP32, INT8, Recipe, Tell
from app.device.host import HostBackend
from app.device.quantize import METHODS, Quantization, quantize
from app.device.trt import Api
from app.errors import DeviceError

QDQ = "qdq"  # in place of a calibrator: the ranges are written into the model

Images = Callable[[], Iterable[np.ndarray]]


class Source(NamedTuple):
    path: str
    explicit: bool  # whether INT8's ranges stand in it
    flags: List[str]  # what was done to it


def source(
    api: Api, model: Model, recipe: Recipe, images: Images, folder: str, tell: Tell
) -> Source:
    """
    The model's file, or one in ``folder`` made of it. INT8 is written into the model where that
    is asked for, or TensorRT has no calibrators; FP16 where it has no flag for it; and a model of
    a newer opset is labelled 13 for TensorRT 8.2 where that is provably the same. Raises AppError.
    """
    made = Source(os.path.abspath(model.path), False, [])
    if model.free_dims:
        made = made._replace(path=_saved(onnxfile.freed(model.path, model.free_dims), folder))
    wants_int8 = recipe.precision == INT8
    if wants_int8 and (recipe.calibrator == QDQ or not api.has.calibrators):
        made = _quantized(made, model, recipe, images, folder, tell)
    if recipe.precision != FP32 and not api.has.weak_types:
        tell("writing FP16 into the model", 0, 0)
        out = os.path.join(folder, "typed.onnx")
        typed.half(made.path, out, () if wants_int8 else model.keep_fp16)
        made = made._replace(path=out, flags=made.flags + ["typed FP16"])
    return made if api.has.pools else _older(made, folder)


def _quantized(
    made: Source, model: Model, recipe: Recipe, images: Images, folder: str, tell: Tell
) -> Source:
    method = recipe.calibrator if recipe.calibrator in METHODS else METHODS[0]
    host = HostBackend()
    try:
        network = host.load(model._replace(path=made.path, free_dims=()))
        out = os.path.join(folder, "quantized.onnx")
        done = quantize(
            made.path,
            out,
            lambda: activations.feeds(host, network, images()),
            Quantization(method, model.keep_fp16),
            lambda count: tell("calibrating on the CPU", count, 0),
        )
    finally:
        host.close()
    told = f"Q/DQ {method}: {len(done.nodes)} nodes, {len(done.kept)} kept"
    return Source(out, True, made.flags + [told])


def _older(made: Source, folder: str) -> Source:
    """TensorRT 8.2 documents opset 13; what it refuses is for its parser to say."""
    try:
        if onnxfile.describe(made.path).opset <= onnxfile.OLDEST_OPSET:
            return made
        path = _saved(relabel.relabelled(made.path), folder)
    except DeviceError:  # not provably the same, or no onnx package here
        return made
    return made._replace(path=path, flags=made.flags + [f"opset {onnxfile.OLDEST_OPSET}"])


def _saved(content: bytes, folder: str) -> str:
    path = os.path.join(folder, "model.onnx")
    rewrite.save(content, path)
    return path
