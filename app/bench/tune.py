"""
tune: the settings with which a machine keeps a latency, found by measuring.

What costs nothing comes first: threads, precision. Where that is not enough, a smaller input; and
where that answers too differently, the detector looks less often. What is found is measured anew,
longer and several times, before it is told; where it fails then, the next best is.
"""

import time
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.bench.bench import Bench
from app.bench.results import Trial
from app.bench.settings import Setting
from app.errors import AppError

MOST_LOST = 0.01  # of a camera's frames, at the door
_SIZES = (0.75, 0.5)  # of the network's own, each side
_STRIDE = 32
_INTERVALS = (2, 3, 4, 6, 8)

Say = Callable[[str], None]


class Goal(NamedTuple):
    latency_ms: float  # of 95 in 100 frames, from capture to the end
    min_agreement: float  # with FP32 at the model's own size
    minutes: float = 15.0  # for the search; the proof comes on top
    seconds: float = 6.0  # of each run of the search


class Found(NamedTuple):
    """What came of it. ``why``: in words."""

    setting: Optional[Setting]  # None: nothing keeps the goal
    why: str


class Known:
    """Measurements of an earlier search, by their setting; each new one is kept as well."""

    def __init__(
        self, trials: Sequence[Trial] = (), keep: Callable[[Sequence[Trial]], None] = lambda _: None
    ) -> None:
        self._trials: Dict[Tuple[Tuple[str, str], ...], Trial] = {}
        for one in trials:
            self._trials[_key(one.setting)] = one
        self._keep = keep

    def of(self, setting: Setting) -> Optional[Trial]:
        return self._trials.get(_key(setting.values))

    def add(self, setting: Setting, trial: Trial) -> None:
        self._trials[_key(setting.values)] = trial._replace(setting=dict(setting.values))
        self._keep(list(self._trials.values()))


