"""gate: how far a reduced engine's answers are from FP32's, and whether that will do."""

import os
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from app.device import answers
from app.device.backend import Backend, InputSpec, Model, Network
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


class Answers(NamedTuple):
    """What one side says of pictures, in their order."""

    input: InputSpec
    raw: List[Found]  # of a detector, in network pixels
    found: List[Found]  # in the pictures' own
    scores: List[np.ndarray]  # of a classifier, (C,)

    @classmethod
    def of(cls, side: Side) -> "Answers":
        """None yet."""
        return cls(side.network.input, [], [], [])


class Likeness(NamedTuple):
    """How far two sides agree. What cannot be told is None."""

    seen: int  # objects of the reference's, or a classifier's pictures
    what: str  # these
    share: Optional[float]
    mean_score_difference: Optional[float]


class Report(NamedTuple):
    accuracy: Accuracy
    passed: Optional[bool]  # None: nothing was proven


def wanted(model: Model, pictures: Sequence[str]) -> Model:
    """The model, as both sides must be loaded: with scores low enough for the comparison."""
    lowest = FOR_AP if truths(pictures, model) else max(0.001, model.score - SLACK)
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
    ours, theirs = Answers.of(candidate), Answers.of(reference)
    for number, image in enumerate(samples.read(pictures)):
        add(ours, candidate, image)
        add(theirs, reference, image)
        tell("comparing with " + reference.name, number + 1, len(pictures))
    seen, what, share, difference = alike(theirs, ours, score)
    passed: Optional[bool] = None
    verdict = f"only {seen} {what} were seen in {len(pictures)} pictures: nothing is proven"
    if share is not None and seen >= LEAST_SEEN:
        passed = share >= at_least
        verdict = (
            f"agreement {share:.3f}, asked for {at_least:g}: {'kept' if passed else 'refused'}"
        )
    known = truths(pictures, model)
    made = Accuracy(
        candidate.name, reference.name, len(pictures), share, difference, at_least, verdict
    )
    if known:
        labels = [known[os.path.basename(path)] for path in pictures]
        made = made._replace(
            ap=average_precision(labels, ours.found).ap,
            ap_reference=average_precision(labels, theirs.found).ap,
        )
    return Report(made, passed)


def add(answers_: Answers, side: Side, image: np.ndarray) -> None:
    """Ask a side about one more picture."""
    backend, network = side.backend, side.network
    wide, high = letterbox.size_of(image)
    whole = np.array([[0, 0, wide, high]], np.float32)
    answer: Dict[str, np.ndarray] = backend.infer(network, backend.prepare(network, [image], whole))
    if network.model.decoder is None:
        (output,) = answer.values()
        answers_.scores.append(classes.probabilities(output)[0])
        return
    (found,) = answers.found(network, answer)
    fit = network.input.fit((wide, high))
    answers_.raw.append(found)
    answers_.found.append(found._replace(xyxy=letterbox.undo(found.xyxy, fit, (wide, high))))


def alike(reference: Answers, candidate: Answers, score: float) -> Likeness:
    """How far the two agree on the same pictures; ``score``: the least that counts."""
    if reference.scores:
        top = top_agreement(np.stack(reference.scores), np.stack(candidate.scores))
        return Likeness(top.pictures, "pictures", top.share, top.mean_score_difference)
    sides = [
        one.raw if reference.input == candidate.input else one.found
        for one in (reference, candidate)
    ]
    both = agreement(sides[0], sides[1], score, SLACK)
    return Likeness(both.reference_boxes, "objects", both.share, both.mean_score_difference)


def truths(pictures: Sequence[str], model: Model) -> Mapping[str, Truth]:
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
