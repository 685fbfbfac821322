"""
test_setup_jetson: what the script would do on each JetPack, on boards that are folders.

The files and the output of nvpmodel have the form that NVIDIA describes; none was captured on a
board, and the numbers that do not matter are made up.
"""

import os
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "setup-jetson"

RELEASES = {
    4: "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref, EABI: aarch64, DATE: x",
    5: "# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, EABI: aarch64, DATE: x",
    6: "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: x",
    7: "# R38 (release), REVISION: 2.0, GCID: 41844464, BOARD: generic, EABI: aarch64, DATE: x",
}
PYTHONS = {4: "3.6", 5: "3.8", 6: "3.10", 7: "3.12"}
# The system's interpreter: its version, what it can import, where its OpenCV lies.
PYTHON = """#!/bin/sh
case $2 in
*version_info*) echo {version} ;;
*cv2.__file__*) echo {cv2} ;;
"import "*) case " {modules} " in *" ${{2#import }} "*) ;; *) exit 1 ;; esac ;;
*) exit 1 ;;
esac
"""
JETPACKS_CV2 = "/usr/lib/python3/dist-packages/cv2.so"
MODES = """cat <<'X'
NVPM VERB: PARAM CPU_ONLINE: ARG CORE_0: PATH /sys/devices/system/cpu/cpu0/online
NVPM VERB: POWER_MODEL: ID=0 NAME=15W
NVPM VERB: POWER_MODEL: ID=1 NAME=25W
NVPM VERB: POWER_MODEL: ID=2 NAME=MAXN_SUPER
X
"""


class Board:
    def __init__(self, folder):
        self.root = folder / "root"
        self.bin = folder / "bin"
        self.root.mkdir()
        self.bin.mkdir()
        self.command("dpkg-query", "exit 1")

    def file(self, path, text):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def command(self, name, text):
        place = self.bin / name
        place.write_text("#!/bin/sh\n" + text + "\n")
        place.chmod(0o755)

    def python(self, version, modules="tensorrt cv2", cv2=JETPACKS_CV2):
        text = PYTHON.format(version=version, modules=modules, cv2=cv2)
        self.file("usr/bin/python3", text).chmod(0o755)

    def jetpack(self, number, memory_kb=8000000, swap_kb=0):
        self.file("etc/nv_tegra_release", RELEASES[number] + "\nmore\n")
        self.file("proc/device-tree/model", "NVIDIA Jetson\0")
        self.file("proc/meminfo", f"MemTotal: {memory_kb} kB\nSwapTotal: {swap_kb} kB\n")
        self.file("usr/local/cuda/bin/nvcc", "").chmod(0o755)
        self.python(PYTHONS[number])

    def setup(self, *arguments):
        process = subprocess.run(
            ["bash", str(SCRIPT), "--root", str(self.root), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            cwd=str(self.root.parent),
            env=dict(os.environ, PATH=f"{self.bin}:{os.environ['PATH']}"),
            timeout=60,
        )
        return process.returncode, process.stdout


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path)


def commands(said, *words):
    """Those that were shown and hold all the words, without bash's quoting."""
    shown = [line.replace("\\", "") for line in said.splitlines() if line.startswith("+ ")]
    return [line for line in shown if all(word in line for word in words)]


def in_order(said, *parts):
    places = [said.replace("\\", "").index(part) for part in parts]
    assert places == sorted(places), said


