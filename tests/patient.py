"""patient: a machine that is not there, for the checks of `jetwatch doctor`."""

from app.checkup import Machine, Ran
from tests import boards


class Patient:
    """``ran``: what programs answer, by their first words; ``python``: by a part of the code."""

    def __init__(self, root, files=(), ran=(), python=(), **rest):
        self.root = boards.lay(root, dict(files))
        self.ran = dict(ran)
        self.answers = dict(python)
        self.free_mb = rest.pop("free_mb", 100000)
        self.rest = {
            "arch": "x86_64", "environ": {}, "groups": frozenset(["video"]), "user": "pat",
            "now": 1.8e9,
        }  # fmt: skip
        self.rest.update(rest)

    def machine(self):
        return Machine(
            root=self.root,
            run=self._run,
            python=self._python,
            free=lambda path: self.free_mb << 20,
            folders=(self.root + "/engines",),
            **self.rest,
        )

    def _run(self, command):
        line = " ".join(command)
        return next((made(told) for key, told in self.ran.items() if line.startswith(key)), None)

    def _python(self, code):
        found = [told for key, told in self.answers.items() if key in code]
        return made(found[0]) if found else Ran(1, "", "ModuleNotFoundError: No module named 'x'")


def made(told):
    """Text is what a program that went well said; an error is raised."""
    if isinstance(told, Exception):
        raise told
    return told if isinstance(told, Ran) else Ran(0, told)
