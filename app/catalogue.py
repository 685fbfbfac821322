"""catalogue: the models and clips that have a manifest in engines/, by name."""

import difflib
import os
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from app.device.backend import Model
from app.errors import ConfigError, EngineError
from app.manifest import CLIP, Entry, entry

ENVIRONMENT = "JETWATCH_ENGINES"  # folders of one's own, searched first

PREFERRED = ("deimv2_femto", "yolox_nano", "picodet_s", "centerface")  # when none is named

Folders = Optional[Sequence[str]]


def folders() -> List[str]:
    """$JETWATCH_ENGINES, then the checkout's engines/ or, without one, the installed ones."""
    own = [folder for folder in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if folder]
    checkout = Path(__file__).resolve().parent.parent / "engines"
    installed = Path(sys.prefix) / "share" / "jetwatch" / "engines"
    return own + [str(checkout if checkout.is_dir() else installed)]


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
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ConfigError(
        f"no model or clip is called {name!r}: {hint}There are {', '.join(known) or 'none'}"
    )


def default(where: Folders = None) -> str:
    """The best detector whose file is here. Raises EngineError where there is none."""
    for name in PREFERRED:
        if file_of(find(name, where), where) is not None:
            return name
    raise EngineError(f"no model is here yet. Run: jetwatch fetch {PREFERRED[0]}, or {PREFERRED[1]}")


def target(found: Entry, where: Folders = None) -> Path:
    """Where its file belongs: beside its manifest, or in the first folder that can be written."""
    beside = os.path.dirname(found.place)
    for folder in [beside] + list(folders() if where is None else where):
        if os.access(folder, os.W_OK):
            return Path(folder) / found.file_name
    return Path(beside) / found.file_name


def file_of(found: Entry, where: Folders = None) -> Optional[str]:
    """The entry's file, if it is here: beside its manifest or in another of the folders."""
    beside = os.path.dirname(found.place)
    for folder in [beside] + list(folders() if where is None else where):
        path = os.path.join(folder, found.file_name)
        if os.path.isfile(path):
            return path
    return None


def model(name: str, where: Folders = None) -> Model:
    """
    The model of that name in the catalogue, or of an ONNX file with or without a manifest beside
    it. Without one its input and decoder are None: the backend guesses. Raises EngineError where
    the file is missing.
    """
    if name.endswith(".onnx") or os.sep in name:
        return _of_file(name)
    found = find(name, where)
    if found.model is None:
        raise ConfigError(f"{name!r} is a {CLIP}, not a model. Models: {_models(where)}")
    path = file_of(found, where)
    if path is None:
        raise EngineError(f"{name}: its ONNX file is not here yet. Run: jetwatch fetch {name}")
    return found.model._replace(path=path)


def _of_file(path: str) -> Model:
    if not os.path.isfile(path):
        raise EngineError(
            f"{path}: no such file. Check the path, or take a model of the catalogue by its name: "
            f"{_models(None)}"
        )
    beside = Path(path).with_suffix(".yaml")
    if beside.is_file():
        described = entry(str(beside)).model
        if described is not None:
            return described._replace(path=path)
    return Model(Path(path).stem, path)


def _models(where: Folders) -> str:
    return ", ".join(found.name for found in entries(where) if found.kind != CLIP) or "none"


def _manifests(where: Folders) -> Dict[str, str]:
    """Name to path of every manifest. Raises ConfigError where two files share a name."""
    found: Dict[str, str] = {}
    for folder in folders() if where is None else where:
        for file in sorted(Path(folder).glob("*.y*ml")):
            path = str(file)
            first = found.setdefault(file.stem, path)
            if os.path.realpath(first) != os.path.realpath(path):
                raise ConfigError(
                    f"two manifests are called {file.stem!r}: {first} and {path}. Rename one"
                )
    return dict(sorted(found.items()))