@pytest.mark.parametrize(
    "jetpack, numpy, pycuda, inference",
    [
        (4, "numpy==1.19.4", "pycuda==2022.1", "--no-deps onnxruntime==1.10.0"),
        (5, "numpy<1.24", "pycuda>=2022.2", " onnxruntime"),
        (6, "numpy<2", "pycuda>=2024.1.1", " onnxruntime"),
        (7, "numpy<2", "pycuda>=2025.1.2", " onnxruntime"),
    ],
)
def test_each_jetpack_gets_its_own_packages(board, tmp_path, jetpack, numpy, pycuda, inference):
    board.jetpack(jetpack)
    config = tmp_path / "door.yaml"
    config.write_text("")
    code, said = board.setup(config)
    assert code == 0, said
    assert f"JetPack {jetpack}" in said
    (venv,) = commands(said, "-m venv")
    assert "--system-site-packages /opt/jetwatch" in venv
    assert commands(said, "-m pip install", numpy) and commands(said, "-m pip install", inference)
    (gpu,) = commands(said, pycuda)
    assert "--no-build-isolation" in gpu and "PATH=/usr/local/cuda/bin:" in gpu
    in_order(said, "apt-get install", "-m venv", "pip install", numpy, pycuda, "jetson_proof.py")
    assert commands(said, f"systemd/install --extras none {config}")
    assert "opencv" not in "".join(commands(said, "pip install"))
    assert not commands(said, "nvidia-jetpack", "apt-get")


def test_python_36_gets_the_last_pip_for_it_first(board):
    """That of Ubuntu 18.04 sees no wheel for aarch64, and would compile numpy."""
    board.jetpack(4)
    _, said = board.setup()
    in_order(said, "pip==21.3.1", "setuptools==59.6.0", "numpy==1.19.4")


@pytest.mark.parametrize("modules", ["cv2", "tensorrt", ""])
def test_what_jetpack_left_out_comes_by_apt(board, modules):
    board.jetpack(6)
    board.python("3.10", modules=modules)
    _, said = board.setup()
    assert commands(said, "apt-get install", "nvidia-jetpack")


def test_what_is_there_is_not_asked_of_apt(board):
    board.jetpack(5)
    board.command("dpkg-query", "echo install ok installed")
    code, said = board.setup()
    assert code == 0 and not commands(said, "apt-get")


def test_the_release_is_also_taken_from_the_package(board):
    board.jetpack(5)
    (board.root / "etc" / "nv_tegra_release").unlink()
    board.command("dpkg-query", "echo 36.4.3-20250107174145")
    code, said = board.setup()
    assert code == 0 and "L4T 36.4.3, JetPack 6" in said


@pytest.mark.parametrize("jetpack, python", [(5, "3.8"), (7, "3.12")])
def test_a_wheel_that_hides_jetpacks_opencv_is_refused(board, jetpack, python):
    """PEP 668: on JetPack 7 pip does not touch the system's packages unless it is told so."""
    board.jetpack(jetpack)
    board.python(python, cv2="/usr/local/lib/python{}/dist-packages/cv2.py".format(python))
    code, said = board.setup()
    assert code == 1 and "pip uninstall opencv-python" in said
    assert said.strip().endswith("--break-system-packages") == (jetpack == 7)
    assert not commands(said, "pip install")


@pytest.mark.parametrize(
    "release, words",
    [
        ("", "this is no Jetson"),
        ("# R32 (release), REVISION: 6.1, GCID: 1", "TensorRT before 8.2"),
        ("# R34 (release), REVISION: 1.1, GCID: 1", "preview of JetPack 5"),
        ("# R99 (release), REVISION: 1.0, GCID: 1", "L4T 99.1.0 is not known"),
    ],
)
def test_what_it_cannot_set_up_is_said_in_one_line(board, release, words):
    if release:
        board.file("etc/nv_tegra_release", release + "\n")
    code, said = board.setup()
    assert code == 1 and words in said and len(said.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--swap", "much"], "--swap wants whole gigabytes"),
        (["--swap"], "--swap wants whole gigabytes"),
        (["--nonsense"], "no such option"),
        (["absent.yaml"], "Begin with a copy of configs/camera.yaml"),
    ],
)
def test_a_wrong_flag_is_said_in_one_line(board, arguments, words):
    board.jetpack(4)
    code, said = board.setup(*arguments)
    assert code == 1 and words in said and len(said.splitlines()) == 1


def test_swap_is_advised_where_there_is_little_and_made_when_asked(board):
    board.jetpack(4, memory_kb=4059000, swap_kb=2029000)
    _, said = board.setup()
    assert "Advice: --swap 4" in said and not commands(said, "mkswap")
    _, said = board.setup("--swap", 4)
    in_order(said, "fallocate -l 4G", "chmod 600", "mkswap", "swapon", "none swap sw")
    board.file("proc/swaps", "/var/swapfile file 4194300 0 -2\n")
    _, said = board.setup("--swap", 4)
    assert not commands(said, "fallocate") and commands(said, "none swap sw")
    board.file("etc/fstab", "/var/swapfile none swap sw 0 0\n")
    _, said = board.setup("--swap", 4)
    assert not commands(said, "swap sw")


