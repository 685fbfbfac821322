"""labels: the names of a model's classes, from a file with one a line."""

from pathlib import Path
from typing import Tuple

from app import away
from app.errors import ConfigError
from app.home import folder


def read(name: str, beside: str = "") -> Tuple[str, ...]:
    """
    The lines of a label file: configs/labels/NAME.txt, or a path, perhaps relative to a folder.

    Raises ConfigError where there is no such file, or no label in it; SourceError as away.check.
    """
    tried = [folder("configs/labels") / f"{name}.txt"]
    if name.endswith(".txt"):
        tried = [Path(beside) / name, Path(name)]
    for path in tried:
        if path.is_file():
            return _lines(path)
    away.check(name)
    known = sorted(file.stem for file in folder("configs/labels").glob("*.txt"))
    raise ConfigError(f"no label file {name!r}; there are {', '.join(known)}, or give a .txt file")


def _lines(path: Path) -> Tuple[str, ...]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    lines = tuple(line.strip() for line in text.rstrip().split("\n"))
    if not any(lines):
        raise ConfigError(f"{path}: holds no label; write one a line")
    return lines