class Search:
    """One search. ``tried``: each setting in turn, and what was measured."""

    def __init__(
        self, bench: Bench, goal: Goal, known: Known, say: Say,
        now: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._bench = bench
        self._goal = goal
        self._known = known
        self._say = say
        self._now = now
        self._error: Optional[AppError] = None  # the latest
        self._base: Mapping[str, str] = {}  # what was asked for, and is not searched
        self._end = now() + 60 * goal.minutes
        self.tried: List[Tuple[Setting, Trial]] = []

    def find(self, base: Mapping[str, str], own: Optional[Tuple[int, int]], cores: int) -> Found:
        """
        The best setting that keeps the goal, with all of ``base``. ``own``: the network's size,
        where one is known. Raises AppError where nothing can be measured.
        """
        self._base = base
        first = self._fastest(base, self._ways(cores))
        if not self.tried and self._error is not None:
            raise self._error
        if first is None:
            return Found(None, self._best_of("no way of computing agrees enough"))
        chosen = first
        if not self._keeps(first):
            for values in self._smaller(first.values, own):
                one = self._measured(values)
                if one is not None and self._agrees(one):
                    chosen = one
                    if self._keeps(one):
                        break
            else:
                chosen = self._rarer(chosen)
        ranked = self._ranked()
        chosen = ranked[0] if ranked else chosen
        if not self._keeps(chosen):
            return Found(None, self._best_of("nothing that was tried is fast enough"))
        return Found(chosen, f"{_told(chosen)}: {self._figures(self._trial(chosen))}")

    def prove(self, again: Callable[[Setting], Trial]) -> Found:
        """Measure the best of what was tried ``again``; where it fails, the next best."""
        for setting in self._ranked():
            # the proof's network may be its own reference; that it agrees was seen in the search
            trial = again(setting)._replace(accuracy=self._trial(setting).accuracy)
            if not trial.problem and self._good(trial):
                return Found(setting, f"{_told(setting)}: {self._figures(trial)}")
            why = trial.problem or self._figures(trial)
            self._say(f"{_told(setting)} did not prove itself: {why}")
        return Found(None, "nothing that was tried keeps the goal for longer")

    def _ways(self, cores: int) -> Sequence[Tuple[str, Sequence[str]]]:
        """What changes the speed and hardly the answers: a name and its values."""
        if self._bench.backend == "host":
            counts = sorted({1, max(1, cores // 2), cores})
            return (("threads", [str(count) for count in counts]),)
        return (("precision", ["fp16", "int8"]),)

    def _fastest(
        self, base: Mapping[str, str], ways: Sequence[Tuple[str, Sequence[str]]]
    ) -> Optional[Setting]:
        """Of the base with each value of each way, that with the lowest latency."""
        best: Optional[Setting] = None
        for name, values in ways:
            given = [base[name]] if name in base else values  # what was asked for stays
            for value in given:
                one = self._measured(dict(base, **{name: value}))
                if one is None or not self._agrees(one):
                    continue
                if best is None or self._worse(one) < self._worse(best):
                    best = one
        return best

    def _smaller(
        self, values: Mapping[str, str], own: Optional[Tuple[int, int]]
    ) -> Iterator[Dict[str, str]]:
        if own is None or "size" in values:
            return
        for share in _SIZES:
            sides = [max(_STRIDE, int(share * side) // _STRIDE * _STRIDE) for side in own]
            yield dict(values, size="x".join(map(str, sides)))

    def _rarer(self, setting: Setting) -> Setting:
        """The smallest interval with which the setting keeps the goal; else the last tried."""
        if "interval" in setting.values:
            return setting
        last = setting
        for interval in _INTERVALS:
            one = self._measured(dict(setting.values, interval=str(interval)))
            if one is None:
                return last
            last = one
            if self._keeps(one):
                return one
        return last

    def _measured(self, values: Mapping[str, str]) -> Optional[Setting]:
        """The setting, once it was measured; None where it cannot be, or time is over."""
        searched = [f"{name} {value}" for name, value in values.items() if name not in self._base]
        setting = Setting(", ".join(searched), values)
        known = self._known.of(setting)
        if known is None:
            if self._now() > self._end:
                return None
            try:
                (known,) = self._bench.measure([setting], self._goal.seconds, 1, flat=False)
            except AppError as error:
                self._error = error
                return None
            if known.problem:
                return None
            self._known.add(setting, known)
        self.tried.append((setting, known))
        self._say(f"{_told(setting)}: {self._figures(known)}")
        return setting

    def _worse(self, setting: Setting) -> Tuple[bool, float]:
        return not self._keeps(setting), _p95(self._trial(setting))

    def _trial(self, setting: Setting) -> Trial:
        return [trial for one, trial in self.tried if one == setting][-1]

    def _agrees(self, setting: Setting) -> bool:
        """Whether its answers are near enough to FP32's; where nothing was seen, they may be."""
        accuracy = self._trial(setting).accuracy
        if accuracy is None or accuracy.agreement is None:
            return True
        return accuracy.agreement >= self._goal.min_agreement

    def _keeps(self, setting: Setting) -> bool:
        return self._good(self._trial(setting))

    def _good(self, trial: Trial) -> bool:
        return _p95(trial) <= self._goal.latency_ms and _lost(trial) <= MOST_LOST

    def _ranked(self) -> List[Setting]:
        """Those that kept the goal: the detector looks often, then it agrees, then it is quick."""
        good: Dict[Tuple[Tuple[str, str], ...], Setting] = {}
        for setting, _ in self.tried:
            if self._agrees(setting) and self._keeps(setting):
                good[_key(setting.values)] = setting

        def rank(setting: Setting) -> Tuple[float, float, float]:
            trial = self._trial(setting)
            agreement = trial.accuracy.agreement if trial.accuracy else None
            return (
                float(setting.values.get("interval", "1")),
                -(1.0 if agreement is None else agreement),
                _p95(trial),
            )

        return sorted(good.values(), key=rank)

    def _best_of(self, why: str) -> str:
        trials = [trial for _, trial in self.tried if trial.runs]
        if not trials:
            return why
        best = min(trials, key=_p95)
        over = " The time was over." if self._now() > self._end else ""
        return f"{why}. The nearest: {best.name}: {self._figures(best)}.{over}"

    def _figures(self, trial: Trial) -> str:
        parts = [f"{_p95(trial):.0f} ms for 95 of 100", f"{100 * _lost(trial):.1f} % lost"]
        agreement = trial.accuracy.agreement if trial.accuracy else None
        known = "agreement not known" if agreement is None else f"agreement {agreement:.3f}"
        parts.append(known)
        return ", ".join(parts)


def _told(setting: Setting) -> str:
    return setting.name or "as it is"


def _p95(trial: Trial) -> float:
    """Milliseconds; infinite where a run could not tell."""
    values = [run.latency.p95 for run in trial.runs]
    told = [value for value in values if value is not None]
    return float(np.median(told)) if told and len(told) == len(values) else float("inf")


def _lost(trial: Trial) -> float:
    came = sum(run.came for run in trial.runs)
    return sum(run.dropped for run in trial.runs) / came if came else 1.0


def _key(values: Mapping[str, str]) -> Tuple[Tuple[str, str], ...]:
    return tuple(sorted(values.items()))