def test_much_memory_gets_no_advice(board):
    board.jetpack(6, memory_kb=15600000)
    assert "Advice" not in board.setup()[1]


def test_the_power_mode_is_named_and_left_to_its_owner(board):
    """The number of MAXN differs from board to board: 0 on most, 2 on an Orin Nano."""
    board.jetpack(6)
    board.command("nvpmodel", f'[ "$1" = -q ] && echo "NV Power Mode: 15W" || {MODES}')
    _, said = board.setup()
    assert "power modes: 15W 25W MAXN_SUPER (now: 15W)" in said
    assert "sudo nvpmodel -m 2  # MAXN_SUPER" in said
    assert not commands(said, "nvpmodel")
    board.command("nvpmodel", f'[ "$1" = -q ] && echo "NV Power Mode: MAXN_SUPER" || {MODES}')
    assert "for full speed" not in board.setup()[1]


@pytest.mark.parametrize("jetpack, package", [(4, "jetson-stats==4.3.2"), (7, "jetson-stats")])
def test_jetson_stats_comes_only_when_asked_for_and_to_the_system(board, jetpack, package):
    board.jetpack(jetpack)
    assert "jetson-stats" not in board.setup()[1]
    (line,) = commands(board.setup("--jtop")[1], "pip install", "jetson-stats")
    assert line.endswith(package) and "/usr/bin/python3 -m pip" in line
    assert ("--break-system-packages" in line) == (jetpack == 7)


# What is asked of the environment afterwards, of stand-ins for its modules

MODULE = "__version__ = '1'\n__file__ = {file!r}\n"
CV2 = MODULE + "def getBuildInformation(): return '  GStreamer:   {gstreamer} (1.16.3)'\n"
DRIVER = """
class Error(Exception): pass
class Device:
    @staticmethod
    def count(): return 1
def init():
    {init}
"""


def proved(folder, missing="", file="/usr/lib/python3/dist-packages/x", gstreamer="YES", init="0"):
    for name, text in (
        ("numpy", MODULE),
        ("yaml", MODULE),
        ("cv2", CV2),
        ("tensorrt", MODULE),
        ("gi", MODULE + "def require_version(*_): pass\n"),
        ("pycuda/__init__", ""),
        ("pycuda/driver", DRIVER),
    ):
        place = folder / (name + ".py")
        place.parent.mkdir(exist_ok=True)
        if name == missing:
            text = "raise ImportError('it is not there')"
        place.write_text(text.format(file=file, gstreamer=gstreamer, init=init))
    process = subprocess.run(
        [sys.executable, str(SCRIPT.with_name("jetson_proof.py"))],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        env=dict(os.environ, PYTHONPATH=str(folder), PYTHONDONTWRITEBYTECODE="1"),
    )
    return process.returncode, process.stdout


def test_an_environment_with_all_of_jetpack_is_proved(tmp_path):
    assert proved(tmp_path) == (0, "numpy 1, cv2 1, tensorrt 1, 1 GPU\n")


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"missing": "tensorrt"}, "tensorrt: it is not there. Run: sudo apt-get install"),
        ({"missing": "pycuda/driver"}, "pycuda.driver: it is not there. Run: scripts/setup-jetson"),
        ({"file": "/opt/jetwatch/lib/cv2.so"}, "which hides JetPack's. Run: sudo "),
        ({"gstreamer": "NO"}, "OpenCV has no GStreamer. Run: sudo apt-get"),
        ({"init": "raise Error('no device')"}, "the GPU: no device. Does this user belong"),
    ],
)
def test_what_an_environment_lacks_is_said_in_one_line(tmp_path, wrong, words):
    code, said = proved(tmp_path, **wrong)
    assert code == 1 and words in said and len(said.splitlines()) == 1
