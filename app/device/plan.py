"""plan: what is known of a built engine, kept in a JSON file beside it, and where it may run."""

import json
import math
import os
import re
from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

from app.device import record
from app.device.backend import Model, TensorSpec
from app.errors import EngineError
from app.vision.decode import DECODERS

SUFFIX = ".engine"
VERSION = 1  # of the sidecar's layout

_MOST_BYTES = 4 << 20
_DTYPE = re.compile(r"bool|float(16|32|64)|u?int(8|16|32|64)")
_SHA256 = re.compile("[0-9a-f]{64}")


class Profile(NamedTuple):
    """The shapes that an input may take."""

    name: str
    least: Tuple[int, ...]
    usual: Tuple[int, ...]
    most: Tuple[int, ...]


class Fingerprint(NamedTuple):
    """
    All that an engine depends on: a plan fits one TensorRT, one GPU and one platform. That of a
    device alone leaves out what follows ``machine``.
    """

    tensorrt: str  # "8.2.1.8"
    cuda: str  # of the runtime, "10.2"
    l4t: str  # "32.7.1"; empty where there is none
    gpu: str
    sm: str  # "5.3"
    sm_count: int
    memory_mb: int  # the device's, as machine.memory_class has it
    machine: str  # uname -m
    onnx_sha256: str = ""
    precision: str = ""
    profiles: Tuple[Profile, ...] = ()
    flags: Tuple[str, ...] = ()
    calibration: str = ""  # sha256 of what it was calibrated on
    plugins: Tuple[str, ...] = ()  # sha256 of each


class Accuracy(NamedTuple):
    """The gate's report; what could not be measured is None."""

    precision: str
    reference: str  # what it was compared with
    pictures: int
    agreement: Optional[float]
    mean_score_difference: Optional[float]
    at_least: float  # the agreement asked for
    verdict: str
    ap: Optional[float] = None
    ap_reference: Optional[float] = None
    forced: bool = False


class Attempt(NamedTuple):
    precision: str
    workspace_mb: int
    outcome: str


class Sidecar(NamedTuple):
    """What stands beside a plan: enough to run it without its ONNX file. Sizes are in bytes."""

    fingerprint: Fingerprint
    model: Model  # its gaps filled, without a path
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]
    batch: int  # the largest
    layers: int
    device_memory: int
    build_s: float
    built: str  # when, UTC
    plan_bytes: int = 0
    plan_sha256: str = ""
    accuracy: Optional[Accuracy] = None
    tried: Tuple[Attempt, ...] = ()
    note: str = ""
    version: int = VERSION


def beside(path: str) -> str:
    """The sidecar's path of an engine's."""
    return path + ".json"


def name_of(path: str) -> str:
    """The model's name of an engine's path."""
    name = os.path.basename(path)
    return name[: -len(SUFFIX)] if name.endswith(SUFFIX) else name


def text(sidecar: Sidecar) -> str:
    """The sidecar as its file holds it, in ASCII."""
    shown = record.plain(sidecar._replace(model=sidecar.model._replace(path="")))
    return json.dumps(shown, indent=1, allow_nan=False) + "\n"


def read(path: str) -> Sidecar:
    """
    What is known of the engine at ``path``, which is not itself read.

    Raises one EngineError where there is no engine, or nothing to be trusted beside it.
    """
    build = f"Run: jetwatch build {name_of(path)}"
    if not os.path.isfile(path):
        raise EngineError(f"{path}: no such engine. {build}")
    try:
        with open(beside(path), "rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise EngineError(
            f"{path}: {beside(path)}, which says what it fits, is not there: copied without it, "
            f"or its build was cut off. {build}"
        ) from error
    except OSError as error:
        raise EngineError(f"{beside(path)}: cannot be read: {error.strerror}. {build}") from error
    try:
        return _parsed(content)
    except (ValueError, RecursionError) as error:
        reason = "is no JSON" if isinstance(error, RecursionError) else str(error)
        raise EngineError(f"{beside(path)}: {reason}. {build}") from error


def check(built: Fingerprint, now: Fingerprint) -> List[str]:
    """
    What keeps an engine from running here, in people's words; nothing where it fits.

    Parts of the model, from ``onnx_sha256`` on, that ``now`` leaves empty are not asked for.
    """
    found = [
        f"{word} {getattr(now, field) or 'none'} here, {getattr(built, field) or 'none'} in the "
        "engine"
        for field, word in _DEVICE
        if getattr(built, field) != getattr(now, field)
    ]
    found += [
        text.format(wanted=_shown(getattr(now, field)), built=_shown(getattr(built, field)))
        for field, text in _MODEL
        if getattr(now, field) not in ("", (), getattr(built, field))
    ]
    return found


