"""goal: a latency that is to be kept, and whether what was measured of a setting keeps it."""

from typing import NamedTuple, Optional

import numpy as np

from app.bench import honest
from app.bench.results import Trial

MOST_LOST = 0.01  # of a camera's frames, at the door


class Goal(NamedTuple):
    latency_ms: float  # of 95 in 100 frames, from capture to the end
    min_agreement: float  # with FP32 at the model's own size
    minutes: float = 15.0  # for the search's measurements, their builds too; the proof is on top
    seconds: float = 6.0  # of each run of the search

    def kept(self, trial: Trial) -> bool:
        return p95(trial) <= self.latency_ms and lost(trial) <= MOST_LOST


def p95(trial: Trial) -> float:
    """Milliseconds; infinite where a run could not tell."""
    values = [run.latency.p95 for run in trial.runs]
    told = [value for value in values if value is not None]
    return float(np.median(told)) if told and len(told) == len(values) else float("inf")


def lost(trial: Trial) -> float:
    """The share of a camera's frames that were lost at the door, 0 to 1."""
    came = sum(run.came for run in trial.runs)
    return sum(run.dropped for run in trial.runs) / came if came else 1.0


def agreement(trial: Trial) -> Optional[float]:
    """With FP32, 0 to 1; None where too few pictures told."""
    return honest.worth(trial.accuracy, "agreement")


def figures(trial: Trial) -> str:
    """All three, in words."""
    share = agreement(trial)
    known = "agreement not known" if share is None else f"agreement {share:.3f}"
    return f"{p95(trial):.0f} ms for 95 of 100, {100 * lost(trial):.1f} % lost, {known}"
