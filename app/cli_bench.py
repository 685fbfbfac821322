"""cli_bench: `jetwatch bench`: how fast, how late, how accurate, how hot, and what to set."""

import argparse
import contextlib
import logging
import os
import shlex
import sys
import time
from typing import Callable, Dict, List, Mapping, Sequence, Tuple

from app import atomic, catalogue, cli_build, cli_tune, engines
from app.bench import client, compare, mark, page, results, settings, table
from app.bench.bench import FOLDER, Bench, Makes, Options
from app.bench.pictures import labelled
from app.bench.settings import VARIED
from app.bench.variants import Make
from app.cli_types import between, positive
from app.device.backend import Model
from app.device.build import INT8
from app.device.plan import Sidecar
from app.errors import ConfigError, OutputError
from app.media import uri
from app.media.camera import Camera
from app.terminal import Terminal

_CLIPS = ("bikes", "vtest")
_SECONDS, _REPEATS = 20.0, 3
_OF_COMPARE = ("verb", "log_level", "compare", "calibrator")  # the last has a default
_PATTERN = "test://?size=1280x720&fps=30"
Say = Callable[[str], None]


def declare(one: argparse.ArgumentParser) -> None:
    """What may be typed after `jetwatch bench`."""
    one.epilog = (
        "Runs the whole pipeline in processes of its own: source, network, tracks, drawing,\n"
        "encoder, and an RTSP client that decodes and reads when each picture was taken. A clip\n"
        "is played as a camera would give it, then as fast as it goes. What several values are\n"
        "given for is compared: every combination, by turns, --repeats times.\n\n"
        "examples:\n"
        "  jetwatch bench\n"
        "  jetwatch bench configs/door-counter.yaml --cameras 1,2,4\n"
        "  jetwatch bench --model yolox_nano --precision fp32,fp16,int8 --labelled photos/\n"
        "  jetwatch bench CONFIG --tune --latency-ms 100 --write tuned.yaml\n"
        "  jetwatch bench --json now.json --html now.html\n"
        "  jetwatch bench --compare before.json now.json"
    )
    add = one.add_argument
    add("config", nargs="?", metavar="CONFIG", help="a YAML file (default: one camera, tracked)")
    add("--source", metavar="URI", help="clip, folder, camera or test:// (default: a clip here)")
    for varied in VARIED:
        words = f": {', '.join(varied.values)}" if varied.values else ""
        add(f"--{varied.name}", metavar="A,B..", help=varied.about + words)
    add("--labelled", metavar="FOLDER", help="pictures with COCO or YOLO labels, for AP")
    add("--layers", action="store_true", help="the time of each layer as well")
    add(
        "--seconds",
        type=lambda text: between(text, 1, 3600),
        metavar="N",
        help=f"of each run, warm-up aside (default: {_SECONDS:g})",
    )
    add("--repeats", type=positive, metavar="N", help=f"of each run (default: {_REPEATS})")
    add("--tune", action="store_true", help="search the settings that keep --latency-ms")
    cli_tune.declare(one)
    add("--json", metavar="FILE", help="write all figures there (default: out/bench/DATE.json)")
    add("--html", metavar="FILE", help="write a page there (default: beside the JSON)")
    cli_build.declare_how(one)
    add("--compare", nargs=2, metavar="FILE", help="say what differs between two JSON files")


def run(arguments: argparse.Namespace, terminal: Terminal, say: Say) -> int:
    _refuse_idle(arguments)
    seconds, repeats = arguments.seconds or _SECONDS, arguments.repeats or _REPEATS
    if arguments.compare:
        before, after = (results.read(path) for path in arguments.compare)
        for line in compare.changes(before, after):
            say(line)
        return 0
    if arguments.log_level != "debug":
        logging.getLogger("app.media.live").addFilter(client.of_others)
    asked = _asked(arguments)
    chosen = settings.combinations(asked)
    tree = _base(arguments, asked)
    if arguments.labelled:
        labelled(arguments.labelled)  # says what is wrong with it before anything is built
    int8 = arguments.tune or INT8 in asked.get("precision", ())
    options = Options(
        arguments.labelled or "", arguments.layers, int8=int8, calibrate=arguments.calibrate
    )

    def made(tree: settings.Tree, options: Options = options) -> Bench:
        return Bench(tree, options, _maker(arguments, terminal), _status(terminal), said)

    def said(line: str) -> None:
        terminal.end_status()
        say(line)

    bench = made(tree)
    path, page_path = _files(arguments)

    def told(document: results.Document) -> None:
        terminal.end_status()
        _tell(document._replace(command=_command()), path, page_path, say)

    interrupted = False
    try:
        if arguments.tune:
            proof = cli_tune.Proof(
                lambda tuned: made(tuned, options._replace(int8=False)), seconds, repeats
            )
            return cli_tune.run(arguments, bench, asked, proof, told, said)
        with bench:
            bench.measure(chosen, seconds, repeats)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        terminal.end_status()
    told(bench.document(interrupted))
    return 130 if interrupted else 0


