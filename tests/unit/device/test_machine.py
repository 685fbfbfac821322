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


JETPACKS = [
    ("32.7.1", "", "4.6.1"),
    ("35.4.1", "", "5.1.2"),
    ("36.4.0", "", "6.1"),
    ("36.4.7", "", ""),  # nobody has said
    ("36.4.7", "6.2.1+b38", "6.2.1"),
    ("35.6.2", "5.1.5-b12", "5.1.5"),
]


@pytest.mark.parametrize("release, package, expected", JETPACKS)
def test_jetpack(tmp_path, release, package, expected):
    files = boards.board(release, "nvidia,tegra234")
    if package:
        files["var/lib/dpkg/status"] = (
            "Package: nvidia-jetpack-dev\nStatus: install ok installed\nVersion: 9.9\n\n"
            f"Package: nvidia-jetpack\nStatus: install ok installed\nVersion: {package}\n\n"
        )
    assert machine.jetpack(boards.lay(tmp_path, files)) == expected


def test_a_package_that_was_removed_is_none(tmp_path):
    text = "Package: nvidia-jetpack\nStatus: deinstall ok config-files\nVersion: 6.2\n"
    assert machine.jetpack(boards.lay(tmp_path, {"var/lib/dpkg/status": text})) == ""


@pytest.mark.parametrize(
    "text, expected",
    [
        ("model name\t: ARMv8 Processor rev 1 (v8l)\nBogoMIPS\t: 38.40\n", "ARMv8 Processor rev 1"),
        ("processor\t: 0\nmodel name\t: Intel(R)  Core(TM) i7\nflags\t: fpu\n", "Intel(R) Core"),
        ("processor: 0\nHardware\t: Jetson-TX2\n", "Jetson-TX2"),
        ("", ""),
    ],
)
def test_cpu(tmp_path, text, expected):
    told = machine.cpu(boards.lay(tmp_path, {"proc/cpuinfo": text}))
    assert told.startswith(expected) and bool(told) == bool(expected)


@pytest.mark.parametrize(
    "line, release",
    [
        ("NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6 22:20:39 UTC 2023", "535.54.03"),
        (
            "NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build  (buildbrain@x)",
            "540.4.0",
        ),
        ("something else", ""),
    ],
)
def test_driver(tmp_path, line, release):
    text = f"NVRM version: {line}\nGCC version:  gcc version 11.3.0\n"
    root = boards.lay(tmp_path, {"proc/driver/nvidia/version": text})
    assert machine.driver(root) == release


def test_names(tmp_path):
    files = {
        "proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\0",
        "etc/os-release": 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 18.04.6 LTS"\nID=ubuntu\n',
        "proc/sys/kernel/osrelease": "4.9.253-tegra\n",
    }
    root = boards.lay(tmp_path, files)
    assert machine.model(root) == "NVIDIA Jetson Nano Developer Kit"
    assert (machine.system(root), machine.kernel(root)) == ("Ubuntu 18.04.6 LTS", "4.9.253-tegra")
    empty = boards.lay(tmp_path / "empty", {"etc/os-release": "NAME=x\n"})
    asked = (machine.model, machine.cpu, machine.system, machine.kernel, machine.driver)
    assert [ask(empty) for ask in asked] == [""] * 5 and machine.jetpack(empty) == ""
