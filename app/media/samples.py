"""samples: pictures of a folder, a clip or a camera, spread over it, as files to be read again."""

from __future__ import generator_stop

import contextlib
import os
import threading
import time
from typing import Callable, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from app.core.steady import SteadyEvent
from app.errors import OutputError, SourceError
from app.media import folder, room
from app.media.camera import Camera
from app.media.reader import open_source
from app.media.uri import Kind

_TOLD = 25  # frames that are looked at between two words of it

Tell = Callable[[int, int], None]  # pictures taken, pictures wanted


@contextlib.contextmanager
def collected(
    camera: Camera,
    wanted: int,
    tell: Tell = lambda done, total: None,
    every_s: float = 0.5,
    patience_s: float = 30.0,
    most: int = 0,
) -> Iterator[List[str]]:
    """
    Paths of up to ``wanted`` pictures: those of a folder where they lie; of a clip, spread over
    all of it; of a live camera, one each ``every_s``. What was written is removed at the end of
    the ``with`` block. A live camera that gives none for ``patience_s`` is let go. Of a clip of
    more than ``most`` frames, unless that is 0, its beginning is taken, and ``tell`` hears how many
    were looked at. Raises SourceError where there are none.
    """
    if camera.uri.kind is Kind.FOLDER:
        names = folder.names_in(camera.uri.location)
        paths = [os.path.join(camera.uri.location, name) for name in names]
        yield spread(paths, wanted)
        return
    with room.temporary("samples") as place:
        looked = 0 if camera.uri.live else most
        paths = _taken(camera, wanted, tell, every_s, patience_s, place, looked)
        yield spread(paths, wanted)


def spread(paths: Sequence[str], wanted: int) -> List[str]:
    """At most ``wanted`` of them, evenly from first to last."""
    if len(paths) <= wanted:
        return list(paths)
    chosen = np.linspace(0, len(paths) - 1, wanted).round().astype(int)
    return [paths[number] for number in chosen]


def split(paths: Sequence[str], share: float = 0.2) -> Tuple[List[str], List[str]]:
    """Those to calibrate with, and the ``share`` to check with, taken evenly from among them."""
    held = max(1, int(round(len(paths) * share))) if len(paths) > 1 else 0
    chosen = set(spread(paths, held)) if held else set()
    return [path for path in paths if path not in chosen], [p for p in paths if p in chosen]


def read(paths: Sequence[str]) -> Iterator[np.ndarray]:
    """Each picture, (H, W, 3) BGR. Raises SourceError for one that cannot be read."""
    import cv2

    for path in paths:
        image: Optional[np.ndarray] = folder.read(cv2, path)
        if image is None:
            raise SourceError(f"{path}: no picture that can be read. Take it out of the folder")
        yield image


def _taken(
    camera: Camera,
    wanted: int,
    tell: Tell,
    every_s: float,
    patience_s: float,
    place: str,
    most: int,
) -> List[str]:
    """
    A clip's length is not known before its end: of twice as many pictures as are wanted every
    second one is thrown away, and from there on half as many are taken. Raises SourceError.
    """
    import cv2

    source = open_source(camera._replace(realtime=False))
    stop = SteadyEvent()
    tell(0, most or wanted)
    paths: List[str] = []
    step, due = 1, 0.0
    with contextlib.closing(source.frames(stop)) as frames, _patient(
        camera, patience_s, stop
    ) as hear:
        for number, frame in enumerate(frames):
            hear()
            if most and number == most:
                break
            if most and number % _TOLD == 0:
                tell(number, most)
            now = time.monotonic()
            if number % step or source.live and now < due:
                continue
            due = now + every_s
            path = os.path.join(place, f"{number:08d}.png")
            fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
            if not cv2.imwrite(path, frame.image, fast):
                raise OutputError(f"{path}: cannot be written. Is the disk full? TMPDIR names it")
            paths.append(path)
            if not most:
                tell(min(len(paths), wanted), wanted)
            if source.live and len(paths) >= wanted:
                break
            if len(paths) >= 2 * wanted:
                for dropped in paths[1::2]:
                    os.unlink(dropped)
                paths, step = paths[::2], 2 * step
    if not paths:
        why = source.state.partition(": ")[2]  # of a camera that is lost
        raise SourceError(f"{camera.shown}: gave no picture" + (f": {why}" if why else ""))
    return paths


@contextlib.contextmanager
def _patient(camera: Camera, seconds: float, stop: threading.Event) -> Iterator[Callable[[], None]]:
    """
    Set ``stop`` once a live camera has given no picture for so long, or it would be tried for
    ever; each picture is told by calling what this gives.
    """
    if not camera.uri.live:
        yield lambda: None
        return
    heard = [time.monotonic()]
    ended = SteadyEvent()

    def watch() -> None:
        while not ended.wait(0.5):
            if time.monotonic() - heard[0] > seconds:
                stop.set()
                return

    def hear() -> None:
        heard[0] = time.monotonic()

    watcher = threading.Thread(target=watch, name="patience", daemon=True)
    watcher.start()
    try:
        yield hear
    finally:
        ended.set()
        watcher.join()
