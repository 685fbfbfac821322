"""test_telemetry_sysfs: what copies of boards' /proc and /sys tell."""

import os
import time

import pytest

from app.core.vitals import Vitals
from app.device import telemetry_mode
from app.device.telemetry import open_telemetry
from app.device.telemetry_mode import PowerMode, named
from app.device.telemetry_sysfs import SysfsSource
from tests import boards
from tests.boards import lay


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def read(root, files):
    source = SysfsSource(lay(root, files), Clock())
    try:
        return source.read()
    finally:
        source.close()


def test_an_empty_root_tells_nothing(tmp_path):
    telemetry = open_telemetry(str(tmp_path))
    assert telemetry.read() == Vitals(source="sysfs")
    assert telemetry.read().hottest is None
    telemetry.close()
    assert telemetry.read() == Vitals()


def test_a_nano(tmp_path):
    now = read(tmp_path, boards.NANO)
    assert now.temperatures == {
        "AO-therm": 45.0, "CPU-therm": 40.0, "GPU-therm": 40.5, "PLL-therm": 37.0,
        "thermal-fan-est": 40.0,
    }  # fmt: skip
    assert now.hottest == 45.0  # and not the PMIC's constant
    assert now.power == {"POM_5V_IN": 1.75, "POM_5V_GPU": 0.0, "POM_5V_CPU": 0.366, "total": 1.75}
    assert now.gpu_load == 0.423
    assert now.clocks == {"gpu": 921.6e6, "cpu": 1224e6}
    assert (now.memory_used, now.memory_total) == (2064 << 20, 3964 << 20)
    assert (now.swap_used, now.swap_total) == (191 << 20, 1982 << 20)
    assert now.throttled == () and now.power_mode is None and now.cpu_load is None
    assert now.gpu_memory_used is None and now.source == "sysfs"


def test_a_xavier_nx(tmp_path):
    now = read(tmp_path, boards.XAVIER_NX)
    assert now.temperatures == {"CPU-therm": 41.0, "GPU-therm": 40.0, "AUX-therm": 39.5}
    assert now.power["total"] == now.power["VDD_IN"] == pytest.approx(9.25, abs=0.01)
    assert set(now.power) == {"VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC", "total"}
    assert now.gpu_load == 1.0
    assert now.clocks == {"gpu": 1109.25e6, "cpu": 1907.2e6, "emc": 1600e6}
    told = "the GPU is slowed by heat (cooling device thermal-devfreq-0 at 3 of 9)"
    assert now.throttled == (told,)


def test_an_orin_nano(tmp_path):
    now = read(tmp_path, boards.ORIN_NANO)
    assert now.hottest == 52.1 and "cv0-thermal" not in now.temperatures
    assert "cv2-thermal" not in now.temperatures and len(now.temperatures) == 6
    assert now.gpu_load == 0.734 and now.clocks["gpu"] == 1020e6
    assert now.power["total"] == pytest.approx(6.086, abs=0.001)
    assert now.throttled == ()  # what was counted before we looked says nothing of now


def test_a_thor(tmp_path):
    now = read(tmp_path, boards.THOR)
    assert "gpu-thermal" not in now.temperatures and now.hottest == 55.1
    assert now.power["total"] == now.power["VIN"] == 23.1 and "VDD_GPU" not in now.power
    assert now.gpu_load is None
    assert now.clocks == {"gpu": 1575e6, "cpu": 2601e6, "emc": 4266e6}
    told = "the GPU is slowed by heat (cooling device gpu-throttle-alert at 1 of 2)"
    assert now.throttled == (told,)
    assert now.swap_total == 0


def test_a_pc(tmp_path):
    now = read(tmp_path, boards.PC)
    assert now.temperatures == {"acpitz": 27.8, "acpitz 2": 29.8, "coretemp Package id 0": 48.0}
    assert now.power == {} and now.gpu_load is None and now.throttled == ()
    assert now.clocks == {"cpu": 3400e6}


