"""network: what is known of a network without the pipeline, in a process of its own."""

import contextlib
from typing import Any, Callable, NamedTuple, Optional, Tuple

from app import assemble, config
from app.bench import accuracy, floor, machine
from app.bench.results import Accuracy, Floor, Machine
from app.chosen import chosen_models, model_of
from app.device.backend import Layer
from app.device.jetson import sha256_of
from app.media import samples

Tell = Callable[[str, int, int], None]


class Job(NamedTuple):
    config: str  # YAML
    pictures: Tuple[str, ...]  # files; the first is the one whose way is timed
    own: str = ""  # the model that answers are compared with: at its own size, as it was
    source: str = ""  # what the pictures are, for people
    batch: int = 1
    rounds: int = 20
    each: int = 10
    layers: bool = False


class Outcome(NamedTuple):
    floor: Floor
    accuracy: Optional[Accuracy]
    layers: Tuple[Layer, ...]
    model_sha256: str


class Where(NamedTuple):
    """On which machine, and on which of its backends."""

    machine: Machine
    backend: str


def work(job: Job, tell: Tell, _: Any) -> Outcome:
    """Measure the first camera's network. Raises AppError."""
    chosen = config.parse(job.config, "the benchmark's config")
    model = chosen_models(chosen)[chosen.cameras[0].name]
    tell("loading models", 0, 0)
    (image,) = samples.read(job.pictures[:1])
    with contextlib.closing(assemble.backend(chosen)) as backend, backend.attached():
        network = backend.load(model)
        tell("the network alone", 0, 0)
        batch = min(job.batch, network.batch)
        made = floor.floor(backend, network, image, job.rounds, job.each, batch)
        layers: Tuple[Layer, ...] = ()
        if job.layers:
            tell("each layer", 0, 0)
            layers = floor.layers(backend, network, batch)
        seen = None
        if len(job.pictures) > 1:
            own = model_of(chosen, job.own)._replace(score=model.score, iou=model.iou)
            reference = accuracy.Reference(own, {})
            seen = accuracy.accuracy(backend, model, job.pictures, tell, reference)
            seen = seen._replace(source=job.source)
    return Outcome(made, seen, layers, sha256_of(model.path))


def where(job: Job, tell: Tell, _: Any) -> Where:
    """The machine's facts, by the backend that the config would take."""
    chosen = config.parse(job.config, "the benchmark's config")
    tell("looking at the machine", 0, 0)
    with contextlib.closing(assemble.backend(chosen)) as backend, backend.attached():
        return Where(machine.facts(backend), backend.name)
