"""complete: fill a model's gaps from the network's own names and shapes, and check what is said."""

from typing import FrozenSet, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from app.device.backend import InputSpec, Model, Placement, TensorSpec
from app.errors import EngineError
from app.vision.clues import Hints
from app.vision.decode import DECODERS, bind
from app.vision.decode_yolo import in_pixels, rows_first
from app.vision.guess import Guess, guess
from app.vision.looks import UNIT_LETTERBOX, Look, for_type
from app.vision.tensors import Tensor, listed, picture_of

_DTYPES = ("bool", "float16", "float32", "float64") + tuple(
    f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)
)


class Tensors(NamedTuple):
    """A network from outside: what goes in, what comes out, what else the file says."""

    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]
    metadata: Mapping[str, str] = {}
    operators: FrozenSet[str] = frozenset()


class Completed(NamedTuple):
    model: Model  # with input, and for a detector decoder and outputs
    guessed: str  # how the gaps were filled, or empty
    unsettled: bool = False  # whether only a run can tell the decoder: ask ``settled``


def complete(model: Model, seen: Tensors) -> Completed:
    """Raises EngineError where the outputs fit no decoder, or not what the manifest says."""
    inputs = tuple(Tensor(*spec) for spec in seen.inputs)
    outputs = tuple(Tensor(*spec) for spec in seen.outputs)
    reason, unsettled = "", False
    if model.input is None:
        try:
            guessed = guess(inputs, outputs, Hints(seen.operators, seen.metadata, model.labels))
        except ValueError as error:
            raise EngineError(
                f"{model.path}: {error}. Write a manifest that names its decoder, one of "
                f"{', '.join(sorted(DECODERS))}"
            ) from error
        unsettled = model.decoder is None and guessed.decoder == "yolox"
        model, reason = _filled(model, guessed), guessed.reason
    _check_input(model, inputs)
    _check_roles(model, outputs)
    _check_types(model, inputs + outputs)
    _try_decoder(model, outputs)
    _check_labels(model, {spec.name: spec.shape for spec in outputs})
    return Completed(model, reason, unsettled)


def settled(made: Completed, seen: Tensors, outputs: Mapping[str, np.ndarray]) -> Completed:
    """
    A guess of YOLOX held against the outputs for a grey picture: decoded inside, they have its
    shape as well. Those of YOLOv6 do too, with an objectness of 1 everywhere, and it wants its
    pictures prepared in another way (meituan/YOLOv6, yolov6/models/effidehead.py).
    """
    model = made.model
    output = bind(outputs, model.outputs)["output"]
    if not in_pixels(output):
        return Completed(model, "rows of box in cells, objectness, scores: YOLOX")
    model = model._replace(decoder="yolov5")
    if (output[..., 4] != 1).any():
        return Completed(model, "rows of box in pixels, objectness, scores: YOLOX, decoded inside")
    assert model.input is not None
    look = for_type(UNIT_LETTERBOX, picture_of(tuple(Tensor(*spec) for spec in seen.inputs)).dtype)
    spec = _prepared(look, model.input.size_wh, model.input.layout)
    return Completed(model._replace(input=spec), "rows of box in pixels, 1, scores: YOLOv6")


def _filled(model: Model, guessed: Guess) -> Model:
    spec = _prepared(guessed.look, guessed.size_wh, guessed.layout)
    model = model._replace(input=spec, labels=model.labels or guessed.labels)
    if model.decoder is None:
        model = model._replace(decoder=guessed.decoder, outputs=guessed.roles)
    return model


def _prepared(look: Look, size_wh: Tuple[int, int], layout: str) -> InputSpec:
    placement = Placement(look.placement)
    spec = InputSpec(size_wh, layout, look.colour, look.mean, look.std, placement)
    if placement is Placement.CENTRE_CROP:
        spec = spec._replace(resize=int(round(min(size_wh) * look.resize)))
    return spec


