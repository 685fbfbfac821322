"""revision: which code it is that is measured."""

import hashlib
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

_PACKAGE = Path(__file__).resolve().parent.parent
_RUN = (".py", ".cu")  # what of a package's files is code
_PATIENCE_S = 10.0  # with Git on a slow disk


class Revision(NamedTuple):
    code: str = ""  # sha256 of the package's files
    commit: str = ""  # of its checkout, with "+" where files are changed; empty where there is none


def revision(package: Path = _PACKAGE) -> Revision:
    """Of a package's folder, as it is there now. Raises nothing: what cannot be read is empty."""
    try:
        return Revision(_code(package), _commit(package))
    except OSError:
        return Revision()


def _code(package: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in package.rglob("*") if path.suffix in _RUN):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(package).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _commit(package: Path) -> str:
    if not _git(package, "ls-files", "__init__.py"):  # a checkout of something else, or none
        return ""
    commit = _git(package, "rev-parse", "--short=12", "HEAD")
    return commit + ("+" if commit and _git(package, "status", "--porcelain", ".") else "")


def _git(folder: Path, *words: str) -> str:
    """What Git says, or nothing where it cannot."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            env=dict(os.environ, GIT_OPTIONAL_LOCKS="0"),  # it is only looked at
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("ascii", "replace").strip() if done.returncode == 0 else ""
