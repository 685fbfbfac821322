"""command: the real command line in a process of its own."""

import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Result:
    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err

    def failed(self, code, *words):
        """Assert one clear line and the right exit code; returns the line."""
        assert self.code == code, (self.code, self.err)
        lines = [line for line in self.err.splitlines() if line.startswith("jetwatch: ")]
        assert len(lines) == 1, self.err
        for word in words:
            assert word in self.err, (word, self.err)
        return lines[0]


def start(*arguments, **rest):
    """Start a command; ``path`` are folders of modules that it finds before all others."""
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    environment.update(rest.pop("env", {}))
    path = os.pathsep.join([str(one) for one in rest.pop("path", ())] + [str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-m", "app"] + [str(one) for one in arguments],
        cwd=str(rest.pop("cwd", ROOT)),
        env=dict(environment, PYTHONPATH=path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )


def finish(process, seconds=60):
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as exc:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it hangs; so far it said:\n{out}\n{err}") from exc
    # Without a line of ours it is Python's own, of a signal while it starts on a busy machine.
    assert "Traceback" not in err or str(ROOT / "app") not in err and "KeyboardInterrupt" in err, (
        err
    )
    return Result(process.returncode, out, err)


def wait_for(process, seen, seconds=30):
    """Until seen() is true, or the process has ended."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and process.poll() is None and not seen():
        time.sleep(0.05)


def jetwatch(*arguments, **rest):
    """Run a command to its end. No traceback, no hang, whatever it is given."""
    seconds = rest.pop("seconds", 60)
    return finish(start(*arguments, **rest), seconds)