@pytest.mark.parametrize("text", ["", "x\n", "-256000\n", "151000\n", "\xff", "12.5\n", None])
def test_nonsense_is_absent(tmp_path, text):
    files = boards.zones(cpu_thermal=text)
    files.update({"sys/devices/gpu.0/load": "1001\n" if text else text, "proc/stat": text})
    files.update({"proc/meminfo": text, "sys/class/devfreq/gpu-gpc-0/cur_freq": text})
    now = read(tmp_path, files)
    wrong = now.gpu_load, now.cpu_load, now.memory_total, now.temperatures
    assert wrong == (None, None, None, {})


def test_the_load_of_the_cpu_is_of_the_time_between_two_readings(tmp_path):
    source = SysfsSource(lay(tmp_path, boards.NANO), Clock())
    assert source.read().cpu_load is None
    lay(tmp_path, {"proc/stat": "cpu  130 0 120 740 110 0 0 0 0 0\n"})
    assert source.read().cpu_load == 0.5
    assert source.read().cpu_load is None  # no time went by


def test_over_current_is_told_for_a_minute(tmp_path):
    clock = Clock()
    source = SysfsSource(lay(tmp_path, boards.ORIN_NANO), clock)
    assert source.read().throttled == ()
    lay(tmp_path, boards.over_current(3, 1, 15, 40))
    told = source.read().throttled
    assert told == (
        "over-current: the supply's voltage fell too low, once of late (oc1_event_cnt)",
        "over-current: the supply gave too much at once, 3 times of late (oc3_event_cnt)",
    )
    clock.now += 59
    assert source.read().throttled == told
    clock.now += 2
    assert source.read().throttled == ()


def test_a_rail_above_its_limit_is_told(tmp_path):
    files = dict(boards.ORIN_NANO, **{"sys/class/hwmon/hwmon1/curr1_crit_alarm": "1\n"})
    told = "over-current: VDD_IN draws more than its limit (curr1_crit_alarm)"
    assert read(tmp_path, files).throttled == (told,)


def test_a_cpu_that_slows_itself_is_told(tmp_path):
    source = SysfsSource(lay(tmp_path, boards.PC), Clock())
    assert source.read().throttled == ()
    count = "sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count"
    lay(tmp_path, {count: "9\n"})
    assert source.read().throttled == ("the CPU slowed itself for heat, 2 times of late",)


def test_a_capped_clock_is_told_unless_heat_already_is(tmp_path):
    files = boards.merged(boards.NANO, boards.cores([0], 918000, 918000, 1479000))
    told = "the CPU may run at 0.92 of 1.48 GHz (by heat or a setting)"
    assert read(tmp_path, files).throttled == (told,)
    hot = boards.merged(files, boards.cooling(("pwm-fan", 6, 6), ("cpu-balanced", 2, 7)))
    told = "the CPU is slowed by heat (cooling device cpu-balanced at 2 of 7)"
    assert read(tmp_path, hot).throttled == (told,)


def test_the_strongest_cooling_device_stands_for_all_of_a_kind(tmp_path):
    devices = [("Processor", 1, 10), ("Processor", 4, 10), ("tegra-heavy", 1, 1)]
    assert read(tmp_path, boards.cooling(*devices)).throttled == (
        "the CPU is slowed by heat (cooling device Processor at 4 of 10)",
        "the board is slowed by heat (cooling device tegra-heavy at 1 of 1)",
    )


def test_new_files_are_found_within_a_minute(tmp_path):
    clock = Clock()
    source = SysfsSource(lay(tmp_path, boards.proc(100, 50)), clock)
    assert source.read().temperatures == {}
    lay(tmp_path, boards.zones(cpu_thermal="40000\n"))
    assert source.read().temperatures == {}
    clock.now += 60
    assert source.read().temperatures == {"cpu-thermal": 40.0}


# The power mode

