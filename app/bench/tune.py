"""
tune: the settings with which a machine keeps a latency, found by measuring.

What costs nothing comes first: threads, precision. Where that is not enough, a smaller input; and
where that answers too differently, or nobody knows, the detector looks less often. What is found is
measured anew, longer and several times, before it is told; where it fails then, the next best is.
"""

import time
from typing import (
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from app.bench import goal
from app.bench.bench import Bench
from app.bench.budget import Budget
from app.bench.goal import Goal
from app.bench.results import Trial
from app.bench.settings import OF_THE_ENGINE, Setting
from app.device.build import FP16, FP32, INT8
from app.errors import AppError

_SIZES = (0.75, 0.5)  # of the network's own, each side
_STRIDE = 32
_INTERVALS = (2, 3, 4, 6, 8)

Say = Callable[[str], None]
Key = Tuple[Tuple[str, str], ...]  # names of settings and their values


class Found(NamedTuple):
    """What came of it. ``why``: in words."""

    setting: Optional[Setting]  # None: nothing keeps the goal
    why: str


class Known:
    """Measurements of an earlier search, by their setting; each new one is kept as well."""

    def __init__(
        self, trials: Sequence[Trial] = (), keep: Callable[[Sequence[Trial]], None] = lambda _: None
    ) -> None:
        self._trials: Dict[Key, Trial] = {}
        for one in trials:
            self._trials[_key(one.setting)] = one
        self._keep = keep

    def of(self, setting: Setting) -> Optional[Trial]:
        return self._trials.get(_key(setting.values))

    def add(self, setting: Setting, trial: Trial) -> None:
        self._trials[_key(setting.values)] = trial._replace(setting=dict(setting.values))
        self._keep(list(self._trials.values()))


class Search:
    """
    One search. ``tried``: each setting in turn, and what was measured; ``failed``: what could not
    be; ``proofs``: what was measured anew.
    """

    def __init__(
        self, bench: Bench, wanted: Goal, known: Known, say: Say,
        now: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._bench = bench
        self._goal = wanted
        self._known = known
        self._say = say
        self._error: Optional[AppError] = None  # the latest
        self._own: Optional[Tuple[int, int]] = None  # the network's size
        self._made: Set[Key] = set()  # engines
        self._base: Mapping[str, str] = {}  # what was asked for, and is not searched
        self._budget = Budget(wanted.minutes, now, say)
        self.tried: List[Tuple[Setting, Trial]] = []
        self.failed: List[Trial] = []
        self.proofs: List[Trial] = []

    def find(self, base: Mapping[str, str], own: Optional[Tuple[int, int]], cores: int) -> Found:
        """
        The best setting that keeps the goal, with all of ``base``. ``own``: the network's size,
        where one is known. Raises AppError where nothing can be measured.
        """
        self._base = base
        self._own = own
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
        return Found(chosen, f"{_told(chosen)}: {goal.figures(self._trial(chosen))}")

    def prove(self, again: Callable[[Setting], Trial]) -> Found:
        """Measure the best of what was tried ``again``; where it fails, the next best."""
        for setting in self._ranked():
            # the proof's network may be its own reference; that it agrees was seen in the search
            trial = again(setting)._replace(accuracy=self._trial(setting).accuracy)
            self.proofs.append(trial._replace(name=f"proof: {_told(setting)}"))
            if not trial.problem and self._goal.kept(trial):
                return Found(setting, f"{_told(setting)}: {goal.figures(trial)}")
            why = trial.problem or goal.figures(trial)
            self._say(f"{_told(setting)} did not prove itself: {why}")
        return Found(None, "nothing that was tried keeps the goal for longer")

    def trials(self) -> List[Trial]:
        """All of these, each setting once, for people."""
        tried = {_key(one.values): trial._replace(name=_told(one)) for one, trial in self.tried}
        return [*tried.values(), *self.failed, *self.proofs]

    def _ways(self, cores: int) -> Sequence[Tuple[str, Sequence[str]]]:
        """What changes the speed and hardly the answers: a name and its values."""
        if self._bench.backend == "host":
            counts = sorted({1, max(1, cores // 2), cores})
            return (("threads", [str(count) for count in counts]),)
        return (("precision", [FP16, INT8]),)

    def _fastest(
        self, base: Mapping[str, str], ways: Sequence[Tuple[str, Sequence[str]]]
    ) -> Optional[Setting]:
        """Of the base with each value of each way, that with the lowest latency."""
        sound: List[Setting] = []
        for name, values in ways:
            given = [base[name]] if name in base else values  # what was asked for stays
            for value in given:
                sound += self._sound(dict(base, **{name: value}))
            if given == [FP16, INT8] and all(one.values[name] != FP16 for one in sound):
                sound += self._sound(dict(base, **{name: FP32}))
        return min(sound, key=self._worse) if sound else None

    def _sound(self, values: Mapping[str, str]) -> List[Setting]:
        """The setting, if it can be measured and agrees."""
        one = self._measured(values)
        return [] if one is None or not self._agrees(one) else [one]

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
            engine = setting.of(OF_THE_ENGINE)
            building = engine not in self._made
            if not self._budget.allows(building):
                return None
            self._made.add(engine)
            try:
                with self._budget.spent(building):
                    (known,) = self._bench.measure([setting], self._goal.seconds, 1, flat=False)
            except AppError as error:
                self._error = error
                known = Trial(setting.name, setting.values, problem=str(error))
            if known.problem:
                self.failed.append(known._replace(name=_told(setting)))
                return None
            self._known.add(setting, known)
        self.tried.append((setting, known))
        self._say(f"{_told(setting)}: {goal.figures(known)}")
        return setting

    def _worse(self, setting: Setting) -> Tuple[bool, float]:
        return not self._keeps(setting), goal.p95(self._trial(setting))

    def _trial(self, setting: Setting) -> Trial:
        return [trial for one, trial in self.tried if one == setting][-1]

    def _agrees(self, setting: Setting) -> bool:
        """Whether its answers are near enough to FP32's."""
        share = goal.agreement(self._trial(setting))
        if share is None:
            return not self._must_show(setting)
        return share >= self._goal.min_agreement

    def _must_show(self, setting: Setting) -> bool:
        """Whether it has to be seen that it agrees: the others are what is taken without asking."""
        size = setting.values.get("size")
        own = self._own and "x".join(map(str, self._own))
        return setting.values.get("precision") == INT8 or size is not None and size != own

    def _keeps(self, setting: Setting) -> bool:
        return self._goal.kept(self._trial(setting))

    def _ranked(self) -> List[Setting]:
        """
        Those that kept the goal. It is known how far it agrees; then the detector looks often; then
        it agrees, then it is quick.
        """
        good: Dict[Key, Setting] = {}
        for setting, _ in self.tried:
            if self._agrees(setting) and self._keeps(setting):
                good[_key(setting.values)] = setting

        def rank(setting: Setting) -> Tuple[bool, float, float, float]:
            trial = self._trial(setting)
            share = goal.agreement(trial)
            text = setting.values.get("interval", "1")
            interval = 1.0 if text == "auto" else float(text)  # auto is asked for, not searched
            return share is None, interval, -(share or 0.0), goal.p95(trial)

        return sorted(good.values(), key=rank)

    def _best_of(self, why: str) -> str:
        trials = [trial for _, trial in self.tried if trial.runs]
        if not trials:
            return why
        best = min(trials, key=goal.p95)
        over = " The time was over: --minutes gives more." if self._budget.over else ""
        unknown = [
            _told(setting)
            for setting, trial in self.tried
            if self._must_show(setting) and goal.agreement(trial) is None
        ]
        if unknown:
            over += (
                f" Of {'; '.join(dict.fromkeys(unknown))} it is not known whether it agrees, so it "
                "was not taken: the pictures show too little. Give others: --labelled FOLDER, or a "
                "--source that shows something."
            )
        return f"{why}. The nearest: {best.name or 'as it is'}: {goal.figures(best)}.{over}"


def _told(setting: Setting) -> str:
    return setting.name or "as it is"


def _key(values: Mapping[str, str]) -> Key:
    return tuple(sorted(values.items()))
