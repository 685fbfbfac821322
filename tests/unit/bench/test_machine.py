"""Where it is measured, and what else took the CPU meanwhile."""

import os
import platform
import subprocess
import sys

import pytest

from app.bench import machine
from app.bench.machine import Times
from app.bench.results import Machine
from app.core.vitals import Vitals
from app.device.host import HostBackend
from tests import boards
from tests.unit.device.test_jetson import Place


def test_this_machine():
    made = machine.facts(None)
    assert made.cpu and made.name and made.system and made.kernel == platform.release()
    assert made.cores == len(os.sched_getaffinity(0)) and made.memory_mb > 100
    assert made.python == platform.python_version() and made.opencv and made.clocks
    assert (made.tensorrt, made.gpu, made.cuda) == ("", "", "")


def test_on_the_cpu_the_runtime_is_the_backends():
    onnxruntime = pytest.importorskip("onnxruntime")
    made = machine.facts(HostBackend(1))
    assert made.onnxruntime == onnxruntime.__version__ and made.tensorrt == ""


def test_a_board_and_its_gpu(tmp_path):
    root = boards.lay(
        tmp_path / "root",
        boards.merged(
            boards.NANO,
            {
                "proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\0",
                "proc/cpuinfo": "model name\t: ARMv8 Processor rev 1 (v8l)\n",
                "etc/os-release": 'PRETTY_NAME="Ubuntu 18.04.6 LTS"\n',
            },
        ),
    )
    boards.program(root, "nvpmodel", 'echo "NV Power Mode: MAXN"\n')
    made = machine.facts(Place(tmp_path, "8.2.1").backend, root)
    assert made.name == "NVIDIA Jetson Nano Developer Kit" and made.cpu.startswith("ARMv8")
    assert (made.l4t, made.jetpack, made.memory_mb) == ("32.7.1", "4.6.1", 3964)
    assert (made.gpu, made.tensorrt, made.cuda) == ("Fake 3060", "8.2.1", "11.4")
    assert (made.power_mode, made.clocks) == ("MAXN", "not told by this machine")
    assert made.system == "Ubuntu 18.04.6 LTS" and made.driver == ""


def test_a_root_that_tells_nothing(tmp_path):
    made = machine.facts(None, str(tmp_path))
    told = {key for key, value in made._asdict().items() if value}
    here = {"onnxruntime", "gstreamer", "encoder"}  # where they are installed
    assert told - here == {"name", "cpu", "cores", "opencv", "python", "clocks"}
    assert made.name == platform.machine() and isinstance(made, Machine)


def stat(pid, name, parent, *ticks):
    """proc(5): user, system, and those of children that were waited for."""
    between = "1 1 0 -1 4194560 100 0 0 0"
    return {
        f"proc/{pid}/stat": "{} ({}) S {} {} {} 20 0 1 0 55 9 9\n".format(
            pid, name, parent, between, " ".join(map(str, ticks))
        )
    }


def proc(*parts, busy="100 0 50 800 40 1 2 7 0 0"):
    return boards.merged({"proc/stat": f"cpu  {busy}\ncpu0 {busy}\n"}, *parts)


def test_ours_are_this_process_and_all_below_it(tmp_path):
    files = proc(
        stat(10, "bench", 1, 3, 2, 30, 20),
        stat(11, "a) S 1 (b", 10, 5, 0, 0, 0),
        stat(12, "grandchild", 11, 7, 1, 0, 0),
        stat(13, "other", 1, 1000, 1000, 0, 0),
        stat(1, "init", 0, 500, 0, 0, 0),
        {"proc/14/stat": "cut", "proc/self/stat": "9"},
    )
    made = machine.times(boards.lay(tmp_path, files), pid=10)
    tick = 1 / os.sysconf("SC_CLK_TCK")
    assert made.ours == pytest.approx(tick * (55 + 5 + 8))
    assert made.busy == pytest.approx(tick * (100 + 50 + 1 + 2 + 7)), "neither idle nor waiting"


@pytest.mark.parametrize("text", ["", "cpu  1 2", "cpu  a b c d e f\n", "intr 1 2 3 4 5 6"])
def test_a_proc_that_does_not_tell(tmp_path, text):
    assert machine.times(boards.lay(tmp_path, {"proc/stat": text}), 1) is None


@pytest.mark.parametrize(
    "before, after, percent",
    [
        (Times(0, 100, 10), Times(10, 120, 20), 100.0),
        (Times(0, 100, 10), Times(10, 110, 20), 0.0),
        (Times(0, 100, 10), Times(10, 110, 20.5), 0.0),  # ticks are coarse
        (Times(5, 100, 10), Times(7, 101, 10), 50.0),
        (Times(5, 100, 10), Times(5, 100, 10), None),
    ],
)
def test_what_others_took(before, after, percent):
    assert machine.others(before, after) == (None if percent is None else pytest.approx(percent))


@pytest.mark.parametrize(
    "loads, percent, waits",
    [
        ([0.05], 5.0, 0),
        ([0.1], 10.0, 0),
        ([None, None, 0.02], 2.0, 2),  # NVML takes a moment to begin
        ([0.9, 0.6, 0.0], 0.0, 2),  # our own run before was still in it
        ([0.9, 0.5, 0.7, 0.6, 0.55, 0.8], 50.0, 6),
        ([0.9, None, 0.7, 0.6, 0.55, 0.8], 55.0, 6),
        ([None] * 6, None, 6),
    ],
)
def test_what_others_take_of_the_gpu(loads, percent, waits):
    left, waited = list(loads), []

    def read():
        return Vitals(gpu_load=left.pop(0))

    found = machine.gpu_of_others(read, waited.append)
    assert found == (None if percent is None else pytest.approx(percent))
    assert left == [] and len(waited) == waits and sum(waited) <= 3.0


BUSY = "import time\nend = time.process_time() + 0.4\nwhile time.process_time() < end: pass"


def test_a_child_counts_as_ours_also_once_it_has_ended():
    before = machine.times()
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    after = machine.times()
    assert after.ours - before.ours >= 0.35
    assert after.busy - before.busy >= 0.35 and after.when > before.when