_DEVICE = (
    ("tensorrt", "TensorRT"),
    ("cuda", "CUDA"),
    ("l4t", "L4T"),
    ("gpu", "GPU"),
    ("sm", "SM"),
    ("sm_count", "multiprocessors:"),
    ("memory_mb", "MiB of device memory:"),
    ("machine", "machine"),
)
_MODEL = (
    ("onnx_sha256", "the ONNX file is another than the engine was built from"),
    ("precision", "precision {wanted} wanted, {built} in the engine"),
    ("profiles", "shapes {wanted} wanted, {built} in the engine"),
    ("flags", "flags {wanted} wanted, {built} in the engine"),
    ("calibration", "the engine was calibrated on other pictures"),
    ("plugins", "the plugins are others than the engine was built with"),
)


def _shown(value: Any) -> str:
    if not isinstance(value, tuple):
        return str(value) or "none"
    words = [
        "{} {} to {}".format(each.name, *("x".join(map(str, s)) for s in (each.least, each.most)))
        if isinstance(each, Profile)
        else str(each)
        for each in value
    ]
    return ", ".join(words) or "none"


def _parsed(content: bytes) -> Sidecar:
    if len(content) > _MOST_BYTES:
        raise ValueError(f"larger than {_MOST_BYTES >> 20} MiB, so no sidecar of an engine")
    try:
        value = json.loads(content.decode("utf-8"), parse_int=_short_int)
    except ValueError:  # of JSON, or of UTF-8
        raise ValueError("is no JSON: cut short or overwritten") from None
    version = value.get("version") if isinstance(value, dict) else None
    if type(version) is not int or version < 1:
        raise ValueError("is no sidecar of an engine of ours")
    if version != VERSION:
        age = "a newer" if version > VERSION else "an older"
        raise ValueError(f"was written by {age} jetwatch (layout {version}, not {VERSION})")
    sidecar: Sidecar = record.made(Sidecar, value)
    for right, wrong in _rules(sidecar):
        if not right:
            raise ValueError(wrong)
    return sidecar


def _short_int(digits: str) -> float:
    """A number with thousands of digits takes seconds to read as an int."""
    return int(digits) if len(digits) < 20 else math.inf


def _rules(sidecar: Sidecar) -> Iterator[Tuple[bool, str]]:
    """(whether it holds, what to say if not)."""
    built, model, look = sidecar.fingerprint, sidecar.model, sidecar.model.input
    yield bool(_SHA256.fullmatch(sidecar.plan_sha256)), "plan_sha256 is no sha256"
    for sha256 in filter(None, (built.onnx_sha256, built.calibration) + built.plugins):
        yield bool(_SHA256.fullmatch(sha256)), "fingerprint holds what is no sha256"
    yield sidecar.plan_bytes > 0, "plan_bytes must be above 0"
    yield sidecar.batch > 0, "batch must be above 0"
    least = min(sidecar.layers, sidecar.device_memory, sidecar.build_s)
    yield least >= 0, "layers, device_memory and build_s must not be negative"
    yield len(sidecar.inputs) > 0 and len(sidecar.outputs) > 0, "inputs or outputs are missing"
    for spec in sidecar.inputs + sidecar.outputs:
        yield bool(_DTYPE.fullmatch(spec.dtype)), f"{spec.name} has no type of numpy's"
        yield all(-1 <= size < 1 << 31 for size in spec.shape), f"{spec.name} has no shape"
    yield model.decoder is None or model.decoder in DECODERS, "model.decoder is unknown"
    yield 0 <= model.score <= 1 and 0 <= model.iou <= 1, "model.score and iou must be 0 to 1"
    yield look is not None, "model.input is missing"
    if look is not None:
        yield (
            min(look.size_wh) > 0 and max(look.size_wh) < 1 << 16,
            "model.input.size_wh is no size",
        )
        yield look.layout in ("nchw", "nhwc"), "model.input.layout is unknown"
        yield look.colour in ("rgb", "bgr"), "model.input.colour is unknown"
        yield min(look.std) > 0, "model.input.std must be above 0"
        yield 0 <= look.pad <= 255, "model.input.pad must be 0 to 255"
        yield look.resize is None or look.resize > 0, "model.input.resize must be above 0"
