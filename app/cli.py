"""cli: the command line, and the only file that prints or exits."""

import argparse
import contextlib
import logging
import math
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Iterator, List, Optional, Tuple

from app import (
    assemble,
    catalogue,
    cli_build,
    cli_convert,
    cli_heatmap,
    config,
    conflicts,
    console,
    engines,
    fetch,
)
from app.chosen import Build
from app.cli_flags import parser
from app.device import onnxfile
from app.device.backend import Model
from app.device.complete import Tensors, complete
from app.errors import AppError, ConfigError, OutputError, SourceError
from app.flags import Flags, with_flags
from app.media import rtsp, uri
from app.observer import Observer
from app.service.board import Board
from app.service.http import serving
from app.terminal import Terminal

terminal = Terminal(sys.stderr)


def main(argv: Optional[List[str]] = None) -> int:
    """Run one command. Returns the exit code; see errors.py."""
    command = {
        "run": _run,
        "check": _check,
        "fetch": _fetch,
        "inspect": _inspect,
        "convert": _convert,
        "heatmap": _heatmap,
        "build": _build,
        "engines": _engines,
    }
    try:
        with _handling(_interrupt):
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


def _run(arguments: argparse.Namespace) -> int:
    with _stopping() as stop:
        chosen = with_flags(*_asked(arguments))
        began = time.monotonic()
        rtsp.limit_arenas()
        board = Board()
        with serving(chosen.http, board), contextlib.closing(assemble.backend(chosen)) as backend:
            for line in assemble.describe(chosen):
                terminal.line(line)
            pipeline = assemble.assemble(chosen, backend, arguments.frames, _builder(chosen))
            before = console.Moment(began, pipeline.meter.read())
            observer = Observer(chosen, pipeline, backend, board, began)

            def tick() -> None:
                nonlocal before
                now = console.Moment(time.monotonic(), pipeline.meter.read())
                terminal.status(
                    console.status(now, before, pipeline.dropped(), pipeline.sources), now.when
                )
                observer.update(now.when, now.reading)
                before = now
                if arguments.seconds is not None and now.when - began >= arguments.seconds:
                    stop.set()

            try:
                pipeline.run(stop, tick, every=min(1.0, arguments.seconds or 1.0))
            finally:
                terminal.end_status()
                reading = pipeline.meter.read()
                elapsed = time.monotonic() - began
                if reading.frames:
                    for line in console.summary(reading, elapsed, pipeline.dropped()):
                        terminal.line(line)
            if not reading.frames and elapsed >= (arguments.seconds or math.inf):
                why = ", ".join(console.troubles(pipeline.sources))
                raise SourceError(f"no picture came in {elapsed:.1f} s. {why}")
    return 0


def _builder(chosen: conflicts.Config) -> Optional[Build]:
    """How `run` makes an engine that is missing, where the config lets it."""
    if chosen.backend.build != "auto":
        return None

    def build(model: Model) -> None:
        with _handling(_interrupt):
            cli_build.built(model, engines.Wish(), terminal)

    return build


def _check(arguments: argparse.Namespace) -> int:
    for line in assemble.describe(config.load(arguments.config)):
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
    with _handling(_interrupt):
        return cli_build.build(arguments, terminal)


def _heatmap(arguments: argparse.Namespace) -> int:
    return cli_heatmap.run(arguments, _say)


def _engines(arguments: argparse.Namespace) -> int:
    return cli_build.listing(arguments, terminal, _say)


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


def _asked(arguments: argparse.Namespace) -> Tuple[Optional[conflicts.Config], Flags]:
    flags = Flags(
        source=arguments.source,
        model=arguments.model,
        record=arguments.out,
        report=arguments.detections,
        rtsp=arguments.rtsp,
        score=arguments.score,
        backend=arguments.backend,
        threads=arguments.threads,
        realtime=arguments.realtime,
        loop=arguments.loop,
    )
    return (config.load(arguments.config) if arguments.config else None), flags


@contextlib.contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that a signal sets. A second Ctrl-C or SIGTERM ends the process where it stands."""
    stop = threading.Event()
    heard: List[int] = []  # signals; the event is also set when only files are left to close

    def on_signal(number: int, _: Any) -> None:
        # A terminal that closes sends SIGHUP, and so does its shell: two are no impatience.
        if heard and number != signal.SIGHUP:
            os._exit(130)  # with no word: the main thread may be in the midst of one
        heard.append(number)
        stop.set()

    with _handling(on_signal):
        yield stop


@contextlib.contextmanager
def _handling(on_signal: Any) -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP go to on_signal(number, frame) for the length of a ``with``."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # which is what nohup asks for
        numbers.append(signal.SIGHUP)
    before = [signal.signal(number, on_signal) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)


def _interrupt(number: int, _: Any) -> None:
    raise KeyboardInterrupt