def _refuse_idle(arguments: argparse.Namespace) -> None:
    """Raise ConfigError for what was typed and would do nothing."""
    given = vars(arguments)
    typed = [name for name in given if given[name] is not None and given[name] is not False]
    of_tune = [_flag(name) for name in typed if name in cli_tune.FLAGS]
    if arguments.compare:
        others = [_flag(name) for name in typed if name not in _OF_COMPARE]
        if others:
            raise ConfigError(
                f"--compare reads two files and measures nothing: leave out {', '.join(others)}"
            )
    elif of_tune and not arguments.tune:
        raise ConfigError(f"nothing comes of {', '.join(of_tune)} without --tune: add it")


def _flag(name: str) -> str:
    return "CONFIG" if name == "config" else "--" + name.replace("_", "-")


def _asked(arguments: argparse.Namespace) -> Dict[str, List[str]]:
    """Name -> values, of what is varied or set."""
    given = vars(arguments)
    made = {}
    for varied in VARIED:
        if given[varied.name] is not None:
            made[varied.name] = [part.strip() for part in given[varied.name].split(",")]
            if not all(made[varied.name]):
                raise ConfigError(f"--{varied.name} has an empty value")
    return made


def _base(arguments: argparse.Namespace, asked: Mapping[str, Sequence[str]]) -> settings.Tree:
    model = asked["model"][0] if "model" in asked else None
    source = arguments.source
    if source is not None:
        uri.parse(source)
    if arguments.config is None:
        model = model or catalogue.default()
        source = source or _clip()
    return settings.base(arguments.config, source, model)


def _clip() -> str:
    """A clip of the catalogue that is here, or the test pattern."""
    for name in _CLIPS:
        path = catalogue.file_of(catalogue.find(name))
        if path is not None:
            return path
    return _PATTERN


def _maker(arguments: argparse.Namespace, terminal: Terminal) -> Makes:
    """How engines of variants are made."""

    def makes(pictures: Camera, origin: Camera) -> Make:
        def wish(values: Mapping[str, str]) -> engines.Wish:
            precision = values.get("precision", engines.BEST)
            wanted = arguments.calibrate is not None or precision == INT8
            return engines.Wish(
                precision=precision,
                batch=int(values.get("batch", "1")),
                calibrate=pictures if wanted else None,
                workspace_mb=arguments.workspace_mb,
                effort=arguments.effort,
                lean=arguments.lean,
                calibrator=arguments.calibrator,
                force=True,  # what it costs is what is to be seen
            )

        def build(model: Model, values: Mapping[str, str]) -> Sidecar:
            return cli_build.built(model, wish(values), terminal)

        def how(values: Mapping[str, str]) -> str:
            one = wish(values)
            if one.calibrate is None or INT8 not in engines.LADDERS[one.precision]:
                return mark.digest(repr(one._replace(calibrate=None, calibrator="")))
            plain = repr((one._replace(calibrate=None), pictures is origin))
            return mark.digest(plain, mark.of_pictures(origin))

        return Make(build, how)

    return makes


def _status(terminal: Terminal) -> Callable[[str], None]:
    return lambda text: terminal.status(text, time.monotonic())


def _command() -> str:
    """What was typed, without secrets."""
    return "jetwatch " + " ".join(shlex.quote(uri.redacted(word)) for word in sys.argv[1:])


def _files(arguments: argparse.Namespace) -> Tuple[str, str]:
    """Where the figures and the page go. Raises OutputError where they, or the picture, cannot."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = arguments.json or os.path.join(FOLDER, f"{stamp}.json")
    page_path = arguments.html or os.path.splitext(path)[0] + ".html"
    files = (path, page_path, _picture(path))
    if len({os.path.realpath(one) for one in files}) < len(files):
        raise OutputError(
            f"figures, page and picture would be one file: {', '.join(files)}. Name others with "
            "--json and --html; the picture is named after the JSON"
        )
    for one in files:
        try:
            atomic.check(one)
            os.makedirs(os.path.dirname(one) or ".", exist_ok=True)
        except OSError as error:
            raise OutputError(f"{one}: cannot be written: {error.strerror}") from error
    return path, page_path


def _picture(path: str) -> str:
    """The Pareto's file, beside the figures' own."""
    return os.path.splitext(path)[0] + ".svg"


def _tell(document: results.Document, path: str, page_path: str, say: Say) -> None:
    """The files, which are there even where nobody reads on, and the table, whatever they say."""
    picture = _picture(path)
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: [say(line) for line in table.lines(document)])
        results.write(path, document)
        page.write(page_path, document)
        drawn = page.write_picture(picture, document)
    say(f"all figures: {path}")
    say(f"as a page:   {page_path}")
    if drawn:
        say(f"Pareto:      {picture}")
