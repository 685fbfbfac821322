"""mark: all that an engine or a measurement depends on, as text that changes where that does."""

import hashlib
import json
import os
from typing import Any, List, Sequence

from app.device.backend import Model
from app.device.jetson import sha256_of
from app.errors import SourceError
from app.media import folder
from app.media.camera import Camera
from app.media.uri import Kind


def of_model(model: Model) -> str:
    """What an engine of it depends on: not its name, and not what is done with its answers."""
    plain = model._replace(
        name="", path="", labels=(), score=0.0, iou=0.0, plugins=(),
        outputs=dict(sorted(model.outputs.items())),
    )  # fmt: skip
    return digest(repr(plain), sha256_of(model.path), of_files(model.plugins))


def of_pictures(camera: Camera) -> str:
    """Where they come from; of a file or folder also what lies there, and since when."""
    shown = repr((camera.shown, camera.wanted_wh, camera.wanted_fps))
    if camera.uri.kind is Kind.FILE:
        return digest(shown, of_files([camera.uri.location]))
    return digest(shown, of_folder(camera.uri.location) if camera.uri.kind is Kind.FOLDER else "")


def of_folder(path: str) -> str:
    """Of the pictures in it; of none where there is no such folder."""
    try:
        names = folder.names_in(path)
    except SourceError:
        names = []
    return of_files([os.path.join(path, name) for name in names])


def of_files(paths: Sequence[str]) -> str:
    """Their paths, sizes and times of change."""
    known: List[Any] = []
    for path in paths:
        try:
            now = os.stat(path)
        except OSError:
            known.append([path])
        else:
            known.append([os.path.realpath(path), now.st_size, now.st_mtime_ns])
    return digest(json.dumps(known))


def digest(*texts: str) -> str:
    """Of all of them, in hexadecimal digits."""
    return hashlib.sha256(json.dumps(texts).encode("ascii")).hexdigest()
