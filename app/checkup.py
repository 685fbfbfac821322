"""checkup: the machine that `jetwatch doctor` looks at, and what one check of it found."""

import functools
import glob
import grp
import os
import platform
import pwd
import shlex
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from app.home import folder

OK, WARN, FAIL, SKIP = "ok", "warn", "fail", "skip"
SERVICE = "jetwatch"  # the user that systemd/install makes

# Begins the code of a child that answers to ``answer``: what libraries print is no part of it.
ANSWERING = """
import os, sys
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
sys.stdout = sys.stderr
"""

_PROGRAM_S = 10.0
_PYTHON_S = 60.0  # a Nano needs half of it to load TensorRT from a cold SD card
_HERE = str(Path(__file__).resolve().parent.parent)
_MOST_BYTES = 1 << 18


class Finding(NamedTuple):
    """``found`` and ``fix`` are for people; ``fix`` begins with the command, where one mends it."""

    verdict: str  # OK, WARN, FAIL or SKIP
    found: str
    fix: str = ""
    name: str = ""  # of the check


class Ran(NamedTuple):
    """How a command ended: its code, below 0 for the signal that killed it, and what it said."""

    code: int
    out: str
    err: str = ""

    @property
    def last(self) -> str:
        """The last line that is no blank, of what went wrong if anything was said of that."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1] if lines else f"exit code {self.code}"


class Interpreter(NamedTuple):
    """A Python, as a shell is told of it."""

    command: str = "python3"
    environment: str = ""  # the folder of the virtual environment it belongs to, if any
    sudo: str = ""  # "sudo " where this user may not install packages for it
    managed: bool = False  # by the system: pip refuses to install unless told so (PEP 668)

    def pip(self, what: str, through: str = "") -> str:
        """The command that has its pip do something, ``through`` another command."""
        sure = " --break-system-packages" if self.managed else ""
        return f"{self.sudo}{through}{self.command} -m pip {what}{sure}"


class Machine(NamedTuple):
    """All that checks may ask of a machine, so that a test can stand in for each of it."""

    root: str  # the folder that stands for /
    arch: str  # "aarch64", "x86_64"
    environ: Mapping[str, str]
    groups: Optional[FrozenSet[str]]  # the user's; None for root, who needs none
    user: str
    now: float  # seconds since 1970, by the machine's clock
    run: Callable[[Sequence[str]], Optional[Ran]]  # None: there is no such program
    python: Callable[[str], Ran]  # runs code in a Python of its own, as that may crash or hang
    free: Callable[[str], int]  # bytes that are free where a path lies
    folders: Tuple[str, ...] = ()  # where models and engines are kept
    interpreter: Interpreter = Interpreter()  # the one that runs this
    service: Optional[FrozenSet[str]] = None  # SERVICE's groups; None where there is no such user

    def text(self, path: str) -> str:
        """A file's text; empty where there is none that can be read."""
        try:
            with open(os.path.join(self.root, path), "rb") as file:
                return file.read(_MOST_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""

    def find(self, pattern: str) -> List[str]:
        """The paths that a pattern without a leading / finds, as the machine itself names them."""
        found = sorted(glob.glob(os.path.join(glob.escape(self.root), pattern)))
        return ["/" + os.path.relpath(path, self.root) for path in found]

    def on(self, service: str) -> str:
        """systemd's word for a service: "active", "inactive", "failed"; "" where nobody knows."""
        ran = self.run(["systemctl", "is-active", service])
        word = ran.out.strip() if ran else ""
        return "" if word == "unknown" else word

    @property
    def system_python(self) -> Interpreter:
        managed = bool(self.find("usr/lib/python3*/EXTERNALLY-MANAGED"))
        return Interpreter("/usr/bin/python3", sudo="sudo ", managed=managed)


def this_machine() -> Machine:
    """The machine at hand."""
    root = os.geteuid() == 0
    own = os.environ.get("JETWATCH_ENGINES", "")
    return Machine(
        root="/",
        arch=platform.machine(),
        environ=dict(os.environ),
        groups=None if root else _groups(),
        user=_user(),
        now=time.time(),
        run=_run,
        python=functools.lru_cache(maxsize=None)(_python),
        free=_free,
        folders=tuple(filter(None, own.split(os.pathsep))) + (str(folder("engines")),),
        interpreter=_interpreter(),
        service=_groups_of(SERVICE),
    )


def ok(found: str) -> Finding:
    return Finding(OK, found)


def warn(found: str, fix: str) -> Finding:
    return Finding(WARN, found, fix)


def fail(found: str, fix: str) -> Finding:
    return Finding(FAIL, found, fix)


def skip(found: str) -> Finding:
    return Finding(SKIP, found)


def _run(command: Sequence[str]) -> Optional[Ran]:
    try:
        return _ran(list(command), _PROGRAM_S, {"LC_ALL": "C", "SYSTEMD_PAGER": ""})
    except (FileNotFoundError, PermissionError):
        return None


def _python(code: str) -> Ran:
    path = os.pathsep.join(filter(None, [_HERE, os.environ.get("PYTHONPATH", "")]))
    return _ran([sys.executable, "-c", code], _PYTHON_S, {"PYTHONPATH": path})


def _ran(command: List[str], seconds: float, environ: Dict[str, str]) -> Ran:
    try:
        done: Any = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=seconds,
            env=dict(os.environ, **environ),
        )
    except subprocess.TimeoutExpired as error:
        name = "Python" if command[0] == sys.executable else " ".join(command)
        raise TimeoutError(f"{name} gave no answer in {seconds:.0f} s") from error
    out, err = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    return Ran(done.returncode, out, err)


def _free(path: str) -> int:
    """Of the nearest folder that is there."""
    place = os.path.abspath(path)
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    status = os.statvfs(place)
    return status.f_bavail * status.f_frsize


def _interpreter() -> Interpreter:
    environment = sys.prefix if sys.prefix != sys.base_prefix else ""
    paths = sysconfig.get_paths()
    return Interpreter(
        shlex.quote(sys.executable or "python3"),
        environment,
        "" if os.access(paths["purelib"], os.W_OK) else "sudo ",
        not environment and os.path.exists(os.path.join(paths["stdlib"], "EXTERNALLY-MANAGED")),
    )


def _groups() -> FrozenSet[str]:
    return _named({*os.getgroups(), os.getegid()})


def _groups_of(user: str) -> Optional[FrozenSet[str]]:
    try:
        return _named(os.getgrouplist(user, pwd.getpwnam(user).pw_gid))
    except (KeyError, OSError):
        return None


def _named(groups: Iterable[int]) -> FrozenSet[str]:
    names = set()
    for number in groups:
        try:
            names.add(grp.getgrgid(number).gr_name)
        except KeyError:  # a container's group that has no name
            continue
    return frozenset(names)


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return "$USER"
