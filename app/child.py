"""child: work in a process of its own, which may be killed without harm: a build, a benchmark."""

import json
import math
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Sequence, Type

from app import attempt, errors
from app.attempt import Outcome, Task
from app.device import record
from app.device.build import OutOfMemory
from app.errors import AppError, EngineError, OutputError

_TICK_S = 0.5
_WANT_OF_MEMORY = (signal.SIGKILL, signal.SIGABRT, signal.SIGBUS)
COMMAND = (sys.executable, "-m", "app.cli_attempt")

_ROOT = str(Path(__file__).resolve().parent.parent)
_KINDS: Dict[str, Type[AppError]] = {
    kind.__name__: kind
    for kind in (
        errors.ConfigError, errors.SourceError, errors.DeviceError, EngineError, OutputError,
        OutOfMemory, attempt.TooSlow,
    )
}  # fmt: skip

Told = Callable[[str, int, int], None]


class Attempt:
    """
    One piece of work. ``workspace``: of a build, the bytes that it said it would take; None before.
    ``busy_s`` is the time on the CPU that it has used, with that of compilers which have ended.
    ``interrupted``: the result is what it had when Ctrl-C came.
    """

    def __init__(
        self,
        task: Any,
        log: str,
        command: Sequence[str] = COMMAND,
        kind: Any = Outcome,
        what: str = "the build",
    ) -> None:
        """
        ``command``: what is run; it calls ``answer`` on its standard streams. ``kind``: the
        NamedTuple that it gives. ``what``: what people call it.
        """
        self._task = task
        self._log = log
        self._command = command
        self._kind = kind
        self._what = what
        self.workspace: Optional[int] = None
        self.busy_s = 0.0
        self.interrupted = False

    def result(self, told: Told, ending_s: float = 0.0) -> Any:
        """
        Run it to its end; ``told`` hears of progress twice a second at least. Raises what the
        child raised, and OutOfMemory where it was killed. An interrupt kills the child; but with
        ``ending_s`` the first one asks it to end (SIGTERM), and what it gives within so many
        seconds is the result.
        """
        process = self._started()
        said: Optional[Dict[str, Any]] = None
        try:
            try:
                self._give_task(process)
                said = self._listened(process, told)
                code = process.wait()
            except KeyboardInterrupt:
                if not ending_s:
                    raise
                self.interrupted = True
                if said is None:
                    process.terminate()
                    until = time.monotonic() + ending_s
                    said = self._listened(process, told, "ending", until)
                if said is None or "error" in said:
                    raise
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # with the compiler that it may have started
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
        if said is None:
            raise self._ended(code)
        if "error" in said:
            raise _KINDS.get(said["kind"], EngineError)(said["error"])
        return record.made(self._kind, said["outcome"])

    def _started(self) -> Any:
        try:
            with open(self._log, "ab") as log:
                return subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is ours to hear
                    env=dict(os.environ, PYTHONPATH=_python_path()),
                )
        except OSError as error:
            raise OutputError(
                f"{self._log}: cannot be written: {error.strerror}. Let the folder be written to, "
                "or name another in JETWATCH_ENGINES"
            ) from error

    def _give_task(self, process: Any) -> None:
        try:
            process.stdin.write(json.dumps(record.plain(self._task)).encode())
            process.stdin.close()
        except BrokenPipeError:
            pass  # how it ended is told by its code

    def _listened(
        self, process: Any, told: Told, phase: str = "starting", until: float = math.inf
    ) -> Optional[Dict[str, Any]]:
        """The last word of the child; None where it ended, or the time ``until`` did, without."""
        done, total = 0, 0
        told(phase, done, total)
        rest = b""
        while time.monotonic() < until:
            ready, _, _ = select.select([process.stdout], [], [], _TICK_S)
            self.busy_s = _busy_s(process.pid)
            if ready:
                block = os.read(process.stdout.fileno(), 1 << 16)
                if not block:
                    return None
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    said = _read(line)
                    if said is None:
                        continue
                    if "phase" not in said:
                        return said
                    phase, done, total = said["phase"], said["done"], said["total"]
                    if phase == "workspace":
                        self.workspace = total
                    told(phase, done, total)  # each, however many came at once
            else:
                told(phase, done, total)
        return None

    def _ended(self, code: int) -> AppError:
        if code < 0:
            name = signal.Signals(-code).name
            if -code in _WANT_OF_MEMORY:
                return OutOfMemory(
                    f"{self._what} was killed ({name}, most likely for want of memory)"
                )
            return EngineError(
                f"{self._what} crashed ({name}): a plugin or library. See {self._log}"
            )
        return EngineError(f"{self._what} ended with code {code} and no word. See {self._log}")


def _busy_s(process_id: int) -> float:
    """By proc(5): user and system time, its own and that of its children that were waited for."""
    with open(f"/proc/{process_id}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()  # from the state on, the third
    return sum(map(int, fields[11:15])) / float(os.sysconf("SC_CLK_TCK"))


def _read(line: bytes) -> Optional[Dict[str, Any]]:
    """What a line of the child's says; None where it is no line of ours."""
    try:
        said = json.loads(line.decode())
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def answer(
    read: Any, write: Any, log: Any, work: Callable[..., Any] = attempt.attempt, kind: Any = Task
) -> int:
    """
    The child's side: a task of this ``kind`` from one file, lines of JSON to another, TensorRT's
    words to a third. ``work`` is what is done. Returns the exit code.
    """

    def say(**words: Any) -> None:
        write.write((json.dumps(words) + "\n").encode())
        write.flush()

    phase_before, said_at = "", float("-inf")

    def tell(phase: str, done: int, total: int) -> None:
        nonlocal phase_before, said_at
        if phase == phase_before and time.monotonic() - said_at < _TICK_S / 2 and done != total:
            return
        phase_before, said_at = phase, time.monotonic()
        say(phase=phase, done=done, total=total)

    def keep(level: str, text: str) -> None:
        if level != "VERBOSE":
            log.write(f"{level} {text}\n")

    try:
        task = record.made(kind, json.loads(read.read().decode()))
        outcome = work(task, tell, keep)
        say(outcome=record.plain(outcome))
        return 0
    except AppError as error:
        say(error=str(error), kind=type(error).__name__)
        return error.exit_code
    except MemoryError:
        say(error="Python itself got no memory", kind="OutOfMemory")
        return 1


def _python_path() -> str:
    return os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH", "")]))
