"""accuracy: how right a model is on pictures: by their labels, and against FP32 on the CPU."""

import contextlib
import hashlib
import logging
import os
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app import gate
from app.bench import results
from app.device.backend import Backend, Model
from app.device.host import HostBackend
from app.device.jetson import sha256_of
from app.errors import DeviceError
from app.media import samples
from app.vision.precision import Truth, average_precision

logger = logging.getLogger(__name__)

Known = Dict[Tuple[Any, ...], gate.Answers]


class Reference(NamedTuple):
    """What candidates are compared with: a model of its own size, in FP32 on the CPU."""

    model: Model
    known: Known  # the caller's: what the CPU has answered already, for the next candidate


def accuracy(
    backend: Backend,
    model: Model,
    pictures: Sequence[str],
    tell: gate.Tell,
    reference: Optional[Reference] = None,
) -> results.Accuracy:
    """
    Of a model on files of pictures. Average precision where the folder is labelled; agreement
    with the ``reference``, the model itself unless one is given, where that has seen enough and
    the CPU can run it. Raises AppError.
    """
    own, known = Reference(model, {}) if reference is None else reference
    asked = gate.wanted(model, pictures)
    ours = _answers(backend, asked, pictures, tell, known)
    truths = gate.truths(pictures, model)
    made = results.Accuracy(len(pictures), pictures_sha256=_sha256(pictures, truths))
    if truths:
        labels = [truths[os.path.basename(path)] for path in pictures]
        precision = average_precision(labels, ours.found)
        made = made._replace(ap=precision.ap, ap50=precision.ap50)
    try:
        theirs = _of_the_cpu(
            backend, own._replace(score=asked.score, iou=asked.iou), pictures, tell, known
        )
    except DeviceError as error:
        logger.info("no agreement with FP32 on the CPU, which cannot run it: %s", error)
        return made
    like = gate.alike(theirs, ours, model.score)
    return made._replace(agreement=like.share if like.seen >= gate.LEAST_SEEN else None)


def _sha256(pictures: Sequence[str], truths: Mapping[str, Truth]) -> str:
    """Of files and of what is known of them: with the same, the same model scores the same."""
    digest = hashlib.sha256()
    for path in pictures:
        digest.update(sha256_of(path).encode())
        for column in truths.get(os.path.basename(path), ()):
            digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def _of_the_cpu(
    backend: Backend, model: Model, pictures: Sequence[str], tell: gate.Tell, known: Known
) -> gate.Answers:
    if backend.name == HostBackend.name:
        return _answers(backend, model, pictures, tell, known)
    key = _key(model, pictures)
    if key in known:
        return known[key]
    with contextlib.closing(HostBackend()) as host:
        return _answers(host, model, pictures, tell, known)


def _answers(
    backend: Backend, model: Model, pictures: Sequence[str], tell: gate.Tell, known: Known
) -> gate.Answers:
    """What a backend says; what the CPU has said of the same is not asked twice."""
    on_cpu, key = backend.name == HostBackend.name, _key(model, pictures)
    if on_cpu and key in known:
        return known[key]
    with backend.attached():
        side = gate.Side(backend.runtime, backend, backend.load(model))
        made = gate.Answers.of(side)
        for number, image in enumerate(samples.read(pictures)):
            gate.add(made, side, image)
            tell(f"{model.name}: looking with {side.name}", number + 1, len(pictures))
    if on_cpu:
        known[key] = made
    return made


def _key(model: Model, pictures: Sequence[str]) -> Tuple[Any, ...]:
    """All that the CPU's answers depend on."""
    outputs = tuple(sorted(model.outputs.items()))
    network = (model.path, model.input, model.decoder, outputs, model.free_dims)
    return network + (model.score, model.iou, tuple(pictures))
