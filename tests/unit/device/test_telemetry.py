"""test_telemetry: jetson-stats of three generations and NVML, as stand-ins, and when they fail."""

import logging
import textwrap
import threading
import time

import pytest

from app.core.vitals import Vitals
from app.device import telemetry_nvml
from app.device.telemetry import Telemetry, joined, open_telemetry
from tests import boards
from tests.boards import lay, until

# What each generation's client has, with numbers for one moment; see telemetry_jtop.
OLD = """
class jtop:
    temperature = {"CPU": 41.0, "GPU": 40.5, "PMIC": 100.0, "AO": -256}
    power = ({"cur": 5000, "avg": 4000}, {"5V CPU": {"cur": 1200, "avg": 1000}})
    gpu = {"val": 37, "frq": 921600, "min_freq": 76800, "max_freq": 921600}
    emc = {"val": 4, "frq": 1600000}
    ram = {"use": 1000, "tot": 4000, "unit": "k"}
    swap = {"use": 1, "tot": 2, "unit": "M"}
    nvpmodel = type("NVPModel", (), {"name": "MAXN", "id": 0})()
"""
NEW = """
class Shown:  # as jetson-stats' own: it can be read like a dict and is none
    def __init__(self, told): self._told = told
    def __getitem__(self, key): return self._told[key]
    def items(self): return self._told.items()
    def __repr__(self): return str(self._told)
class jtop:
    temperature = {"cpu": {"temp": 41.0, "online": True}, "gpu": {"temp": 40.5, "online": True},
                   "cv0": {"temp": -256, "online": False}}
    power = {"rail": {"VDD_SOC": {"volt": 5000, "curr": 240, "power": 1200, "avg": 1000}},
             "tot": {"power": 5000, "avg": 4000}}
    gpu = Shown({"ga10b": {"type": "integrated", "status": {"load": 37.0},
                           "freq": {"cur": 921600, "min": 76800, "max": 921600}}})
    memory = Shown({"RAM": {"tot": 4000, "used": 1000}, "SWAP": {"tot": 2048, "used": 1024},
                    "EMC": {"cur": 1600000, "val": 4}})
    nvpmodel = type("NVPModel", (), {"name": "MAXN", "id": 0})()
"""
THOR = (
    NEW.replace("class jtop:", "class jtop:  # 7.x")
    + """
    temperature = {"cpu": {"temp": 41.0}, "gpu": {"temp": 40.5}}
    nvpmodel = Shown("MAXN")
"""
)
CLIENT = """
    def __init__(self, interval=0.5): assert interval == 1.0
    def start(self): pass
    def ok(self, spin=False): return True
    def close(self): pass
"""


@pytest.fixture
def board(tmp_path, monkeypatch):
    """Make a stand-in of a package and a board that has it; returns its root."""

    def made(package, code, files):
        (tmp_path / "packages").mkdir()
        (tmp_path / "packages" / (package + ".py")).write_text(textwrap.dedent(code))
        monkeypatch.syspath_prepend(str(tmp_path / "packages"))
        monkeypatch.delitem(__import__("sys").modules, package, raising=False)
        return lay(tmp_path / "board", files)

    yield made
    for package in ("jtop", "pynvml"):
        __import__("sys").modules.pop(package, None)


@pytest.mark.parametrize("code", [OLD, NEW, THOR], ids=["3.x", "4.x", "7.x"])
def test_jetson_stats_of_each_generation(board, code):
    telemetry = open_telemetry(board("jtop", code + CLIENT, boards.NANO))
    assert until(lambda: telemetry.read().source == "jtop+sysfs")
    now = telemetry.read()
    assert sorted(now.temperatures.values()) == [40.5, 41.0]
    assert now.power["total"] == 5.0 and sorted(now.power.values()) == [1.2, 5.0]
    assert now.gpu_load == 0.37
    assert now.clocks == {"gpu": 921.6e6, "emc": 1600e6, "cpu": 1224e6}
    assert (now.memory_used, now.memory_total) == (1000 << 10, 4000 << 10)
    assert (now.swap_used, now.swap_total) == (1 << 20, 2 << 20)
    assert now.power_mode == "MAXN"
    telemetry.close()
    assert not [one for one in threading.enumerate() if one.name == "telemetry-jtop"]


def test_jetson_stats_that_tells_nothing_leaves_all_to_the_kernel(board):
    telemetry = open_telemetry(board("jtop", "class jtop:" + CLIENT, boards.XAVIER_NX))
    assert until(lambda: telemetry.read().source == "jtop+sysfs")
    now = telemetry.read()
    assert now.gpu_load == 1.0 and now.temperatures["CPU-therm"] == 41.0
    telemetry.close()


FAILURES = [
    ('raise ImportError("no module named smbus2")', "no module named smbus2"),
    (
        "class jtop:\n    def __init__(self, interval): pass\n    def start(self):\n"
        '        raise RuntimeError("Mismatch version jtop service: [4.2.7] and client: [4.3.2]. '
        'Please run:\\n\\nsudo systemctl restart jtop.service")\n    def close(self): pass',
        "[4.3.2]. Please run: sudo systemctl restart jtop.service",
    ),
    ("class jtop:" + CLIENT.replace("return True", "return False"), "the jtop service has gone"),
    ("class jtop:" + CLIENT.replace("return True", "raise SystemError(4)"), "4"),
    ("pass", "has no attribute 'jtop'"),
]


@pytest.mark.parametrize("code, told", FAILURES)
def test_jetson_stats_that_fails_is_one_line_and_the_kernel_goes_on(board, caplog, code, told):
    telemetry = open_telemetry(board("jtop", code, boards.NANO))
    assert until(lambda: any("no telemetry by jtop" in line for line in caplog.messages))
    for _ in range(3):
        now = telemetry.read()
    assert now.source == "sysfs" and now.gpu_load == 0.423
    lines = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert len(lines) == 1 and told in lines[0] and "\n" not in lines[0]
    telemetry.close()


