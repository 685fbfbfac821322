"""pictures: what answers are compared on: labelled pictures, or some of what a camera shows."""

import contextlib
import os
from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence

from app.errors import SourceError
from app.media import room, samples, truth, uri
from app.media.camera import Camera
from app.media.folder import names_in

_AGREEING = 32  # of a source
_MOST = 3000  # frames of a clip, over which they are spread: not hours of a film
_LABELLED = 256  # of a labelled folder, at most
_CALIBRATING = 160  # of a source, beside those


class Taken(NamedTuple):
    """Files of pictures, and what they are."""

    paths: Sequence[str]
    shown: str
    calibration: Optional[Camera] = None  # others, for INT8 in place of what was asked
    shared: bool = False  # INT8 may be calibrated with the same


@contextlib.contextmanager
def taken(
    camera: Camera,
    folder: str,
    tell: Callable[[str, int, int], None],
    calibration: Optional[Camera] = None,
) -> Iterator[Taken]:
    """
    For the length of the ``with``: of the labelled ``folder``, if one is named, else of the camera;
    of the test pattern one, as it shows nothing. Where INT8's ``calibration`` is of the same clip
    or folder as the camera, some are kept for it alone. ``tell`` hears a phase, and how many of how
    many are taken. Raises AppError.
    """
    if folder:
        shared = calibration is not None and _same(folder, calibration)
        yield Taken(samples.spread(labelled(folder), _LABELLED), folder, shared=shared)
        return
    wanted = 1 if camera.uri.kind is uri.Kind.TEST else _AGREEING
    own = calibration is not None and _same(camera.uri.location, calibration)
    more = _CALIBRATING if own else 0

    def told(done: int, total: int) -> None:
        if camera.uri.live and not done:
            tell("waiting for the camera", 0, 0)
        else:
            tell("taking pictures", done, total)

    asked = camera._replace(loop=False)
    with samples.collected(asked, wanted + more, told, most=_MOST) as paths:
        if not own or len(paths) < 2:
            yield Taken(paths, camera.shown, shared=own)
            return
        others, kept = samples.split(paths, wanted / (wanted + more))
        with _shown(others) as apart:
            yield Taken(kept, f"{camera.shown}, others than INT8 was calibrated with", apart)


@contextlib.contextmanager
def _shown(paths: Sequence[str]) -> Iterator[Camera]:
    """A folder of these pictures alone."""
    with room.temporary("calibration") as place:
        for number, path in enumerate(paths):
            name = f"{number:04d}{os.path.splitext(path)[1]}"
            os.symlink(os.path.abspath(path), os.path.join(place, name))
        yield Camera("calibration", uri.parse(place))


def _same(place: str, calibration: Camera) -> bool:
    """Whether a clip or folder is what INT8 is calibrated with."""
    if calibration.uri.live:
        return False
    return os.path.realpath(place) == os.path.realpath(calibration.uri.location)


def why_one(camera: Camera, folder: str) -> str:
    """What it means that there is one picture only, in words."""
    if camera.uri.kind is uri.Kind.TEST and not folder:
        return "the pattern shows nothing to find: no accuracy, no boxes"
    return f"{folder or camera.shown}: one picture only, so no accuracy"


def labelled(folder: str) -> List[str]:
    """The pictures of a labelled folder. Raises AppError where it has no labels."""
    if not os.path.isdir(folder):
        raise SourceError(f"{folder}: no such folder")
    known = truth.read(folder)
    if known is None:
        raise SourceError(
            f"{folder}: no labels beside its pictures. COCO's instances.json or YOLO's labels/ are "
            "read; without --labelled the agreement with FP32 is measured"
        )
    names = [name for name in names_in(folder) if name in known]
    if not names:
        raise SourceError(f"{folder}: its labels are of other pictures")
    return [os.path.join(folder, name) for name in names]
