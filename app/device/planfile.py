"""planfile: engine files on disk: written whole or not at all, set aside, listed, swept up."""

import contextlib
import fcntl
import hashlib
import os
import re
import time
from typing import BinaryIO, Callable, Iterator, List, NamedTuple, Optional, Sequence

from app.atomic import temporary
from app.device import plan
from app.device.plan import SUFFIX, Fingerprint, Sidecar, beside
from app.errors import EngineError, OutputError

MOST_BAD = 3  # engines set aside of one model

_CHUNK = 1 << 20
_PART = re.compile(r"\..+" + re.escape(SUFFIX) + r"(\.json)?\.[0-9a-f]{8}\.part")


class Row(NamedTuple):
    """One engine of a listing. ``sidecar`` is None where it cannot be trusted."""

    name: str  # its model's
    path: str
    bytes: int
    sidecar: Optional[Sidecar]
    fits: Optional[bool]  # whether it can run here; None where no device was there to ask
    verdict: str


def target(onnx_path: str, folders: Sequence[str] = ()) -> str:
    """Where the engine of a model belongs: beside it, or in the first folder one may write to."""
    return _places(onnx_path, [f for f in _near(onnx_path, folders) if os.access(f, os.W_OK)])[0]


def find(onnx_path: str, folders: Sequence[str] = ()) -> Optional[str]:
    """The engine of a model, where there is one: beside it or in one of the folders."""
    paths = _places(onnx_path, _near(onnx_path, folders))
    return next((path for path in paths if os.path.isfile(path)), None)


def write(path: str, fill: Callable[[BinaryIO], None], sidecar: Sidecar) -> Sidecar:
    """
    Make ``path`` the engine that ``fill`` writes, and describe it beside it, or change nothing.

    Returns the sidecar with the plan's size and sha256. Raises OutputError, with the bytes that
    are needed: ``plan_bytes`` where the sidecar already tells, at least what was written so far.
    """
    part = temporary(path)
    with _cleared(part):
        with _disk(path, part, sidecar.plan_bytes), open(part, "xb") as file:
            fill(file)
        return settle(part, path, sidecar)


def settle(part: str, path: str, sidecar: Sidecar) -> Sidecar:
    """
    As ``write``, from a plan that lies whole in ``part``, a ``temporary(path)``. It is gone
    afterwards, whatever happens.

    The old sidecar goes first and the new one comes last: whenever the power fails, a sidecar that
    is there belongs to the engine that is there, and both are whole.
    """
    described = beside(path)
    text_part = temporary(described)
    with _cleared(part, text_part), _disk(path, part, sidecar.plan_bytes):
        with open(part, "rb") as file:
            os.fsync(file.fileno())
            size = os.fstat(file.fileno()).st_size
            sidecar = sidecar._replace(plan_bytes=size, plan_sha256=_sha256(file))
        with open(text_part, "x", encoding="ascii") as text:
            text.write(plan.text(sidecar))
            text.flush()
            os.fsync(text.fileno())
        with _locked(os.path.dirname(path)) as folder:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(described)
                os.fsync(folder)  # else a file system may put the steps in another order
            os.replace(part, path)
            os.fsync(folder)
            os.replace(text_part, described)
            os.fsync(folder)
    return sidecar


def damage(path: str, sidecar: Sidecar, hashed: bool = False) -> str:
    """
    How the plan differs from what was written, or nothing. Its size is always compared, its sha256
    if ``hashed``, as that reads the whole file. Raises EngineError where it cannot be read.
    """
    try:
        size = os.path.getsize(path)
        if size != sidecar.plan_bytes:
            return f"has {size} bytes, {sidecar.plan_bytes} were written"
        if hashed:
            with open(path, "rb") as file:
                if _sha256(file) != sidecar.plan_sha256:
                    return "its content is not what was written"
    except OSError as error:
        raise EngineError(
            f"{path}: cannot be read: {error.strerror}. Run: jetwatch build {plan.name_of(path)}"
        ) from error
    return ""


