"""cli_attempt: the process that `jetwatch build` starts for each attempt; not for people."""

import contextlib
import ctypes
import logging
import os
import signal
import sys
from typing import Any, Callable

from app import attempt, child

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def main(work: Callable[..., Any] = attempt.attempt, kind: Any = attempt.Task) -> int:
    """One task from standard input; its progress and outcome to standard output."""
    with contextlib.suppress(OSError, AttributeError):  # end with the parent, however that ends
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(message)s")
    # Whatever prints to standard output inside a library must not be taken for our words.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return child.answer(sys.stdin.buffer, out, sys.stderr, work, kind)


if __name__ == "__main__":
    sys.exit(main())
