"""pictures: what answers are compared on: labelled pictures, or some of what a camera shows."""

import contextlib
import os
from typing import Callable, Iterator, List, Sequence, Tuple

from app.errors import SourceError
from app.media import samples, truth, uri
from app.media.camera import Camera
from app.media.folder import names_in

_AGREEING = 32  # of a source
_MOST = 3000  # frames of a clip, over which they are spread: not hours of a film
_LABELLED = 256  # of a labelled folder, at most


@contextlib.contextmanager
def taken(
    camera: Camera, folder: str, tell: Callable[[int, int], None]
) -> Iterator[Tuple[Sequence[str], str]]:
    """
    Files of pictures for the length of the ``with``, and what they are: of the labelled
    ``folder``, if one is named, else of the camera; of the test pattern one, as it shows nothing.
    Raises AppError.
    """
    if folder:
        yield samples.spread(labelled(folder), _LABELLED), folder
        return
    wanted = 1 if camera.uri.kind is uri.Kind.TEST else _AGREEING
    with samples.collected(camera._replace(loop=False), wanted, tell, most=_MOST) as paths:
        yield paths, camera.shown


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
