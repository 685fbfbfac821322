"""references: what a config only points at: a file, or a password that is kept elsewhere."""

import os
import stat
from typing import Any

from app import away, kinds
from app.kinds import Text
from app.settings import Group, Setting

_LONGEST = 4096  # letters of a password


class FilePath(Text):
    """A file's path; ~ is the home folder."""

    def __init__(self) -> None:
        super().__init__(check=lambda text: None if text.strip() else "must not be empty")

    def read(self, node: Any, place: str, report: kinds.Report) -> Any:
        text = super().read(node, place, report)
        return None if text is None else os.path.expanduser(text)


class Secret(Group):
    """A password by reference: {env: NAME} or {file: PATH}, never written out."""

    def __init__(self) -> None:
        super().__init__(
            lambda env, file: (env, file),
            (
                Setting("env", Text(), None, "the environment variable that holds it"),
                Setting("file", FilePath(), None, "the file whose first line holds it"),
            ),
        )

    def read(self, node: Any, place: str, report: kinds.Report) -> Any:
        if kinds.kind_of(node) != "a mapping":
            return report.wrong(node, place, "must be {env: NAME} or {file: PATH}, not written out")
        told = super().read(node, place, report)
        if told is None:
            return None
        env, file = told
        if (env is None) == (file is None):
            return report.wrong(node, place, "must have one of env and file")
        if env is not None:
            if env not in os.environ:
                return report.wrong(node, place, f"names {env}, which the environment lacks")
            secret = os.environ[env]
            try:
                secret.encode("utf-8")
            except UnicodeEncodeError:
                return report.wrong(node, place, f"names {env}, which holds no UTF-8 text")
            return secret
        try:
            if stat.S_ISFIFO(os.stat(file).st_mode):
                return report.wrong(node, place, f"names {file}, which is no regular file")
            with open(file, encoding="utf-8") as lines:
                return lines.readline(_LONGEST).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            away.check(file)
            return report.wrong(node, place, f"names {file}, which cannot be read: {error}")
