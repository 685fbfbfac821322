"""cli_tune: `jetwatch bench --tune`: a config that keeps a latency on this machine."""

import argparse
import contextlib
import os
from typing import Callable, Dict, Mapping, Sequence

from app import __version__, atomic
from app.bench import mark, results, settings
from app.bench.bench import FOLDER, Bench
from app.bench.goal import Goal
from app.bench.results import Trial
from app.bench.settings import Setting, Tree
from app.bench.tune import Known, Search
from app.errors import AppError, ConfigError, OutputError
from app.terminal import Terminal

Say = Callable[[str], None]


def run(
    arguments: argparse.Namespace, bench: Bench, asked: Mapping[str, Sequence[str]],
    again: Callable[[Tree], Bench], terminal: Terminal, say: Say,
) -> int:  # fmt: skip
    """
    Search, prove, write. ``again`` makes a Bench of another config. Returns the exit code: 1 where
    nothing keeps the goal.
    """
    base = _base(asked)
    path = arguments.write or os.path.join(FOLDER, "tuned.yaml")
    try:
        atomic.check(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
    goal = Goal(arguments.latency_ms, arguments.min_agreement, arguments.minutes)

    def proven(setting: Setting) -> Trial:
        """A setting's measurement, from its config as it is written."""
        say(f"proving it: {arguments.repeats} runs of {arguments.seconds:g} s")
        tree = settings.read_back(_text(bench.config_of(setting), goal))
        try:
            with again(tree) as other:
                (trial,) = other.measure(
                    [Setting("", {})], arguments.seconds, arguments.repeats, flat=False
                )
        except AppError as error:
            return Trial(setting.name, setting.values, problem=str(error))
        return trial

    kept = ""
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
        terminal.end_status()
        measured = bool(kept) and os.path.exists(kept)
        say(f"interrupted{'. The same command goes on from here' if measured else ''}")
        return 130
    finally:
        terminal.end_status()
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
        document = bench.document("jetwatch bench --tune")
        results.write(path, document._replace(trials=tuple(trials)))

    return Known(before, keep)
