"""floor: our way from pictures to what is in them, by turns with the network alone."""

import time
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from app.bench import results
from app.bench.honest import spread_of
from app.device import answers
from app.device.backend import Backend, Layer, Network
from app.vision import classes, letterbox

_SETTLE = 2  # calls at the begin of a turn, not counted: the way before may have changed the shape
_WARM_UP, _WARM_UP_S = 20, 2.0  # calls of each way before any is counted, or seconds
_OURS, _RAW = "ours", "raw"

Way = Callable[[], Any]


def floor(
    backend: Backend,
    network: Network,
    images: Sequence[np.ndarray],
    rounds: int,
    each: int,
    batch: int = 1,
) -> results.Floor:
    """
    Both ways on a batch of these pictures, ``each`` calls in turn, so many ``rounds``, each with
    the next of them, on this thread. Ours is all that the detecting or classifying lane does with
    them, from memory that readers are given. Raises AppError.
    """
    with backend.attached():
        count = max(len(images), batch)
        held = [_held(backend, images[number % len(images)]) for number in range(count)]
        batches = [[held[(first + row) % count] for row in range(batch)] for first in range(count)]
        shown = _Shown(batches)
        answered(backend, network, shown.images, shown.windows)  # so that the input holds them
        ways = {
            _OURS: lambda: answered(backend, network, shown.images, shown.windows),
            _RAW: backend.raw(network, batch),
        }
        spent = by_turns(ways, rounds, each, turn=shown.turn)
    ours, raw = spread_of(np.array(spent[_OURS])), spread_of(np.array(spent[_RAW]))
    raw_fps = 1000 * batch / raw.p50 if raw.p50 else None
    return results.Floor(backend.runtime, raw, ours, batch, raw_fps, pictures=len(images))


class _Shown:
    """The batch whose turn it is."""

    def __init__(self, batches: Sequence[Sequence[np.ndarray]]) -> None:
        self._batches = batches
        self._windows = [whole(one) for one in batches]
        self.turn(0)

    def turn(self, number: int) -> None:
        place = number % len(self._batches)
        self.images, self.windows = self._batches[place], self._windows[place]


def together(repeats: Sequence[results.Floor]) -> results.Floor:
    """The repeat that lies in the middle, with what all of them cost."""
    known = [(one.cost_ms, one) for one in repeats if one.cost_ms is not None]
    uses = tuple(use for one in repeats for use in one.uses)
    if not known:
        return repeats[0]._replace(uses=uses)
    ordered = sorted(known, key=lambda pair: pair[0])
    middle = ordered[(len(ordered) - 1) // 2][1]
    return middle._replace(costs=tuple(cost for cost, _ in known), uses=uses)


def layers(
    backend: Backend, network: Network, batch: int = 1, times: int = 50
) -> Tuple[Layer, ...]:
    """What each layer takes, in the order of their running, over so many runs. Raises AppError."""
    with backend.attached():
        return tuple(backend.layers(network, batch, times))


def answered(
    backend: Backend, network: Network, images: Sequence[np.ndarray], windows: np.ndarray
) -> List[Any]:
    """Of each picture what was found, in its own pixels; or a classifier's probabilities."""
    answer = backend.infer(network, backend.prepare(network, images, windows))
    if network.model.decoder is None:
        (output,) = answer.values()
        return list(classes.probabilities(output))
    made = []
    for image, found in zip(images, answers.found(network, answer)):
        size_wh = letterbox.size_of(image)
        xyxy = letterbox.undo(found.xyxy, network.input.fit(size_wh), size_wh)
        made.append(found._replace(xyxy=xyxy))
    return made


def whole(images: Sequence[np.ndarray]) -> np.ndarray:
    """(B, 4) xyxy windows that are the pictures."""
    return np.array([(0, 0) + letterbox.size_of(image) for image in images], np.float32)


def by_turns(
    ways: Mapping[str, Way],
    rounds: int,
    each: int,
    clock: Callable[[], float] = time.perf_counter,
    turn: Callable[[int], None] = lambda number: None,
) -> Dict[str, List[float]]:
    """
    Milliseconds of ``rounds`` x ``each`` calls of each way, all of them warm; ``turn`` is told of
    each round before it begins.
    """
    for way in ways.values():
        began = clock()
        for number in range(_WARM_UP):
            turn(number)
            way()
            if clock() - began > _WARM_UP_S:
                break
    spent: Dict[str, List[float]] = {name: [] for name in ways}
    for number in range(rounds):
        turn(number)
        for name, way in ways.items():
            for _ in range(_SETTLE):
                way()
            for _ in range(each):
                began = clock()
                way()
                spent[name].append((clock() - began) * 1000)
    return spent


def _held(backend: Backend, image: np.ndarray) -> np.ndarray:
    """The picture where a reader would put it."""
    place = backend.picture(image.shape)
    place[...] = image
    return place