def quarantine(path: str) -> str:
    """
    Set an engine that does not load aside, with its sidecar, and return its new path: its own and
    ``.bad``. Those from before become .bad.2 and .bad.3; no more are kept. Raises OutputError.
    """
    numbered = [f"{path}.bad"] + [f"{path}.bad.{n}" for n in range(2, MOST_BAD + 1)]
    steps = list(zip([path] + numbered, numbered))
    try:
        os.stat(path)
        with _locked(os.path.dirname(path)):
            for old, new in reversed(steps):
                for before, after in ((beside(old), beside(new)), (old, new)):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(after)
                    with contextlib.suppress(FileNotFoundError):
                        os.replace(before, after)
    except OSError as error:
        raise OutputError(
            f"cannot set {path} aside: {error.strerror}. Remove it by hand, then run: "
            f"jetwatch build {plan.name_of(path)}"
        ) from error
    return numbered[0]


def listing(folders: Sequence[str], now: Optional[Fingerprint] = None) -> List[Row]:
    """
    The engines of these folders, by folder and name; ``now`` is the device's, None without a GPU.
    Raises EngineError for a folder that cannot be read.
    """
    rows = []
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            raise EngineError(
                f"{folder}: cannot be read: {error.strerror}. Check the path"
            ) from error
        paths = [os.path.join(folder, name) for name in names if name.endswith(SUFFIX)]
        rows += [_row(path, now) for path in paths if os.path.isfile(path)]
    return rows


def sweep(folder: str, older_s: float = 3600.0, now: Optional[float] = None) -> List[str]:
    """
    Remove what killed builds left in a folder, and return it; ``now`` is in seconds since 1970.
    What cannot be removed is left.
    """
    now = time.time() if now is None else now
    removed = []
    with contextlib.suppress(OSError):
        for name in filter(_PART.fullmatch, os.listdir(folder)):
            path = os.path.join(folder, name)
            with contextlib.suppress(OSError):
                if now - os.stat(path).st_mtime > older_s:
                    os.unlink(path)
                    removed.append(path)
    return removed


def _near(onnx_path: str, folders: Sequence[str]) -> List[str]:
    return [os.path.dirname(onnx_path) or os.curdir] + list(folders)


def _places(onnx_path: str, folders: Sequence[str]) -> List[str]:
    """Its engine's path in each folder; beside it if there is none."""
    name = os.path.splitext(os.path.basename(onnx_path))[0] + SUFFIX
    return [os.path.join(folder, name) for folder in folders or _near(onnx_path, ())[:1]]


def _row(path: str, now: Optional[Fingerprint]) -> Row:
    row = Row(plan.name_of(path), path, os.stat(path).st_size, None, False, "")
    try:
        sidecar = plan.read(path)
        hurt = damage(path, sidecar)
    except EngineError as error:
        return row._replace(verdict=str(error))
    if hurt:
        return row._replace(verdict=hurt)
    if now is None:
        return row._replace(sidecar=sidecar, fits=None, verdict="no GPU here to run it on")
    differences = plan.check(sidecar.fingerprint, now)
    verdict = "; ".join(differences) or "fits this device"
    return row._replace(sidecar=sidecar, fits=not differences, verdict=verdict)


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    for chunk in iter(lambda: file.read(_CHUNK), b""):
        digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def _cleared(*paths: str) -> Iterator[None]:
    """Leave none of these files behind."""
    try:
        yield
    finally:
        for path in paths:
            with contextlib.suppress(OSError):
                os.unlink(path)


@contextlib.contextmanager
def _disk(path: str, part: str, expected: int) -> Iterator[None]:
    """Say what a disk's errors mean for ``path``."""
    try:
        yield
    except OSError as error:
        folder, free = os.path.dirname(path) or os.curdir, 0
        with contextlib.suppress(OSError):
            status = os.statvfs(folder)
            free = status.f_bavail * status.f_frsize
            expected = max(expected, os.path.getsize(part))
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}. It needs {expected} bytes or more, "
            f"{folder} has {free} free. Make room there and let it be written to, or name another "
            "folder in JETWATCH_ENGINES"
        ) from error


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[int]:
    """An open folder, in which no other process changes engines."""
    opened = os.open(folder or os.curdir, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems know no locks
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield opened
    finally:
        os.close(opened)