SAID = [
    ("NV Fan Mode:quiet\nNV Power Mode: MAXN\n0\n", "MAXN"),  # JetPack 4
    ("NV Power Mode: MODE_15W_6CORE\n2\n", "MODE_15W_6CORE"),  # 5 on
    ("NVPM WARN: fan mode is not set!\nNV Power Mode: 10W\n1\n", "10W"),
    ("NVPM VERB: Current mode: NV Power Mode: 30W\n2\nNVPM VERB: PARAM", "30W"),
    ("NVPM ERROR: Error opening /var/lib/nvpmodel/status: 13\n", None),
    ("", None),
]


@pytest.mark.parametrize("text, mode", SAID)
def test_what_nvpmodel_says(text, mode):
    assert named(text) == mode


def until(ready):
    for _ in range(200):
        if ready():
            return True
        time.sleep(0.02)
    return False


def test_the_mode_is_asked_once_a_minute_and_never_waited_for(tmp_path):
    asked = tmp_path / "asked"
    boards.program(
        tmp_path, "nvpmodel", 'echo "$1" >> {}\necho "NV Power Mode: 10W"\n'.format(asked)
    )
    clock = Clock()
    mode = PowerMode(str(tmp_path), clock)
    assert mode.read() is None
    assert until(lambda: mode.read() == "10W")
    for _ in range(5):
        mode.read()
    assert asked.read_text() == "-q\n"
    boards.program(tmp_path, "nvpmodel", 'echo "NV Power Mode: MAXN"\n')
    clock.now += 60
    assert mode.read() == "10W"
    assert until(lambda: mode.read() == "MAXN")
    mode.close()


def test_the_mode_may_be_waited_for(tmp_path):
    assert telemetry_mode.ask(str(tmp_path)) == ""
    boards.program(tmp_path, "nvpmodel", 'echo "NV Power Mode: MAXN"\necho 0\n')
    assert telemetry_mode.ask(str(tmp_path)) == "MAXN"
    boards.program(tmp_path, "nvpmodel", "exit 1\n")
    assert telemetry_mode.ask(str(tmp_path)) == ""


def test_an_nvpmodel_that_hangs_is_killed(tmp_path):
    boards.program(tmp_path, "nvpmodel", "echo $$ > {}/pid\nexec sleep 60\n".format(tmp_path))
    clock = Clock()
    mode = PowerMode(str(tmp_path), clock)
    assert mode.read() is None
    pid = tmp_path / "pid"
    assert until(lambda: pid.exists() and pid.read_text().strip())
    began = time.monotonic()
    clock.now += 6
    assert mode.read() is None
    assert time.monotonic() - began < 1
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_an_nvpmodel_that_cannot_be_begun_now_is_asked_again_later(tmp_path):
    """One failed fork, for want of memory or of files, ended it for ever."""
    boards.program(tmp_path, "nvpmodel", 'echo "NV Power Mode: 10W"\n')
    place = tmp_path / "usr/sbin/nvpmodel"
    good = place.read_text()
    place.write_text("no program: Exec format error\n")
    clock = Clock()
    mode = PowerMode(str(tmp_path), clock)
    assert mode.read() is None
    place.write_text(good)
    assert mode.read() is None
    clock.now += 60
    assert until(lambda: mode.read() == "10W")
    place.unlink()
    clock.now += 60
    mode.read()
    assert mode.read() is None


def test_a_mode_that_was_chosen_is_no_throttling_though_it_caps_the_clock(tmp_path):
    """Health would be "degraded" for ever, of a machine that does as it is told."""
    files = boards.merged(boards.NANO, boards.cores([0], 918000, 918000, 1479000))
    boards.program(tmp_path, "nvpmodel", 'echo "NV Power Mode: 5W"\n')
    source = SysfsSource(lay(tmp_path, files))
    assert until(lambda: source.read().power_mode == "5W")
    assert source.read().throttled == ()
    source.close()
