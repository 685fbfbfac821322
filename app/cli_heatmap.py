"""cli_heatmap: `jetwatch heatmap`, where things were for how long, as a picture of each camera."""

import argparse
import os
from typing import Callable

from app import atomic, config
from app.errors import ConfigError, OutputError, SourceError
from app.media import keep, picture, samples
from app.media.heatmap import heatmap
from app.stages.watch import heat_of
from app.vision import heat

_CELL = 15  # pixels, where no picture says how large


def declare(one: argparse.ArgumentParser) -> None:
    """What may be typed after `jetwatch heatmap`."""
    one.epilog = (
        "Reads what `jetwatch run CONFIG` keeps in the config's counters: file, also while it\n"
        "runs. Colours are seconds that tracks stood there; the legend names them.\n\n"
        "examples:\n"
        "  jetwatch heatmap configs/door-counter.yaml --out out/\n"
        "  jetwatch heatmap configs/door-counter.yaml --camera door --picture door.jpg --out out/"
    )
    add = one.add_argument
    add("config", metavar="CONFIG", help="a YAML file with counters: in it")
    add("--camera", metavar="NAME", help="of this one alone (default: of each that has any)")
    add("--picture", metavar="FILE", help="draw over this picture of the camera (default: grey)")
    add("--out", metavar="FOLDER", default=".", help="for CAMERA.heat.jpg (default: here)")


def run(arguments: argparse.Namespace, say: Callable[[str], None]) -> int:
    chosen = config.load(arguments.config)
    if chosen.counters is None:
        raise ConfigError(
            f"{arguments.config}: keeps no counters, and so no heat. Add counters: FILE and run it"
        )
    names = [camera.name for camera in chosen.cameras]
    if arguments.camera is not None and arguments.camera not in names:
        known = ", ".join(names)
        raise ConfigError(f"--camera {arguments.camera}: the config's cameras are {known}")
    state = keep.saved(chosen.counters)
    wanted = [name for name in names if arguments.camera in (None, name)]
    drawn = [name for name in wanted if _rows(state.get(name))]
    if not drawn:
        raise ConfigError(
            f"{chosen.counters}: holds no heat of {', '.join(wanted)} yet. Run: jetwatch run "
            f"{arguments.config}"
        )
    for name in drawn:
        say(_written(state[name], arguments.picture, os.path.join(arguments.out, name)))
    return 0


def _written(state: object, ground: str, stem: str) -> str:
    """Draw one camera's; returns the file."""
    image, size_wh = None, (heat.ACROSS * _CELL, _rows(state) * _CELL)
    if ground:
        try:
            (image,) = samples.read([ground])
        except SourceError as error:
            raise SourceError(f"{ground}: cannot be read as a picture. Check --picture") from error
        size_wh = (image.shape[1], image.shape[0])
    cells = heat_of(state, size_wh)
    if not cells.any():
        what = f"{ground}: its shape is not that of what was counted. Take the camera's own picture"
        nothing = "the counters hold no heat that can be drawn. Delete the file and run again"
        raise ConfigError(what if ground else nothing)
    path = stem + ".heat.jpg"
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        atomic.write(path, picture.jpeg(heatmap(image, cells, size_wh), 92))
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror}. Name another folder with --out"
        ) from error
    return path


def _rows(state: object) -> int:
    """How many rows of cells a camera's kept state has."""
    cells = state.get("heat") if isinstance(state, dict) else None
    return len(cells) if isinstance(cells, list) else 0