def _check_input(model: Model, inputs: Tuple[Tensor, ...]) -> None:
    assert model.input is not None
    try:
        picture = picture_of(inputs)
    except ValueError as error:
        raise EngineError(f"{model.path}: {error}. Only networks of one picture can run") from error
    high, wide = picture.shape[1:3] if model.input.layout == "nhwc" else picture.shape[2:4]
    for has, wants in ((wide, model.input.size_wh[0]), (high, model.input.size_wh[1])):
        if has > 0 and has != wants:
            raise EngineError(
                f"{model.path}: takes {wide}x{high} pictures ({model.input.layout}) and no others; "
                f"asked for is {model.input.size_wh[0]}x{model.input.size_wh[1]}. Mend input.size, "
                "or export it with free sides"
            )


def _check_roles(model: Model, outputs: Tuple[Tensor, ...]) -> None:
    if model.decoder is None:
        return
    names = [spec.name for spec in outputs]
    missing = [name for name in model.outputs.values() if name not in names]
    if missing:
        raise EngineError(
            f"{model.path}: has no output {missing[0]!r}; it has {listed(outputs)}. Mend 'outputs'"
        )
    if model.outputs or len(outputs) == 1:
        return
    absent = [role for role in DECODERS[model.decoder].roles if role not in names]
    if absent:
        raise EngineError(
            f"{model.path}: decoder {model.decoder} needs an output for {absent[0]!r}; it has "
            f"{listed(outputs)}. Name them in 'outputs'"
        )


def _check_types(model: Model, tensors: Tuple[Tensor, ...]) -> None:
    for spec in tensors:
        if spec.dtype not in _DTYPES:
            raise EngineError(
                f"{model.path}: {spec.name} is of {spec.dtype}, which nothing here can read. "
                "Export the model with float32 inputs and outputs"
            )


def _try_decoder(model: Model, outputs: Tuple[Tensor, ...]) -> None:
    """Decode zeros of the declared shapes, where those are known but for the batch."""
    if model.decoder is None or any(size < 0 for spec in outputs for size in spec.shape[1:]):
        return
    assert model.input is not None
    try:
        zeros = {spec.name: np.zeros((1,) + spec.shape[1:], spec.dtype) for spec in outputs}
        by_role = bind(zeros, model.outputs)
        DECODERS[model.decoder].decode(by_role, model.input.size_wh, 0.99)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise EngineError(
            f"{model.path}: decoder {model.decoder} cannot read {listed(outputs)}: {error}. "
            "Mend the manifest's decoder, outputs or input.size"
        ) from error


def count_classes(model: Model, shapes: Mapping[str, Tuple[int, ...]]) -> Optional[int]:
    """How many classes a completed model tells apart, where its outputs' shapes say so."""
    return _classes(model, bind(shapes, model.outputs))


def _check_labels(model: Model, shapes: Mapping[str, Tuple[int, ...]]) -> None:
    count = count_classes(model, shapes)
    if count is None or not model.labels or len(model.labels) == count:
        return
    raise EngineError(
        f"{model.path}: {len(model.labels)} labels for {count} classes. "
        "Give a label file with one line per class"
    )


def _classes(model: Model, shapes: Mapping[str, Tuple[int, ...]]) -> Optional[int]:
    assert model.input is not None
    if model.decoder is None:
        sides = [side for side in shapes.get("output", ())[1:] if side != 1]
        return sides[0] if len(sides) == 1 and sides[0] > 0 else None
    rules = {  # decoder -> (role, what else the last axis holds)
        "yolox": ("output", 5),
        "yolov5": ("output", 5),
        "detr_logits": ("logits", 0),
        "detr_softmax": ("logits", 1),
        "rtdetr": ("output", 4),
        "ssd": ("scores", 1),
        "nanodet": ("output", 32),
        "nanodet_plus": ("output", 32),
        "picodet": ("output", 32),
    }
    if model.decoder == "yolov8" and len(shapes["output"]) == 3:
        shape = shapes["output"]
        width = shape[2] if rows_first(shape, model.input.size_wh) else shape[1]
        return width - 4 if width > 4 else None
    for role, shape in shapes.items():
        if role.startswith("scores_"):
            return shape[-1] if shape[-1] > 0 else None
    role, rest = rules.get(model.decoder, ("", 0))
    width = shapes[role][-1] if shapes.get(role) else -1
    return width - rest if width > rest else None
