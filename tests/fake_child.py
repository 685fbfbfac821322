"""
fake_child: one attempt in a process of its own, as app/cli_attempt.py, on a GPU that is not there.

``command(...)`` is what to start in its place. As the real one may, it is killed where it wants
more than ``dies_above`` bytes of workspace, or can write no file larger than ``most_bytes``.
"""

import json
import os
import resource
import signal
import sys
from typing import Any, NamedTuple, Optional, Tuple

from app import attempt, child
from app.device import record
from tests import fake_cuda, fake_trt


class Setting(NamedTuple):
    version: str
    gpu: fake_cuda.Orders = fake_cuda.Orders()
    int8_is_fast: bool = True
    spoiled: Tuple[str, ...] = ()  # builder flags, as in fake_trt.Orders
    least_workspace: int = 0
    dies_above: Optional[int] = None
    most_bytes: Optional[int] = None


def command(version: str, **rest: Any) -> Tuple[str, ...]:
    text = json.dumps(record.plain(Setting(version, **rest)))
    return (sys.executable, "-W", "error", "-m", "tests.fake_child", text)


def main() -> int:
    setting: Setting = record.made(Setting, json.loads(sys.argv[1]))
    orders = fake_trt.Orders(
        fast_int8=setting.int8_is_fast,
        spoiled=setting.spoiled,
        least_workspace=setting.least_workspace,
    )
    if setting.most_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (setting.most_bytes,) * 2)

    def work(task: Any, tell: Any, log: Any) -> Any:
        def told(phase: str, done: int, total: int) -> None:
            tell(phase, done, total)
            if phase == "workspace" and total > (setting.dies_above or total):
                os.kill(os.getpid(), signal.SIGKILL)

        cuda = fake_cuda.gpu(setting.gpu)
        return attempt.attempt(task, told, log, cuda, fake_trt.module(setting.version, orders))

    return child.answer(sys.stdin.buffer, sys.stdout.buffer, sys.stderr, work)


if __name__ == "__main__":
    sys.exit(main())
