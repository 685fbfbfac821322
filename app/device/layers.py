"""layers: what each layer of a network takes, and TensorRT's profiler, which tells of engines."""

import json
import re
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from app.device.backend import Layer
from app.device.engine import Engine
from app.device.trt import Api

WARM_UP = 5  # runs that are not counted

Times = Sequence[Tuple[str, float]]  # name, milliseconds: of one run, or of many in a row

_KINDS = (  # what names give away where the build kept no more than those
    (re.compile(r"^PWN\("), "PointWise"),
    (re.compile(r"Reformatting CopyNode"), "Reformat"),
    (re.compile(r"ForeignNode\["), "Myelin"),
    (re.compile(r"\[([A-Z]\w*)\]$"), ""),  # (Unnamed Layer* 3) [Shuffle]
    (re.compile(r"(?:^|/)([A-Z][A-Za-z0-9]*?)(?:_\d+)?$"), ""),  # Conv_12, /head/cls/Conv
)


def timed(api: Api, engine: Engine, stream: Any, times: int) -> List[Layer]:
    """
    The layers of a bound engine, in the order of their running on a stream. It is fit for nothing
    else afterwards: who profiles it gives a copy. Raises EngineError.
    """
    heard = listener(api)
    engine.listen(heard)
    for number in range(WARM_UP + times):
        if number == WARM_UP:
            del heard.times[:]
        engine.enqueue(stream.handle)
        stream.synchronize()
        engine.report()
    return summed(heard.times, times, kinds(engine.described()))


def summed(heard: Times, runs: int, kinds_: Dict[str, str]) -> List[Layer]:
    """Layers in the order in which they were first heard of; one heard often in a run is summed."""
    by_name: Dict[str, List[float]] = {}
    for name, ms in heard:
        by_name.setdefault(name, []).append(ms)
    return [
        Layer(name, float(np.median(_by_run(values, runs))), kinds_.get(name) or kind_of(name))
        for name, values in by_name.items()
    ]


def kinds(described: str) -> Dict[str, str]:
    """Layer -> kind, by the JSON of TensorRT's inspector; empty where it holds names alone."""
    try:
        told = [one for one in json.loads(described)["Layers"] if isinstance(one, dict)]
        return {one["Name"]: one.get("LayerType", "") for one in told}
    except (ValueError, KeyError, TypeError):
        return {}


def kind_of(name: str) -> str:
    """What a layer does, by its name: the kinds of what was fused; empty where it does not tell."""
    made: List[str] = []
    for part in name.split(" + "):
        for pattern, kind in _KINDS:
            found = pattern.search(part.strip())
            if found:
                kind = kind or found.group(1)
                if kind not in made:
                    made.append(kind)
                break
    return " + ".join(made)


def _by_run(values: Sequence[float], runs: int) -> np.ndarray:
    """(runs,): the sum of each run's values, which came one run after another."""
    each = max(1, len(values) // runs)
    return np.array(values[: runs * each]).reshape(-1, each).sum(axis=1)


def listener(api: Api) -> Any:
    """A profiler that keeps what it is told, in ``times``."""
    trt = api.module

    class Listener(trt.IProfiler):  # type: ignore
        """Nothing may be raised here: on 8.2 that would abort."""

        def __init__(self) -> None:
            trt.IProfiler.__init__(self)
            self.times: List[Tuple[str, float]] = []

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            self.times.append((layer_name, ms))

    return Listener()
