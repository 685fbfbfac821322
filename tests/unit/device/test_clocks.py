"""Whether clocks are locked, by copies of boards."""

import pytest

from app.device import clocks
from tests import boards

CPU = "sys/devices/system/cpu/cpufreq/policy{}/scaling_{}_freq"
NANO_GPU = "sys/class/devfreq/57000000.gpu/{}_freq"
THOR_GPU = "sys/class/devfreq/gpu-gpc-0/{}_freq"


def freqs(pattern, low, high):
    return {pattern.format("min"): f"{low}\n", pattern.format("max"): f"{high}\n"}


def cpu(low, high, policy=0):
    return freqs(CPU.format(policy, "{}"), low, high)


def governor(word, policy=0):
    return {f"sys/devices/system/cpu/cpufreq/policy{policy}/scaling_governor": word + "\n"}


HELD, FREE = cpu(1479000, 1479000), cpu(102000, 1479000)
GPU_HELD, GPU_FREE = freqs(NANO_GPU, 921600000, 921600000), freqs(NANO_GPU, 76800000, 921600000)
JETSONS = [
    ([boards.NANO], clocks.UNTOLD),
    ([boards.NANO, HELD, GPU_HELD], "locked (jetson_clocks)"),
    ([boards.NANO, HELD, GPU_FREE], "CPU locked, GPU not locked"),
    ([boards.NANO, FREE, GPU_FREE], "CPU not locked, GPU not locked"),
    ([boards.NANO, HELD], "CPU locked, GPU not told"),
    ([boards.NANO, GPU_HELD], "CPU not told, GPU locked"),
    ([boards.XAVIER_NX, HELD, cpu(1, 2, 4)], "CPU not locked, GPU not told"),
    ([boards.THOR, HELD, freqs(THOR_GPU, 5, 5)], "locked (jetson_clocks)"),
    ([boards.THOR, HELD, freqs(THOR_GPU, 4, 5)], "CPU locked, GPU not locked"),
]


@pytest.mark.parametrize("files, words", JETSONS)
def test_a_jetson(tmp_path, files, words):
    assert clocks.told(root=boards.lay(tmp_path, boards.merged(*files))) == words


PCS = [
    ([boards.PC], False, clocks.UNTOLD),
    ([boards.PC], True, clocks.UNTOLD),
    ([boards.PC, governor("performance")], False, "locked (governor performance)"),
    ([governor("powersave")], False, "CPU not locked (governor powersave)"),
    (
        [governor("performance"), governor("schedutil", 1)],
        False, "CPU not locked (governor performance, schedutil)",
    ),
    ([governor("performance")], True, "CPU locked, GPU not told (governor performance)"),
    ([{}], False, clocks.UNTOLD),
]  # fmt: skip


@pytest.mark.parametrize("files, card, words", PCS)
def test_a_pc(tmp_path, files, card, words):
    assert clocks.told(card, boards.lay(tmp_path, boards.merged(*files))) == words


def test_old_kernels_have_a_folder_for_each_core(tmp_path):
    place = "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor"
    assert clocks.told(root=boards.lay(tmp_path, {place: "performance"})).startswith("locked")