def test_a_daemon_that_hangs_never_blocks(board, caplog):
    code = "import time\nclass jtop:" + CLIENT.replace("self): pass", "self): time.sleep(3)", 1)
    root = board("jtop", code, boards.NANO)
    began = time.monotonic()
    telemetry = open_telemetry(root)
    now = telemetry.read()
    assert now.source == "sysfs" and now.power["total"] == 1.75
    assert time.monotonic() - began < 1
    telemetry.close()
    assert time.monotonic() - began < 2.5


def test_jetson_stats_is_not_asked_on_a_pc_nor_nvml_on_a_jetson(board):
    root = board("jtop", "class jtop:" + CLIENT, boards.PC)
    lay(root + "/../packages", {"pynvml.py": "raise SystemError"})
    telemetry = open_telemetry(root)
    assert not until(lambda: telemetry.read().source != "sysfs", 0.3)
    telemetry.close()


class Broken:
    name = "broken"
    closed = 0

    def read(self):
        raise ValueError("not\nyet")

    def close(self):
        self.closed += 1
        raise ValueError


def test_no_error_leaves_a_reading(caplog):
    broken = Broken()
    telemetry = Telemetry([broken])
    assert telemetry.read() == telemetry.read() == Vitals()
    assert caplog.messages == ["telemetry by broken fails: not yet"]
    telemetry.close()
    assert broken.closed == 1


# NVML

NVML = """
class NVMLError(Exception): pass
class _Told:
    def __init__(self, **values): self.__dict__.update(values)
def nvmlInit(): pass
def nvmlShutdown(): pass
def nvmlDeviceGetHandleByIndex(index): return "card"
def nvmlDeviceGetMemoryInfo(card): return _Told(used=2 << 30, total=80 << 30, free=78 << 30)
def nvmlDeviceGetTemperature(card, sensor): return 55
def nvmlDeviceGetUtilizationRates(card): return _Told(gpu=90, memory=3)
def nvmlDeviceGetPowerUsage(card): raise NVMLError("Not Supported")
def nvmlDeviceGetClockInfo(card, kind): return 1980
def nvmlDeviceGetCurrentClocksThrottleReasons(card): return 0x28
"""


def test_a_graphics_card(board):
    telemetry = open_telemetry(board("pynvml", NVML, boards.PC))
    assert until(lambda: telemetry.read().source == "nvml+sysfs")
    now = telemetry.read()
    assert now.temperatures["gpu"] == 55.0 and now.temperatures["acpitz"] == 27.8
    assert (now.gpu_memory_used, now.gpu_memory_total) == (2 << 30, 80 << 30)
    assert now.gpu_load == 0.9 and now.power == {}
    assert now.clocks == {"gpu": 1980e6, "cpu": 3400e6}
    assert "the GPU is slowed by heat (the driver: SwThermal)" in now.throttled
    telemetry.close()


def test_a_machine_without_a_driver_is_one_line(board, caplog):
    code = NVML + 'def nvmlInit(): raise NVMLError("Driver Not Loaded")\n'
    telemetry = open_telemetry(board("pynvml", code, boards.PC))
    assert until(lambda: "no telemetry by nvml: Driver Not Loaded" in caplog.messages)
    assert telemetry.read().source == "sysfs"
    telemetry.close()


@pytest.mark.parametrize("bits, held", [(0x02, True), (0x42, True), (0x01, None), (0, None)])
def test_clocks_that_somebody_has_set(board, bits, held):
    board("pynvml", NVML.replace("return 0x28", f"return {bits}"), boards.PC)
    assert telemetry_nvml.held() is held


@pytest.mark.parametrize("told", ['"535.54.03"', 'b"535.54.03"'])
def test_the_drivers_release(board, told):
    board("pynvml", NVML + f"def nvmlSystemGetDriverVersion(): return {told}\n", boards.PC)
    assert telemetry_nvml.driver() == "535.54.03"


def test_nothing_is_known_without_a_driver(board):
    board("pynvml", NVML + 'def nvmlInit(): raise NVMLError("Driver Not Loaded")\n', boards.PC)
    assert telemetry_nvml.held() is None and telemetry_nvml.driver() == ""


@pytest.mark.parametrize(
    "bits, words",
    [
        (0, []),
        (0x01 | 0x02 | 0x10 | 0x100, []),  # idle, or as somebody has set it
        (0x04, ["power limit (the driver: SwPowerCap)"]),
        (0x20, ["by heat (the driver: SwThermal)"]),
        (0x68, ["by heat (the driver: SwThermal, HwThermal)"]),
        (0x88, ["power supply (the driver: HwPowerBrake)"]),
        (0x08, ["by its hardware, for heat or power (the driver: HwSlowdown)"]),
    ],
)
def test_nvml_reasons_as_sentences(bits, words):
    told = telemetry_nvml.slowed(bits)
    assert len(told) == len(words)
    assert all(word in line for word, line in zip(words, told))


def test_the_first_that_tells_counts_and_zero_is_told():
    first = Vitals("jtop", gpu_load=0.0, throttled=("a",), clocks={"gpu": 1.0})
    second = Vitals(
        "sysfs", gpu_load=0.5, swap_total=3, throttled=("b",), clocks={"gpu": 2, "x": 3}
    )
    now = joined([first, second])
    assert now.gpu_load == 0.0 and now.swap_total == 3 and now.source == "jtop+sysfs"
    assert now.clocks == {"gpu": 1.0, "x": 3} and now.throttled == ("a", "b")
    assert joined([]) == Vitals()
