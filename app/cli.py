"""cli: the command line, and the only file that prints or exits."""

import argparse
import contextlib
import logging
import os
import sys
import time
from pathlib import Path
from typing import Iterator, List, Optional

from app import (
    catalogue,
    cli_bench,
    cli_build,
    cli_convert,
    cli_doctor,
    cli_heatmap,
    cli_run,
    config,
    console,
    fetch,
    outline,
)
from app.cli_flags import parser
from app.cli_signals import handling, interrupt
from app.device import onnxfile
from app.device.backend import Model
from app.device.complete import Tensors, complete
from app.errors import AppError, ConfigError, OutputError
from app.media import uri
from app.terminal import Terminal

terminal = Terminal(sys.stderr)


def main(argv: Optional[List[str]] = None) -> int:
    """Run one command. Returns the exit code; see errors.py."""
    command = {
        "run": lambda arguments: cli_run.run(arguments, terminal),
        "check": _check,
        "fetch": _fetch,
        "inspect": _inspect,
        "convert": _convert,
        "heatmap": _heatmap,
        "build": _build,
        "engines": _engines,
        "doctor": _doctor,
        "bench": _bench,
    }
    try:
        with handling(interrupt):
            with _printing():
                arguments = parser().parse_args(argv)
            logging.getLogger().handlers = [terminal]
            logging.getLogger().setLevel(arguments.log_level.upper())
            _refuse_sources(arguments)
            return command[arguments.verb](arguments)
    except AppError as error:
        terminal.line(f"jetwatch: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        terminal.line("jetwatch: interrupted")
        return 130
    except BrokenPipeError:
        return 141


def _refuse_sources(arguments: argparse.Namespace) -> None:
    """A source without --source would be taken for a file, and be shown with its password."""
    typed = vars(arguments)
    for text in (typed.get("config"), typed.get("model"), *typed.get("names", ())):
        if text and "://" in text:
            raise ConfigError(f"{uri.redacted(text)} looks like a source; put it behind --source")


def _check(arguments: argparse.Namespace) -> int:
    for line in outline.describe(config.load(arguments.config)):
        _say(line)
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    if arguments.folder and not arguments.names and not arguments.list:
        terminal.line(f"jetwatch: name what to take from {arguments.folder}; see fetch --list")
        return 2
    if arguments.list or not arguments.names:
        for entry in catalogue.entries():
            _say(console.offer(entry, catalogue.file_of(entry) is not None))
        return 0
    failures = []
    for name in arguments.names:
        try:
            target = _fetched(name, arguments.folder)
        except AppError as error:
            failures.append(error)
        else:
            _say(str(target))
    for failure in failures:
        terminal.line(f"jetwatch: {failure}")
    return failures[0].exit_code if failures else 0


def _fetched(name: str, folder: Optional[str]) -> Path:
    entry = catalogue.find(name)
    target = catalogue.target(entry)
    try:
        return fetch.fetch(
            entry.sources, name, target, _show_progress, Path(folder) if folder else None
        )
    finally:
        terminal.end_status()


def _show_progress(progress: fetch.Progress) -> None:
    terminal.status(console.progress(progress), time.monotonic())


def _inspect(arguments: argparse.Namespace) -> int:
    found = onnxfile.describe(arguments.model)
    for line in console.network(found):
        _say(line)
    name = Path(arguments.model).stem
    tensors = Tensors(found.inputs, found.outputs, found.metadata, frozenset(found.operators))
    completed = complete(Model(name, arguments.model), tensors)
    for line in console.manifest(completed.model, completed.guessed):
        _say(line)
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    return cli_convert.run(arguments, _say)


def _build(arguments: argparse.Namespace) -> int:
    with handling(interrupt):
        return cli_build.build(arguments, terminal)


def _heatmap(arguments: argparse.Namespace) -> int:
    return cli_heatmap.run(arguments, _say)


def _engines(arguments: argparse.Namespace) -> int:
    return cli_build.listing(arguments, terminal, _say)


def _bench(arguments: argparse.Namespace) -> int:
    return cli_bench.run(arguments, terminal, _say)


def _doctor(arguments: argparse.Namespace) -> int:
    return cli_doctor.run(arguments, terminal, _say)


def _say(line: str) -> None:
    with _printing():
        print(line)


@contextlib.contextmanager
def _printing() -> Iterator[None]:
    """What the block prints is out at its end. Raises OutputError where it cannot be."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains again as it ends
        if isinstance(error, BrokenPipeError):
            raise
        raise OutputError(f"standard output cannot be written: {error.strerror}") from error
