"""cli_bench_child: the processes that `jetwatch bench` starts; not for people."""

import sys
from typing import Any, Callable, Dict, Tuple

from app import cli_attempt
from app.bench import network, work

WORKS: Dict[str, Tuple[Callable[..., Any], Any]] = {
    "work": (work.work, work.Job),
    "network": (network.work, network.Job),
    "where": (network.where, network.Job),
}

if __name__ == "__main__":
    sys.exit(cli_attempt.main(*WORKS[sys.argv[1]]))
