"""
boards: copies of /proc and /sys as boards have them, as path -> text, and how they are laid out.

Each says where its names come from; the numbers are made up. None was taken from a board by us.
"""

import os
import time

STAT = "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 100 0 100 700 100 0 0 0 0 0\n"


def lay(root, files):
    """Write the files under a folder; text that is None makes a file that cannot be read."""
    for path, text in files.items():
        place = os.path.join(str(root), path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if text is None:
            os.makedirs(place, exist_ok=True)  # reading a folder fails, for root as well
        else:
            with open(place, "w") as file:
                file.write(text)
    return str(root)


def program(root, name, script):
    """A program under usr/sbin of a board."""
    path = os.path.join(lay(root, {"usr/sbin/" + name: "#!/bin/sh\n" + script}), "usr/sbin", name)
    os.chmod(path, 0o755)
    return path


def zones(**named):
    """Thermal zones in order; ``_`` stands for - in their names."""
    files = {}
    for number, (name, text) in enumerate(named.items()):
        folder = "sys/class/thermal/thermal_zone{}/".format(number)
        files[folder + "type"] = name.replace("_", "-") + "\n"
        files[folder + "temp"] = text
    return files


def cooling(*devices):
    """Cooling devices: (type, state, most)."""
    files = {}
    for number, (kind, state, most) in enumerate(devices):
        folder = "sys/class/thermal/cooling_device{}/".format(number)
        files[folder + "type"] = kind + "\n"
        files[folder + "cur_state"] = "{}\n".format(state)
        files[folder + "max_state"] = "{}\n".format(most)
    return files


def ina3221(number, *rails):
    """An INA3221 as hwmon shows it: (label, mV, mA), with the channels that are no rails."""
    folder = "sys/class/hwmon/hwmon{}/".format(number)
    files = {folder + "name": "ina3221\n", folder + "in7_label": "sum of shunt voltages\n"}
    for channel, (label, millivolts, milliamperes) in enumerate(rails, 1):
        files[folder + "in{}_label".format(channel)] = label + "\n"
        files[folder + "in{}_input".format(channel)] = "{}\n".format(millivolts)
        files[folder + "curr{}_input".format(channel)] = "{}\n".format(milliamperes)
        files[folder + "curr{}_crit_alarm".format(channel)] = "0\n"
        files[folder + "in{}_input".format(channel + 3)] = "9\n"
    return files


def over_current(number, *counts):
    """The soctherm_oc of hwmon, from JetPack 5 on."""
    folder = "sys/class/hwmon/hwmon{}/".format(number)
    files = {folder + "name": "soctherm_oc\n"}
    for event, count in enumerate(counts, 1):
        files[folder + "oc{}_event_cnt".format(event)] = "{}\n".format(count)
    return files


def cores(policies, now, cap, most):
    """cpufreq's policies, in kHz."""
    files = {}
    for policy in policies:
        folder = "sys/devices/system/cpu/cpufreq/policy{}/".format(policy)
        files[folder + "scaling_cur_freq"] = "{}\n".format(now)
        files[folder + "scaling_max_freq"] = "{}\n".format(cap)
        files[folder + "cpuinfo_max_freq"] = "{}\n".format(most)
    return files


def proc(total_mb, available_mb, swap_mb=0, swap_free_mb=0):
    return {
        "proc/stat": STAT,
        "proc/meminfo": (
            "MemTotal: {:15} kB\nMemFree: 1000 kB\nMemAvailable: {:11} kB\n"
            "SwapTotal: {:14} kB\nSwapFree: {:15} kB\n"
        ).format(total_mb << 10, available_mb << 10, swap_mb << 10, swap_free_mb << 10),
    }


def board(release, compatible):
    return {
        "etc/nv_tegra_release": "# R{} (release), REVISION: {}, GCID: 1, BOARD: x\n".format(
            *release.split(".", 1)
        ),
        "proc/device-tree/compatible": compatible + "\0",
    }


def merged(*parts):
    files = {}
    for part in parts:
        files.update(part)
    return files


# Zones and rails: a tegrastats line of a Nano in public repositories ("PLL@37C CPU@40C PMIC@50C
# GPU@40C AO@45C thermal@40C POM_5V_IN POM_5V_GPU POM_5V_CPU") and NVIDIA's guide to the Nano, L4T
# 32.7; ina3221x: jetson_stats#131; 57000000.gpu: scripts for the Nano in public repositories.
NANO = merged(
    board("32.7.1", "nvidia,p3449-0000-b00\0nvidia,tegra210"),
    zones(
        AO_therm="45000\n", CPU_therm="40000\n", GPU_therm="40500\n", PLL_therm="37000\n",
        PMIC_Die="50000\n", thermal_fan_est="40000\n",
    ),
    {
        "sys/devices/57000000.gpu/load": "423\n",
        "sys/class/devfreq/57000000.gpu/cur_freq": "921600000\n",
        "sys/kernel/debug/tegra_bwmgr/emc_rate": None,  # root's alone
    },
    {
        "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/" + name: text
        for name, text in {
            "rail_name_0": "POM_5V_IN\n", "in_power0_input": "1750\n",
            "rail_name_1": "POM_5V_GPU\n", "in_power1_input": "0\n",
            "rail_name_2": "POM_5V_CPU\n", "in_power2_input": "366\n",
        }.items()
    },
    cooling(("pwm-fan", 2, 6), ("cpu-balanced", 0, 7), ("gpu-balanced", 0, 7)),
    cores([0], 1224000, 1479000, 1479000),
    proc(3964, 1900, 1982, 1791),
)  # fmt: skip

# Zones: NVIDIA's guide to Xavier, L4T 35; 17000000.gv11b: scripts for the Xavier NX in public
# repositories; rails of the NX: jetson-stats' documents ("Output VDD_IN").
XAVIER_NX = merged(
    board("35.4.1", "nvidia,p3668-0000\0nvidia,tegra194"),
    zones(
        CPU_therm="41000\n", GPU_therm="40000\n", AUX_therm="39500\n", AO_therm="-256000\n",
        PMIC_Die="100000\n",
    ),
    {
        "sys/devices/gpu.0/load": "1000\n",
        "sys/class/devfreq/17000000.gv11b/cur_freq": "1109250000\n",
        "sys/kernel/debug/bpmp/debug/clk/emc/rate": "1600000000\n",
    },
    ina3221(2, ("VDD_IN", 4984, 1856), ("VDD_CPU_GPU_CV", 4984, 400), ("VDD_SOC", 4976, 300)),
    cooling(("pwm-fan", 1, 9), ("thermal-devfreq-0", 3, 9), ("thermal-cpufreq-0", 0, 24)),
    cores([0, 2, 4], 1907200, 1907200, 1907200),
    proc(6854, 3000, 3427, 3427),
)  # fmt: skip

# Zones: the kernel's tegra234-bpmp-thermal.h and tegrastats lines in public repositories; rails:
# the kernel's tegra234-p3767.dtsi; soctherm_oc: NVIDIA's guide to Orin and its driver; 17000000.gpu
# below bus@0: jetson_stats' issues on JetPack 6. cv*-thermal answer EAGAIN while off.
ORIN_NANO = merged(
    board("36.4.4", "nvidia,p3768-0000+p3767-0005-super\0nvidia,p3767-0005\0nvidia,tegra234"),
    zones(
        cpu_thermal="52100\n", gpu_thermal="51000\n", cv0_thermal=None, cv1_thermal=None,
        cv2_thermal="", soc0_thermal="50000\n", soc1_thermal="50100\n", soc2_thermal="50200\n",
        tj_thermal="52100\n",
    ),
    {
        "sys/devices/platform/bus@0/17000000.gpu/load": "734\n",
        "sys/class/devfreq/17000000.gpu/cur_freq": "1020000000\n",
    },
    ina3221(1, ("VDD_IN", 5072, 1200), ("VDD_CPU_GPU_CV", 5072, 300), ("VDD_SOC", 5072, 250)),
    over_current(3, 0, 15, 37),
    cooling(("pwm-fan", 1, 3), ("cpu-throttle-alert", 0, 2), ("gpu-throttle-alert", 0, 2)),
    cores([0, 4], 729600, 1728000, 1728000),
    proc(7620, 5000, 3810, 3810),
)  # fmt: skip

# Zones, cooling devices, rails, gpu-gpc-0 and bwmgr: tools for Thor in public repositories, which
# also tell that gpu-thermal cannot be read while the GPU rests, and that an idle VDD_GPU may read
# below zero; INA238: jetson_stats#900.
THOR = merged(
    board("38.2.1", "nvidia,p3971-0089+p3834-0008\0nvidia,tegra264"),
    zones(
        cpu_thermal="53700\n", gpu_thermal=None, soc012_thermal="55100\n", soc345_thermal="53700\n",
        tj_thermal="55100\n",
    ),
    {
        "sys/class/devfreq/gpu-gpc-0/cur_freq": "1575000000\n",
        "sys/class/devfreq/gpu-nvd-0/cur_freq": "600000000\n",
        "sys/class/devfreq/bwmgr/cur_freq": "4266000000\n",
        "sys/class/hwmon/hwmon2/name": "ina238\n",
        "sys/class/hwmon/hwmon2/power1_input": "23100000\n",
    },
    ina3221(
        1, ("VDD_GPU", 11900, -33), ("VDD_CPU_SOC_MSS", 11900, 547), ("VIN_SYS_5V0", 4990, 1307)
    ),
    over_current(5, 0, 0, 179),
    cooling(
        ("cpufreq-cpu0", 0, 48), ("pwm-fan", 1, 4), ("gpu-throttle-alert", 1, 2),
        ("devfreq-gpu-gpc-0", 18, 169),
    ),
    cores([0, 6], 2601000, 2601000, 2601000),
    proc(125771, 100000),
)  # fmt: skip

# The kernel's documents on thermal, coretemp and cpufreq.
PC = merged(
    zones(acpitz="27800\n", x86_pkg_temp="151000\n"),
    {
        "sys/class/thermal/thermal_zone2/type": "acpitz\n",
        "sys/class/thermal/thermal_zone2/temp": "29800\n",
        "sys/class/hwmon/hwmon4/name": "coretemp\n",
        "sys/class/hwmon/hwmon4/temp1_input": "48000\n",
        "sys/class/hwmon/hwmon4/temp1_label": "Package id 0\n",
        "sys/class/hwmon/hwmon5/name": "nvme\n",
        "sys/class/hwmon/hwmon5/temp1_input": "38000\n",
        "sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count": "7\n",
    },
    cooling(
        ("Processor", 0, 3), ("intel_powerclamp", -1, 50), ("TCC Offset", 63, 63), ("Fan", 1, 1)
    ),
    cores([0, 1], 3400000, 4200000, 4200000),
    proc(15900, 9000, 2048, 2048),
)  # fmt: skip


def until(ready, seconds=5.0):
    """Whether something that is read in a thread of its own comes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return True
        time.sleep(0.01)
    return False
