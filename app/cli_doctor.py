"""cli_doctor: `jetwatch doctor`, which says what is wrong with a machine and what mends it."""

import argparse
import json
import sys
import time
from typing import Callable, Iterator, List, Optional

from app import doctor
from app.checkup import FAIL, OK, SKIP, WARN, Finding, this_machine
from app.terminal import Terminal

_WORST_LAST = (SKIP, OK, WARN, FAIL)


def declare(one: argparse.ArgumentParser) -> None:
    """What may be typed after `jetwatch doctor`."""
    one.epilog = (
        "Changes nothing, and needs neither a GPU nor GStreamer. What is worst comes last, with\n"
        "the command that mends it behind an arrow. Exit code: 0, or 1 where something fails;\n"
        "warnings are no failure. docs/doctor.md lists the checks.\n\n"
        "examples:\n"
        "  jetwatch doctor\n"
        "  jetwatch doctor configs/four-cameras.yaml\n"
        "  jetwatch doctor configs/demo.yaml --json | python3 -m json.tool"
    )
    one.add_argument("config", nargs="?", metavar="CONFIG", help="also look at what it asks for")
    one.add_argument("--json", action="store_true", help="as JSON, for programs")


def run(arguments: argparse.Namespace, terminal: Terminal, say: Callable[[str], None]) -> int:
    """Look at everything. Returns the exit code."""

    def tell(name: str) -> None:
        if sys.stderr.isatty():
            terminal.status(f"looking at: {name}", time.monotonic())

    try:
        found = doctor.examine(this_machine(), arguments.config, tell)
    finally:
        terminal.end_status()
    if arguments.json:
        say(json.dumps(doctor.report(found), indent=1))
    else:
        for line in lines(found):
            say(line)
    return 1 if any(one.verdict == FAIL for one in found) else 0


def alone(arguments: List[str]) -> Optional[int]:
    """
    `jetwatch doctor` where numpy, OpenCV or PyYAML does not load, and so no other command runs:
    the exit code, or None where they do. This file imports nothing that needs them.
    """
    if doctor.loads(this_machine()):
        return None
    parser = argparse.ArgumentParser(
        prog="jetwatch doctor", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--log-level", help=argparse.SUPPRESS)
    declare(parser)
    return run(parser.parse_args(arguments), Terminal(sys.stderr), print)


def lines(found: List[Finding]) -> Iterator[str]:
    """The findings as aligned text, the worst last, and how many problems there are."""
    wide = max(len(one.name) for one in found)
    for one in sorted(found, key=lambda one: _WORST_LAST.index(one.verdict)):
        first, *rest = one.found.splitlines() or [""]
        yield f"{one.verdict:<5}{one.name:<{wide}}  {first}"
        for line in rest:
            yield f"{'':<{wide + 7}}{line}"
        if one.fix:
            yield f"{'':<{wide + 4}}-> {one.fix}"
    problems = sum(one.verdict == FAIL for one in found)
    warnings = sum(one.verdict == WARN for one in found)
    yield _counted(problems, "problem") + (f", {_counted(warnings, 'warning')}" if warnings else "")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
