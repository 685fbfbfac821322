"""variants: a model at another size, precision or batch, beside those that a service uses."""

import os
import shutil
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional

from app import atomic
from app.bench import mark
from app.bench.results import Machine
from app.bench.settings import OF_THE_ENGINE
from app.device import plan, planfile
from app.device.backend import InputSpec, Model
from app.device.jetson import sha256_of
from app.errors import ConfigError, EngineError, OutputError

Build = Callable[[Model, Mapping[str, str]], plan.Sidecar]
How = Callable[[Mapping[str, str]], str]


class Make(NamedTuple):
    """How engines are made of a model and values of OF_THE_ENGINE."""

    build: Build
    how: How  # all else that the engine of such values depends on, as text


def variant(
    model: Model, values: Mapping[str, str], folder: str, gpu: Optional[Machine], make: Make
) -> Dict[str, Any]:
    """
    The entry of ``models:`` that stands for the model with these values of OF_THE_ENGINE. On a
    ``gpu`` its engine is made and kept in ``folder``, from one benchmark to the next, for whoever
    asks for one that is made so. Raises AppError, also where another precision came of it.
    """
    asked = {name: values[name] for name in OF_THE_ENGINE if name in values}
    if gpu is None:
        for name, value in asked.items():
            if name == "batch" and value != "1" or name == "precision" and value != "fp32":
                raise ConfigError(
                    f"{name} {value} wants a GPU: the CPU runs a model as its ONNX file is, one "
                    "picture after another"
                )
    if "size" in asked:
        model = _resized(model, asked["size"])
    name = "-".join([model.name, *(_short(*pair) for pair in asked.items())])
    made = model._replace(name=name)
    digest = sha256_of(model.path)
    depends = mark.digest(mark.of_model(model), "" if gpu is None else make.how(asked))
    place = os.path.join(folder, f"{name}-{depends[:12]}")
    path = os.path.join(place, name + ".onnx")
    try:
        os.makedirs(place, exist_ok=True)
        if gpu is not None:
            if not os.path.isfile(path) or sha256_of(path) != digest:
                shutil.copyfile(model.path, path)
            made = made._replace(path=os.path.abspath(path))
        labels = os.path.abspath(os.path.join(place, "labels.txt"))
        atomic.write(labels, "".join(f"{one}\n" for one in model.labels).encode("utf-8"))
    except OSError as error:
        raise OutputError(f"{place}: cannot be written: {error.strerror}") from error
    if gpu is not None:
        known = _there(made, asked, gpu) or make.build(made, asked)
        wanted = asked.get("precision", known.fingerprint.precision)
        if known.fingerprint.precision != wanted:
            why = "; ".join(f"{one.precision}: {one.outcome}" for one in known.tried)
            raise EngineError(
                f"{model.name}: no {wanted} engine came of it. {why}. To try again: rm -r {place}"
            )
    return _entry(made, labels if model.labels else "")


def _there(model: Model, asked: Mapping[str, str], gpu: Machine) -> Optional[plan.Sidecar]:
    """
    What is known of an engine that an earlier benchmark made, where it fits; of whatever
    precision: another would not come of it now.
    """
    path = planfile.find(model.path)
    if path is None:
        return None
    try:
        known = plan.read(path)
    except EngineError:
        return None
    built = known.fingerprint
    fits = (
        (built.tensorrt, built.gpu) == (gpu.tensorrt, gpu.gpu)
        and known.batch == int(asked.get("batch", "1"))
        and model.input in (None, known.model.input)  # None: the build has guessed it
        and built.onnx_sha256 == sha256_of(model.path)
    )
    return known if fits else None


def _resized(model: Model, size: str) -> Model:
    if model.input is None:
        raise ConfigError(
            f"{model.name}: has no manifest, so its size cannot be changed. Run: jetwatch inspect "
            f"{model.path}, and put what it says into {model.name}.yaml"
        )
    wide, high = (int(side) for side in size.split("x"))
    return model._replace(input=model.input._replace(size_wh=(wide, high)))


def _short(name: str, value: str) -> str:
    return f"b{value}" if name == "batch" else value


def _entry(model: Model, labels: str) -> Dict[str, Any]:
    made: Dict[str, Any] = {
        "name": model.name,
        "path": model.path,
        "score": model.score,
        "iou": model.iou,
    }
    if model.input is not None:
        made["input"] = _input(model.input)
    if model.decoder is not None:
        made["decoder"] = model.decoder
    if labels:
        made["labels"] = labels
    for key in ("outputs", "free_dims", "plugins", "keep_fp16", "workspace_mb"):
        value = getattr(model, key)
        if value:
            made[key] = list(value) if isinstance(value, tuple) else value
    return made


def _input(spec: InputSpec) -> Dict[str, Any]:
    made: Dict[str, Any] = {
        "size": list(spec.size_wh),
        "layout": spec.layout,
        "colour": spec.colour,
        "mean": list(spec.mean),
        "std": list(spec.std),
        "placement": spec.placement.value,
        "pad": spec.pad,
    }
    if spec.resize is not None:
        made["resize"] = spec.resize
    return made
