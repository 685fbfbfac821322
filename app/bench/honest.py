"""honest: how many samples a figure needs, what repeats of a run say, what speaks against them."""

import math
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.bench.results import Accuracy, Document, Floor, Machine, Run, Spread, Trial, Use

BEYOND = 5  # samples that must lie beyond a percentile
STEADY = 50  # frames, or nobody can tell whether a run was steady, nor its rate or memory
READINGS = 3  # of CPU time, power or heat in a run, or their mean is that of a moment
PICTURES = 20  # or each of them is more than 5 % of an accuracy
BUSY_PERCENT = 5.0  # of the whole machine, taken by other programs, that are worth a word
GPU_BUSY_PERCENT = 10.0  # the same of the GPU, which a desktop keeps a little busy
SUGGESTED = 5  # repeats: with as many on both sides noise alone seldom moves one past the other

SHORT_S = 2.0  # from one beginning of a clip to the next: what opening it takes is then in figures
UNREAD = 0.01  # of a client's pictures, of which glass to glass says nothing: worth a word

Get = Callable[[Run], Optional[float]]


class Repeated(NamedTuple):
    """One figure over the runs that have it. With one run nothing is said of a range."""

    median: float
    runs: int
    low: Optional[float] = None
    high: Optional[float] = None

    @property
    def apart(self) -> Optional[float]:
        """How far the run that is farthest from the median is from it."""
        if self.low is None or self.high is None:
            return None
        return max(self.high - self.median, self.median - self.low)


def least(percent: int) -> int:
    """How many samples a percentile needs."""
    return math.ceil(100 * BEYOND / (100 - percent))


def enough_frames(run: Run) -> bool:
    """For a rate, or memory that is no longer that of the start."""
    return run.frames >= STEADY


def enough(readings: Optional[int]) -> bool:
    """None: they were not counted, in older files."""
    return readings is None or readings >= READINGS


def worth(known: Optional[Accuracy], field: str) -> Optional[float]:
    """``field`` of an accuracy, 0 to 1, where that is of pictures enough."""
    if known is None or known.pictures < PICTURES:
        return None
    value: Optional[float] = getattr(known, field)
    return value


def spread_of(milliseconds: np.ndarray) -> Spread:
    """(N,) durations: the percentiles, each where enough samples lie beyond it."""
    values = np.asarray(milliseconds, np.float64)

    def percentile(percent: int) -> Optional[float]:
        enough = len(values) >= least(percent)
        return float(np.percentile(values, percent)) if enough else None

    mean = float(values.mean()) if len(values) >= least(50) else None
    return Spread(len(values), mean, percentile(50), percentile(95), percentile(99))


def over(runs: Sequence[Run], get: Get) -> Optional[Repeated]:
    """The median and the range of what each run says; None where none says anything."""
    return repeated([value for value in map(get, runs) if value is not None])


def repeated(values: Sequence[float]) -> Optional[Repeated]:
    """One figure, as each repeat has it."""
    if not values:
        return None
    middle = float(np.median(values))
    if len(values) == 1:
        return Repeated(middle, 1)
    return Repeated(middle, len(values), min(values), max(values))


def chance(before: int, after: int) -> float:
    """
    How likely pure noise is to set so many runs and so many others wholly apart, either way: all
    orders of them are as likely, and two of these are meant.
    """
    many = math.factorial
    return 2 * many(before) * many(after) / many(before + after)


def unmeasured(trials: Sequence[Trial]) -> List[Trial]:
    """Those whose problem left nothing to be told; that of the others is among the ``notes``."""
    return [trial for trial in trials if trial.problem and not (trial.runs or trial.flat)]


def notes(document: Document) -> Tuple[str, ...]:
    """All that speaks against the figures, the gravest first, each once."""
    said: Dict[str, List[str]] = {}
    for trial in document.trials:
        for text in _against(trial, document.machine):
            said.setdefault(text, []).append(trial.name)
    measured = sum(bool(trial.runs or trial.flat) for trial in document.trials)
    told = [_told(text, names, measured) for text, names in said.items()]
    first = ["interrupted: what had not been measured by then is missing"]
    return tuple(
        dict.fromkeys(
            (first if document.interrupted else [])
            + list(document.notes)
            + told
            + _of_the_clocks(document.machine)
        )
    )


