"""relief: do less, step by step, while frames come late or the machine is too hot; and no less."""

import collections
import logging
from typing import List, NamedTuple, Optional, Sequence, Tuple

from app.core.load import Ease, Load

logger = logging.getLogger(__name__)

# Looking less often costs least: tracks are moved on between. A smaller picture costs most.
STEPS: Tuple[Ease, ...] = (
    Ease(),
    Ease(interval=2),
    Ease(interval=3),
    Ease(interval=5),
    Ease(interval=5, fps=15),
    Ease(interval=5, fps=10),
    Ease(interval=8, fps=5),
    Ease(interval=8, fps=5, scale=0.75),
    Ease(interval=8, fps=5, scale=0.5),
)


def steps(
    interval: bool = True, shown: bool = True, scale: bool = True, own: int = 1
) -> Tuple[Ease, ...]:
    """
    The steps that change something. ``interval``: the detector need not look at each frame, and
    looks at every ``own``-th unasked; ``shown``: pictures are; ``scale``: they may be smaller.
    """
    made = [
        Ease(
            one.interval if interval and one.interval > own else 1,
            one.fps if shown else 0.0,
            one.scale if scale else 1.0,
        )
        for one in STEPS
    ]
    return tuple(collections.OrderedDict.fromkeys(made))


class LimitsSettings(NamedTuple):
    memory_mb: Optional[int] = None  # of the process; at it, systemd is asked for a fresh start
    latency_ms: Optional[float] = None  # from the camera to the end; None: as it comes
    max_temperature_c: Optional[float] = None  # of the hottest sensor


class Rule(NamedTuple):
    """When one quantity asks for less or lets go, in seconds and shares of its limit."""

    late_s: float  # above the limit for so long: a step
    settle_s: float  # after a step, before it is judged
    margin: float  # below the limit by this share: may let go


_LATENCY = Rule(late_s=3, settle_s=5, margin=0.4)
_HEAT = Rule(late_s=10, settle_s=60, margin=0.06)  # 5 degrees of 85
_KEPT_S = 10.0  # that a value counts, where none comes
_CALM_S = 30.0  # that all must be well, before a step is taken back
_LONGEST_CALM_S = 3600.0
_RELAPSE_S = 600.0  # a step that is wanted again within this was taken back too early


class _Watched:
    def __init__(self, name: str, unit: str, limit: float, rule: Rule) -> None:
        self.name = name
        self.unit = unit
        self.limit = limit
        self.rule = rule
        self.over_since: Optional[float] = None
        self.value: Optional[float] = None
        self.heard = float("-inf")

    def learn(self, value: Optional[float], now: float) -> None:
        if value is None:  # a frame that takes seconds ends in none of most seconds
            if now - self.heard > _KEPT_S:
                self.value = self.over_since = None
            return
        self.value, self.heard = value, now
        if value <= self.limit:
            self.over_since = None
        elif self.over_since is None:
            self.over_since = now

    def wants_less(self, now: float, stepped: float) -> bool:
        over = self.over_since
        return (
            over is not None
            and now - over >= self.rule.late_s
            and now - stepped >= self.rule.settle_s
        )

    def lets_go(self) -> bool:
        return self.value is None or self.value <= self.limit * (1 - self.rule.margin)

    def told(self, relation: str) -> str:
        return f"{self.name} is {self.value:.0f} {self.unit}, {relation} {self.limit:.0f}"


class Relief:
    """
    Told of latency and heat once a second; sets the load. One step at a time, each given time to
    work. A step is taken back after a calm time, which doubles each time that this proves to have
    been too early: so a machine on the edge changes ever more rarely, and not to and fro.
    """

    def __init__(self, limits: LimitsSettings, load: Load, steps: Sequence[Ease] = STEPS) -> None:
        self.level = 0
        self.reason = ""  # of the level, for people; "" at none
        self.changes = 0
        self._load = load
        self._steps = steps
        self._watched: List[_Watched] = []
        if limits.latency_ms is not None:
            self._watched.append(_Watched("latency", "ms", limits.latency_ms, _LATENCY))
        if limits.max_temperature_c is not None:
            self._watched.append(_Watched("temperature", "C", limits.max_temperature_c, _HEAT))
        self._stepped = float("-inf")
        self._let_go = float("-inf")
        self._calm_since: Optional[float] = None
        self._calm_s = _CALM_S

    def learn(
        self, now: float, latency_ms: Optional[float], temperature_c: Optional[float]
    ) -> None:
        """``now`` in monotonic seconds. None is what cannot be told, and then asks for nothing."""
        for one in self._watched:
            one.learn(latency_ms if one.name == "latency" else temperature_c, now)
        pressing = [one for one in self._watched if one.wants_less(now, self._stepped)]
        if pressing:
            self._calm_since = None
            if self.level + 1 < len(self._steps):
                if now - self._let_go < _RELAPSE_S + self._calm_s:
                    self._calm_s = min(self._calm_s * 2, _LONGEST_CALM_S)
                    self._let_go = float("-inf")  # it was too early once, however far this goes
                self._step(self.level + 1, pressing[0].told("above"), now)
            return
        if not self.level or not all(one.lets_go() for one in self._watched):
            self._calm_since = None
            return
        if self._calm_since is None:
            self._calm_since = now
        if now - max(self._calm_since, self._stepped) >= self._calm_s:
            if now - self._stepped > 2 * (_RELAPSE_S + self._calm_s):  # it held
                self._calm_s = max(_CALM_S, self._calm_s / 2)
            self._let_go = now
            self._calm_since = None
            told = ", ".join(one.told("below") for one in self._watched if one.value is not None)
            self._step(self.level - 1, told, now)

    def _step(self, level: int, why: str, now: float) -> None:
        self.level = level
        self.changes += 1
        self._stepped = now
        self._load.ease = self._steps[level]
        self.reason = f"{described(self._steps[level])}, as {why}" if level else ""
        logger.warning("load step %d of %d: %s, as %s", level, len(self._steps) - 1,
                       described(self._steps[level]), why)  # fmt: skip


def described(ease: Ease) -> str:
    """What is done less, for people."""
    parts = []
    if ease.interval > 1:
        parts.append(f"the detector looks at every {ease.interval}. frame")
    if ease.fps:
        parts.append(f"{ease.fps:g} pictures a second are shown")
    if ease.scale < 1:
        parts.append(f"pictures are {ease.scale:g} of their size")
    return ", ".join(parts) or "all that is asked for is done"
