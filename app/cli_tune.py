"""cli_tune: `jetwatch bench --tune`: a config that keeps a latency on this machine."""

import argparse
import contextlib
import os
from typing import Callable, Dict, Mapping, NamedTuple, Sequence

from app import __version__, atomic
from app.bench import mark, results, settings
from app.bench.bench import FOLDER, Bench
from app.bench.goal import Goal
from app.bench.results import Document, Trial
from app.bench.settings import Setting, Tree
from app.bench.tune import Known, Search
from app.cli_types import between, fraction
from app.errors import AppError, ConfigError, OutputError

Say = Callable[[str], None]
Tell = Callable[[Document], None]

FLAGS = ("latency_ms", "min_agreement", "minutes", "write")  # which --tune alone knows
_LATENCY_MS, _AGREEMENT, _MINUTES = 100.0, 0.95, 15.0


class Proof(NamedTuple):
    """How what was found is measured anew."""

    bench: Callable[[Tree], Bench]  # of another config
    seconds: float
    repeats: int


def declare(one: argparse.ArgumentParser) -> None:
    """What may be typed after `jetwatch bench --tune`."""
    add = one.add_argument
    add(
        "--latency-ms",
        type=lambda text: between(text, 1, 60000),
        metavar="N",
        help=f"tune: of 95 in 100 frames, capture to the end (default: {_LATENCY_MS:g})",
    )
    add(
        "--min-agreement",
        type=fraction,
        metavar="A",
        help=f"tune: with FP32 at the model's own size, 0 to 1 (default: {_AGREEMENT:g})",
    )
    add(
        "--minutes",
        type=lambda text: between(text, 0.1, 1440),
        metavar="N",
        help="tune: for the search and the engines that it builds; nothing is cut short, but what "
        f"would end far beyond is not begun, and the proof comes on top (default: {_MINUTES:g})",
    )
    add("--write", metavar="FILE.yaml", help="tune: the config, once it has proven itself")


def run(
    arguments: argparse.Namespace, bench: Bench, asked: Mapping[str, Sequence[str]],
    proof: Proof, tell: Tell, say: Say,
) -> int:  # fmt: skip
    """
    Search, prove, ``tell`` of all that was tried, write. Returns the exit code: 1 where nothing
    keeps the goal.
    """
    base = _base(asked)
    path = arguments.write or os.path.join(FOLDER, "tuned.yaml")
    try:
        atomic.check(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
    goal = _goal(arguments)

    def proven(setting: Setting) -> Trial:
        """A setting's measurement, from its config as it is written."""
        say(f"proving it: {proof.repeats} runs of {proof.seconds:g} s")
        tree = settings.read_back(_text(bench.config_of(setting), goal))
        try:
            with proof.bench(tree) as other:
                (trial,) = other.measure(
                    [Setting("", {})], proof.seconds, proof.repeats, flat=False
                )
        except AppError as error:
            return Trial(setting.name, setting.values, problem=str(error))
        return trial

    kept = ""
    search = Search(bench, goal, Known(), say)

    def document(interrupted: bool = False) -> Document:
        return bench.document(interrupted)._replace(trials=tuple(search.trials()))

    try:
        with bench:
            kept = _kept(bench, base)
            search = Search(bench, goal, _known(bench, kept), say)
            cores = bench.machine.cores or os.cpu_count() or 1
            found = search.find(base, bench.own_size(), cores)
            if found.setting is not None:
                found = search.prove(proven)
            if found.setting is not None:
                text = _text(bench.config_of(found.setting), goal, found.why)
    except KeyboardInterrupt:
        tell(document(interrupted=True))
        measured = bool(kept) and os.path.exists(kept)
        say(f"interrupted{'. The same command goes on from here' if measured else ''}")
        return 130
    tell(document())
    if found.setting is None:
        say(f"nothing keeps {goal.latency_ms:g} ms here: {found.why}")
        return 1
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        atomic.write(path, text.encode("utf-8"))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(kept)  # or the next search would measure nothing
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
    say(found.why)
    say(f"written: {path}")
    return 0


def _goal(arguments: argparse.Namespace) -> Goal:
    latency, agreement, minutes = (
        default if given is None else given
        for given, default in (
            (arguments.latency_ms, _LATENCY_MS),
            (arguments.min_agreement, _AGREEMENT),
            (arguments.minutes, _MINUTES),
        )
    )
    return Goal(latency, agreement, minutes)


def _base(asked: Mapping[str, Sequence[str]]) -> Dict[str, str]:
    """What was asked for stays as it is. Raises ConfigError for several values."""
    for name, values in asked.items():
        if len(values) > 1:
            raise ConfigError(f"--{name}: --tune searches the values itself; give one, or none")
    return {name: values[0] for name, values in asked.items()}


def _text(tree: Tree, goal: Goal, why: str = "") -> str:
    lines = [f"# By jetwatch bench --tune --latency-ms {goal.latency_ms:g}"]
    lines += [f"# {why}"] if why else []
    return "\n".join([*lines, *settings.lines(tree)]) + "\n"


def _kept(bench: Bench, base: Mapping[str, str]) -> str:
    """The file of a search of what is the same in all that its figures depend on."""
    digest = mark.digest(bench.mark(), repr(sorted(base.items())))
    return os.path.join(FOLDER, f"tune-{digest[:12]}.json")


def _known(bench: Bench, path: str) -> Known:
    """What an interrupted search has measured on this machine."""
    before: Sequence[Trial] = ()
    if os.path.exists(path):
        with contextlib.suppress(AppError):
            document = results.read(path)
            if document.machine == bench.machine and document.version == __version__:
                before = document.trials

    def keep(trials: Sequence[Trial]) -> None:
        document = bench.document()
        results.write(path, document._replace(trials=tuple(trials)))

    return Known(before, keep)
