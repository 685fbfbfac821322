"""steps: where the time goes: of a frame, from its source to a client; and in the network."""

from typing import Callable, Optional

from app.bench import figures
from app.bench.figures import Table
from app.bench.results import CAPTURE, TO_DOOR, Run, Spread, Trial

_PERCENTILES = ("p50", "p95", "p99")
_CALLED = {CAPTURE: "until there is a picture", TO_DOOR: "until it is at the door"}


def steps(trial: Trial) -> Optional[Table]:
    """The medians of the repeats."""
    names = dict.fromkeys(step.name for run in trial.runs for step in run.steps)
    if not names:
        return None

    def of(name: str) -> Callable[[Run], Optional[Spread]]:
        return lambda run: next((step.spread for step in run.steps if step.name == name), None)

    sought = [(shown_step(name), of(name)) for name in names]
    sought.append(("capture to end", figures.latency))
    if any(run.served is not None for run in trial.runs):
        sought.append(("encode, serve and decode", lambda run: run.served))
    feet = []
    if any(run.glass is not None for run in trial.runs):
        sought.append(("capture to a client's picture", figures.glass))
        feet.append(figures.GLASS)
    rows = tuple(
        (name,) + tuple(figures.cell(trial, figures.of_spread("", which, p)) for p in _PERCENTILES)
        for name, which in sought
    )
    heads = ("step", *_PERCENTILES)
    return Table("Where the time goes, in ms", heads, rows, (*feet, *figures.signs(rows)))


def layers(trial: Trial) -> Optional[Table]:
    """The slowest first. Fused layers stand together."""
    if not trial.layers:
        return None
    total = sum(layer.ms for layer in trial.layers) or 1.0
    ordered = sorted(trial.layers, key=lambda layer: -layer.ms)
    rows = tuple(
        (layer.name, layer.kind, f"{layer.ms:.3f}", f"{100 * layer.ms / total:.1f}")
        for layer in ordered
    )
    return Table(f"Layers, {total:.2f} ms in all", ("layer", "kind", "ms", "%"), rows)


def shown_step(name: str) -> str:
    """A step's name, for people."""
    if name in _CALLED:
        return _CALLED[name]
    return "wait for " + name[3:] if name.startswith("to ") else name
