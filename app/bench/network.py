"""network: what is known of a network without the pipeline, in a process of its own."""

import contextlib
import time
from typing import Any, Callable, NamedTuple, Optional, Tuple

from app import assemble, child, config
from app.bench import accuracy, floor, machine, trial
from app.bench.results import Accuracy, Floor, Machine
from app.chosen import chosen_models, model_of
from app.device.backend import Layer
from app.device.jetson import sha256_of
from app.media import samples

_TIMED = 4  # pictures; each is held in memory that a GPU reads

Tell = Callable[[str, int, int], None]


class Job(NamedTuple):
    config: str  # YAML
    pictures: Tuple[str, ...]  # files; the way of some of them is timed
    own: str = ""  # the model that answers are compared with: at its own size, as it was
    source: str = ""  # what the pictures are, for people
    batch: int = 1
    rounds: int = 20
    each: int = 10
    layers: bool = False
    again: bool = False  # a repeat: of its time alone


class Outcome(NamedTuple):
    floor: Floor
    accuracy: Optional[Accuracy]
    layers: Tuple[Layer, ...]
    model_sha256: str
    since: float = 0.0  # monotonic: while it was timed
    until: float = 0.0


class Where(NamedTuple):
    """On which machine, and on which of its backends."""

    machine: Machine
    backend: str


def work(job: Job, tell: Tell, _: Any) -> Outcome:
    """Measure the first camera's network. Raises AppError."""
    chosen = config.parse(job.config, "the benchmark's config")
    model = chosen_models(chosen)[chosen.cameras[0].name]
    tell("loading models", 0, 0)
    images = list(samples.read(samples.spread(job.pictures, _TIMED)))
    with contextlib.closing(assemble.backend(chosen)) as backend, backend.attached():
        network = backend.load(model)
        tell("the network alone", 0, 0)
        batch = min(job.batch, network.batch)
        since = time.monotonic()
        made = floor.floor(backend, network, images, job.rounds, job.each, batch)
        until = time.monotonic()
        layers: Tuple[Layer, ...] = ()
        if job.layers and not job.again:
            tell("each layer", 0, 0)
            layers = floor.layers(backend, network, batch)
        seen = None
        if len(job.pictures) > 1 and not job.again:
            own = model_of(chosen, job.own)._replace(score=model.score, iou=model.iou)
            reference = accuracy.Reference(own, {})
            seen = accuracy.accuracy(backend, model, job.pictures, tell, reference)
            seen = seen._replace(source=job.source)
    return Outcome(made, seen, layers, sha256_of(model.path), since, until)


def outcome(asked: child.Attempt, tell: Tell) -> Outcome:
    """What a child that does ``work`` finds, and how the machine was meanwhile. Raises AppError."""
    with trial.Lookout() as lookout:
        found: Outcome = asked.result(tell)
    use = lookout.around(found.since, found.until)
    return found._replace(floor=found.floor._replace(uses=(use,)))


def where(job: Job, tell: Tell, _: Any) -> Where:
    """The machine's facts, by the backend that the config would take."""
    chosen = config.parse(job.config, "the benchmark's config")
    tell("looking at the machine", 0, 0)
    with contextlib.closing(assemble.backend(chosen)) as backend, backend.attached():
        return Where(machine.facts(backend), backend.name)