def _told(text: str, names: Sequence[str], measured: int) -> str:
    if len(names) == measured:
        return text
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{shown}: {text}"


def _of_the_clocks(machine: Machine) -> List[str]:
    """``clocks`` begins with "locked" where they are."""
    if machine.clocks.startswith("locked"):
        return []
    return [f"clocks: {machine.clocks}" if machine.clocks else "clocks: not known to be locked"]


def _against(trial: Trial, machine: Machine) -> Iterator[str]:
    runs = trial.runs + trial.flat
    if not runs:
        return
    if trial.problem:
        yield f"only {_part(trial)}: {trial.problem}"
    reasons = sorted({reason for run in runs for reason in run.use.throttled})
    if reasons:
        hit = sum(bool(run.use.throttled) for run in runs)
        yield f"throttled in {_of(hit, len(runs))} ({', '.join(reasons)})"
    few = sum(not run.steady and run.frames < STEADY for run in runs)
    if few:
        yield f"too few frames in {_of(few, len(runs))} to tell whether it was steady"
    unsteady = sum(not run.steady and run.frames >= STEADY for run in runs)
    if unsteady:
        yield f"not steady in {_of(unsteady, len(runs))}: the rate was still changing at the end"
    if _busy([run.use for run in runs], machine):
        yield f"other programs took more than {BUSY_PERCENT:.0f} % of the machine's CPU meanwhile"
    yield from _against_the_floor(trial.floor, machine)
    busy = sum((run.use.gpu_before_percent or 0.0) > GPU_BUSY_PERCENT for run in runs)
    if busy and machine.gpu:
        yield (
            f"other programs used the GPU: before {_of(busy, len(runs))} its load was more than "
            f"{GPU_BUSY_PERCENT:.0f} %"
        )
    if max(len(trial.runs), len(trial.flat)) == 1:
        yield "one run only, so how far a repeat would be off is not known"
    short = min((run.latency.samples for run in trial.runs), default=least(99))
    if any(run.replays * SHORT_S > run.seconds for run in trial.runs):
        yield (
            f"a clip began anew more often than every {SHORT_S:.0f} s: "
            "the figures are of opening it, too"
        )
    if any(run.replays * SHORT_S > run.seconds for run in trial.flat):
        yield (
            f"as fast as it goes, a clip began anew more often than every {SHORT_S:.0f} s: "
            "most fps is of opening it, too"
        )
    read = sum(run.glass.samples for run in trial.runs if run.glass is not None)
    unread = sum(run.unread or 0 for run in trial.runs)
    if unread > UNREAD * (read + unread):
        yield f"glass to glass is of {read} of {read + unread} pictures: no stamp was on the others"
    lacking = [percent for percent in (50, 95, 99) if short < least(percent)]
    if lacking:
        which = ", ".join(f"p{percent} needs {least(percent)}" for percent in lacking)
        yield f"too few frames for every percentile: {which}"


def _against_the_floor(floor: Optional[Floor], machine: Machine) -> Iterator[str]:
    uses = () if floor is None else floor.uses
    reasons = sorted({reason for use in uses for reason in use.throttled})
    if reasons:
        yield f"throttled while the network alone was timed ({', '.join(reasons)})"
    if _busy(uses, machine):
        yield (
            f"other programs took more than {BUSY_PERCENT:.0f} % of the machine's CPU while the "
            "network alone was timed"
        )


def _busy(uses: Sequence[Use], machine: Machine) -> bool:
    share = max((use.others_percent or 0.0 for use in uses), default=0.0)
    return share / max(1, machine.cores) > BUSY_PERCENT


def _part(trial: Trial) -> str:
    """What there is of a trial that came to have a problem: "2 of 3 runs"."""
    flat = len(trial.runs) >= trial.repeats > 0
    count = len(trial.flat if flat else trial.runs)
    asked = f"{count} of {trial.repeats}" if trial.repeats else str(count)
    many = "run" if (trial.repeats or count) == 1 else "runs"
    return f"{asked} {many}" + (" as fast as it goes" if flat else "")


def _of(hit: int, runs: int) -> str:
    if hit == runs:
        return "the run" if runs == 1 else "every run"
    return f"{hit} of {runs} runs"
