"""gate: how far a reduced engine's answers are from FP32's, and whether that will do."""

import os
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from app.device import answers
from app.device.backend import Backend, Model, Network
from app.device.plan import Accuracy
from app.media import samples, truth
from app.vision import classes, letterbox
from app.vision.agree import agreement, top_agreement
from app.vision.found import Found
from app.vision.precision import Truth, average_precision

SLACK = 0.05  # of a score: one just above the threshold and one just below it agree
LEAST_SEEN = 20  # boxes, or pictures of a classifier: fewer prove nothing
FOR_AP = 0.01  # the least score that average precision asks for

Tell = Callable[[str, int, int], None]


class Side(NamedTuple):
    """One of the two that are compared."""

    name: str  # "fp16", "ONNX Runtime"
    backend: Backend
    network: Network


class Report(NamedTuple):
    accuracy: Accuracy
    passed: Optional[bool]  # None: nothing was proven


def wanted(model: Model, pictures: Sequence[str]) -> Model:
    """The model, as both sides must be loaded: with scores low enough for the comparison."""
    lowest = FOR_AP if _truths(pictures, model) else max(0.001, model.score - SLACK)
    return model._replace(score=min(model.score, lowest))


def measure(
    candidate: Side, reference: Side, pictures: Sequence[str], score: float, at_least: float,
    tell: Tell,
) -> Report:  # fmt: skip
    """
    Compare the two on files of pictures that calibration has not seen. ``score``: the model's own
    least. Both sides were loaded from ``wanted``.
    """
    model = candidate.network.model
    ours, theirs = _Answers(candidate), _Answers(reference)
    for number, image in enumerate(samples.read(pictures)):
        for side in (ours, theirs):
            side.add(image)
        tell("comparing with " + reference.name, number + 1, len(pictures))
    if model.decoder is None:
        top = top_agreement(np.stack(theirs.scores), np.stack(ours.scores))
        seen, share, difference = top.pictures, top.share, top.mean_score_difference
        what = "pictures"
    else:
        both = agreement(theirs.raw, ours.raw, score, SLACK)
        seen, share = both.reference_boxes, both.share
        difference, what = both.mean_score_difference, "objects"
    passed: Optional[bool] = None
    verdict = f"only {seen} {what} were seen in {len(pictures)} pictures: nothing is proven"
    if share is not None and seen >= LEAST_SEEN:
        passed = share >= at_least
        verdict = (
            f"agreement {share:.3f}, asked for {at_least:g}: {'kept' if passed else 'refused'}"
        )
    truths = _truths(pictures, model)
    made = Accuracy(
        candidate.name, reference.name, len(pictures), share, difference, at_least, verdict
    )
    if truths:
        labels = [truths[os.path.basename(path)] for path in pictures]
        made = made._replace(
            ap=average_precision(labels, ours.found).ap,
            ap_reference=average_precision(labels, theirs.found).ap,
        )
    return Report(made, passed)


class _Answers:
    """What one side says of the pictures so far."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self.raw: List[Found] = []  # in network pixels
        self.found: List[Found] = []  # in the pictures' own
        self.scores: List[np.ndarray] = []  # of a classifier, (C,)

    def add(self, image: np.ndarray) -> None:
        backend, network = self._side.backend, self._side.network
        wide, high = letterbox.size_of(image)
        whole = np.array([[0, 0, wide, high]], np.float32)
        answer: Dict[str, np.ndarray] = backend.infer(
            network, backend.prepare(network, [image], whole)
        )
        if network.model.decoder is None:
            (output,) = answer.values()
            self.scores.append(classes.probabilities(output)[0])
            return
        (found,) = answers.found(network, answer)
        fit = network.input.fit((wide, high))
        self.raw.append(found)
        self.found.append(found._replace(xyxy=letterbox.undo(found.xyxy, fit, (wide, high))))


def _truths(pictures: Sequence[str], model: Model) -> Mapping[str, Truth]:
    """The labels beside the pictures, where every picture has its own and the classes are ours."""
    folders = {os.path.dirname(path) for path in pictures}
    if model.decoder is None or len(folders) != 1:
        return {}
    labelled = truth.read(folders.pop())
    names = [os.path.basename(path) for path in pictures]
    if labelled is None or any(name not in labelled for name in names):
        return {}
    known = [labelled[name] for name in names]
    most = max((int(one.class_id.max()) for one in known if len(one.class_id)), default=0)
    if model.labels and most >= len(model.labels):
        return {}
    return {name: Truth(*one) for name, one in zip(names, known)}
