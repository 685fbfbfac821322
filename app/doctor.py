"""doctor: looks at a machine and a config for the known traps, and names what mends each."""

import importlib
import threading
from typing import Any, Callable, Dict, List, Optional

from app import doctor_jetson, doctor_python, doctor_system
from app.checkup import FAIL, Finding, Machine, fail, ok, skip
from app.core.steady import ends_within
from app.errors import AppError

VERSION = 1  # of what report() makes

_LIMIT_S = 150.0  # of one check, whose programs have limits of their own
_CONFIG = "config"
_NEEDED = "import numpy, cv2, yaml"


def loads(there: Machine) -> bool:
    """Whether what all other commands need loads; tried apart, as it may crash."""
    try:
        return there.python(_NEEDED).code == 0
    except TimeoutError:
        return False


def checks(all_of_them: bool = True) -> Dict[str, Any]:
    """The checks by name, in order; or only those that need no package to load."""
    made: Dict[str, Any] = {}
    if all_of_them:
        made.update(importlib.import_module("app.doctor_config").CHECKS)
    for module in (doctor_python, doctor_system, doctor_jetson):
        made.update(module.CHECKS)
    return made


def examine(
    there: Machine,
    path: Optional[str] = None,
    tell: Callable[[str], None] = lambda name: None,
    chosen: Optional[Dict[str, Any]] = None,
    limit_s: float = _LIMIT_S,
) -> List[Finding]:
    """
    Every check of a machine, and of a config where one is named, in a fixed order. ``tell`` hears
    the name of each before it begins. A check that fails itself, or that takes longer than
    ``limit_s``, becomes a finding that says so: this raises nothing. ``chosen`` checks stand in
    for all of them.
    """
    tell(_CONFIG)
    whole = loads(there)
    config, first = _read(path, whole)
    found = [first._replace(name=_CONFIG)]
    for name, check in (checks(whole) if chosen is None else chosen).items():
        tell(name)
        found.append(_checked(check, there, config, limit_s)._replace(name=name))
    return found


def report(findings: List[Finding]) -> Dict[str, Any]:
    """The findings as JSON has them."""
    return {
        "version": VERSION,
        "problems": sum(one.verdict == FAIL for one in findings),
        "findings": [
            {"name": one.name, "verdict": one.verdict, "found": one.found, "fix": one.fix}
            for one in findings
        ],
    }


def _read(path: Optional[str], whole: bool) -> Any:
    """The config, or None, and what there is to say of it."""
    if not whole:
        return None, skip("could not be looked at: numpy, OpenCV or PyYAML does not load")
    if path is None:
        return None, skip("none was named: only the machine is looked at")
    try:
        config = importlib.import_module("app.config").load(path)
    except AppError as error:
        return None, fail(str(error), f"mend it, then: jetwatch check {path}")
    cameras = ", ".join(one.name for one in config.cameras)
    return config, ok(f"{path}: {cameras}")


def _checked(check: Any, there: Machine, config: Any, limit_s: float) -> Finding:
    made: List[Finding] = []

    def work() -> None:
        try:
            made.append(check(there, config))
        except Exception as error:
            why = " ".join(str(error).split()) or type(error).__name__
            made.append(skip(f"could not be checked: {why}"))

    thread = threading.Thread(target=work, name="doctor", daemon=True)
    thread.start()
    ends_within(thread, limit_s)
    return made[0] if made else skip(f"could not be checked: no end in {limit_s:g} s")
