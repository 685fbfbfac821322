"""catalogue: the models and clips that have a manifest in engines/, by name."""

import difflib
import os
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from app import away
from app.device.backend import Model
from app.errors import ConfigError, EngineError
from app.home import folder
from app.manifest import CLIP, Entry, entry

ENVIRONMENT = "JETWATCH_ENGINES"  # folders of one's own, searched first

PREFERRED = ("deimv2_femto", "yolox_nano", "picodet_s", "centerface")  # when none is named

Folders = Optional[Sequence[str]]


def folders() -> List[str]:
    """Those of $JETWATCH_ENGINES, then the one that comes with the program."""
    own = [path for path in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if path]
    for path in own:
        if not os.path.isdir(path):
            raise ConfigError(f"{ENVIRONMENT} names {path}, which is no folder. Mend the variable")
    return own + [str(folder("engines"))]


def entries(where: Folders = None) -> List[Entry]:
    """Every entry, by name. Raises one ConfigError with the mistakes of all manifests."""
    found, problems = [], []
    for path in _manifests(where).values():
        try:
            found.append(entry(path))
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))
    return found


def find(name: str, where: Folders = None) -> Entry:
    """The entry of that name. Raises ConfigError with the names there are."""
    known = _manifests(where)
    if name in known:
        return entry(known[name])
    near = difflib.get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise ConfigError(
        f"no model or clip is called {name!r}. {hint}There are {', '.join(known) or 'none'}"
    )


def default(where: Folders = None) -> str:
    """The best detector whose file is here. Raises EngineError where there is none."""
    for name in PREFERRED:
        if file_of(find(name, where), where) is not None:
            return name
    raise EngineError(
        f"no model is here yet. Run: jetwatch fetch {PREFERRED[0]}, or {PREFERRED[1]}"
    )


def note(name: str, where: Folders = None) -> str:
    """What there is to say before a model is used; empty for one that the catalogue lacks."""
    return find(name, where).note if name in _manifests(where) else ""


def target(found: Entry, where: Folders = None) -> Path:
    """Where its file belongs: beside its manifest, or in the first folder that can be written."""
    beside = os.path.dirname(found.place)
    for place in [beside] + list(folders() if where is None else where):
        if os.access(place, os.W_OK):
            return Path(place) / found.file_name
    return Path(beside) / found.file_name


def file_of(found: Entry, where: Folders = None) -> Optional[str]:
    """The entry's file, if it is here: beside its manifest or in another of the folders."""
    beside = os.path.dirname(found.place)
    for place in [beside] + list(folders() if where is None else where):
        path = os.path.join(place, found.file_name)
        if os.path.isfile(path):
            return path
    return None


def model(name: str, where: Folders = None) -> Model:
    """
    The model of that name in the catalogue, or of an ONNX file with or without a manifest beside
    it. Without one its input and decoder are None: the backend guesses. Raises EngineError where
    the file is missing, SourceError as away.check.
    """
    if name.endswith(".onnx") or os.sep in name:
        return _of_file(name)
    found = find(name, where)
    if found.model is None:
        raise ConfigError(f"{name!r} is a {CLIP}, not a model. See: jetwatch fetch --list")
    path = file_of(found, where)
    if path is None:
        raise EngineError(f"{name}: its ONNX file is not here yet. Run: jetwatch fetch {name}")
    return found.model._replace(path=path)


def _of_file(path: str) -> Model:
    if not os.path.isfile(path):
        away.check(path)
        raise EngineError(
            f"{path}: no such file. Check the path, or take a model of the catalogue by its name. "
            "See: jetwatch fetch --list"
        )
    beside = Path(path).with_suffix(".yaml")
    if beside.is_file():
        described = entry(str(beside)).model
        if described is not None:
            return described._replace(path=path)
    return Model(Path(path).stem, path)


def _manifests(where: Folders) -> Dict[str, str]:
    """Name to path of every manifest. Raises ConfigError where two files share a name."""
    found: Dict[str, str] = {}
    for place in folders() if where is None else where:
        for file in sorted(Path(place).glob("*.y*ml")):
            if not file.is_file():
                continue
            path = str(file)
            first = found.setdefault(file.stem, path)
            if os.path.realpath(first) != os.path.realpath(path):
                raise ConfigError(
                    f"two manifests are called {file.stem!r}: {first} and {path}. Rename one"
                )
    return dict(sorted(found.items()))
