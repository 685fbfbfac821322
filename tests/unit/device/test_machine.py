"""test_machine: on lines captured from boards."""

import pytest

from app.device import machine
from app.device.machine import Memory
from tests import boards

RELEASES = {
    "32.7.1": "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref, EABI: aarch64, "
    "DATE: Sat Feb 19 17:05:08 UTC 2022\n",
    "35.4.1": "# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, EABI: aarch64, "
    "DATE: Tue Aug  1 19:57:35 UTC 2023\n",
    "36.4.7": "# R36 (release), REVISION: 4.7, GCID: 42132812, BOARD: generic, EABI: aarch64, "
    "DATE: Thu Sep 18 22:54:44 UTC 2025\n# KERNEL_VARIANT: oot\n"
    "TARGET_USERSPACE_LIB_DIR=nvidia\n"
    "TARGET_USERSPACE_LIB_DIR_PATH=usr/lib/aarch64-linux-gnu/nvidia\n",
}

TX2 = """\
MemTotal:        8038788 kB
MemFree:         4851052 kB
MemAvailable:    5642288 kB
Buffers:           38972 kB
Cached:           879052 kB
SwapCached:            0 kB
SwapTotal:       4019376 kB
SwapFree:        4019376 kB
VmallocTotal:   263061440 kB
NvMapMemFree:      94784 kB
NvMapMemUsed:     805068 kB
HugePages_Total:       0
Hugepagesize:       2048 kB
"""


@pytest.mark.parametrize("expected", sorted(RELEASES))
def test_release(tmp_path, expected):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "nv_tegra_release").write_text(RELEASES[expected])
    assert machine.l4t(str(tmp_path)) == expected


def test_no_release(tmp_path):
    assert machine.l4t(str(tmp_path)) == ""
    assert machine.release("R32, somehow") == ""
    (tmp_path / "etc" / "nv_tegra_release").mkdir(parents=True)
    assert machine.l4t(str(tmp_path)) == ""


def test_memory(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text(TX2)
    assert machine.memory(str(tmp_path)) == Memory(7850, 5510, 3925)


def test_no_memory(tmp_path):
    assert machine.memory(str(tmp_path)) is None
    assert machine.meminfo("") is None
    assert machine.meminfo(TX2.replace("MemAvailable", "MemWhatever")) is None
    assert machine.meminfo(TX2.replace("5642288", "5642288" * 9)) is None


def test_memory_of_this_machine():
    here = machine.memory()
    assert here is not None and 0 < here.available_mb <= here.total_mb


@pytest.mark.parametrize(
    "total_mb, expected", [(1971, 2048), (3956, 4096), (7850, 8192), (30991, 30720), (81559, 81920)]
)
def test_memory_class(total_mb, expected):
    assert machine.memory_class(total_mb) == expected


@pytest.mark.parametrize(
    "files, jetson",
    [
        ({}, False),
        ({"etc/nv_tegra_release": RELEASES["35.4.1"]}, True),
        ({"proc/device-tree/compatible": "nvidia,p3768\0nvidia,tegra234\0"}, True),  # a container
        ({"proc/device-tree/compatible": "raspberrypi,4-model-b\0brcm,bcm2711\0"}, False),
    ],
)
def test_a_jetson_is_known_by_its_release_or_its_device_tree(tmp_path, files, jetson):
    assert machine.tegra(boards.lay(tmp_path, files)) is jetson
