"""costs: what is told of what we add to the network alone."""

from typing import Optional, Sequence

from app.bench import honest
from app.bench.figures import FEW, UNTOLD, Table, name_of, number, repeated, signs
from app.bench.honest import Repeated
from app.bench.results import Floor, Run, Trial

_WAITS = "with its waits for other threads"


def over(floor: Optional[Floor]) -> Optional[Repeated]:
    """What we add, p50 in ms, of the repeats; None where too few calls were timed."""
    if floor is None or floor.cost_ms is None:
        return None
    return honest.repeated(floor.costs or (floor.cost_ms,))


def in_pipeline(trial: Trial) -> Optional[Repeated]:
    """
    p50 of a run's steps that look at a picture, less that of the network alone, in ms. None where
    pictures wait for one another, or are not all looked at.
    """
    raw = trial.floor.raw.p50 if trial.floor is not None and trial.floor.batch == 1 else None

    def get(run: Run) -> Optional[float]:
        spent = [one.spread.p50 for one in run.steps if one.name in ("preprocess", "detect")]
        known = [one for one in spent if one is not None]
        return sum(known) - raw if raw is not None and len(known) == len(spent) == 2 else None

    return honest.over(trial.runs, get) if trial.single else None


def shown(figure: Optional[Repeated]) -> str:
    """ "0.45 ±0.02", to hundredths of a millisecond."""
    if figure is None:
        return FEW
    return f"{figure.median:.2f}" + (f" ±{figure.apart:.2f}" if figure.apart is not None else "")


def bare(floor: Floor) -> str:
    """What our way is compared with."""
    return ("bare " if floor.runtime.startswith("ONNX") else "raw ") + floor.runtime


def sentence(trial: Trial) -> str:
    """What we add to the network alone, with what it is made of; of a trial with a floor."""
    floor = trial.floor
    assert floor is not None
    figure, within = over(floor), in_pipeline(trial)
    if figure is None:
        few = min(floor.raw.samples, floor.ours.samples)
        return f"{FEW} ({few} samples; p50 needs {honest.least(50)})"
    text = f"{shown(figure)} ms p50 (ours {floor.ours.p50:.2f}, alone {floor.raw.p50:.2f}"
    if floor.batch > 1:
        text += f", batch {floor.batch}"
    text += f"; {number(floor.raw_fps)} pictures/s alone)" if floor.raw_fps else ")"
    return text if within is None else f"{text}; in the pipeline {shown(within)} ms, {_WAITS}"


def table(trials: Sequence[Trial]) -> Optional[Table]:
    """The same by setting."""
    known = [(trial, trial.floor) for trial in trials if trial.floor is not None]
    if not known:
        return None
    within = [in_pipeline(trial) for trial, _ in known]
    told = any(within)
    rows = tuple(
        (name_of(trial), shown(over(one)))
        + ((repeated(figure) if figure is None else shown(figure),) if told else ())
        + (_ms(one.ours.p50), _ms(one.raw.p50))
        + (str(one.batch), UNTOLD if one.raw_fps is None else number(one.raw_fps))
        for (trial, one), figure in zip(known, within)
    )
    runtimes = dict.fromkeys(bare(one) for _, one in known)
    heads = ("setting", "cost", *(("in pipeline",) if told else ()))
    feet = ["p50 of a picture to its detections, and of the network alone; its pictures a second"]
    feet += [f"in pipeline: preprocess and detect less the network alone, {_WAITS}"] if told else []
    return Table(
        f"Cost over {' and '.join(runtimes)}, in ms",
        (*heads, "ours", "alone", "batch", "alone/s"),
        rows,
        (*feet, *signs(rows)),
    )


def _ms(value: Optional[float]) -> str:
    return FEW if value is None else f"{value:.2f}"
