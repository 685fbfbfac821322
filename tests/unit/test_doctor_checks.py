"""test_doctor_checks: each check on machines that are well, ill, or cannot say."""

import json

import pytest

from app import doctor, doctor_config, doctor_jetson, doctor_python, doctor_system
from app.checkup import FAIL, OK, SKIP, WARN, Interpreter, Ran
from tests import boards
from tests.ill_jetsons import JETSON, on
from tests.patient import Patient

NANO = boards.NANO
MISSING = Ran(1, "", "Traceback\nModuleNotFoundError: No module named 'tensorrt'\n")


OPT = Interpreter("/opt/jetwatch/bin/python", "/opt/jetwatch", "sudo ")
VENV = Interpreter("'/my work/.venv/bin/python'", "/my work/.venv")
THOR = dict(boards.THOR, **{"usr/lib/python3.12/EXTERNALLY-MANAGED": ""})
DIST = "usr/lib/python3.6/dist-packages/"


def cv2(gstreamer=True, nms=True, file="/x/cv2.so"):
    told = {"version": "4.5.4", "file": file, "gstreamer": gstreamer, "nms": nms}
    return json.dumps(told)


# (check, what the machine is, verdict, a part of what was found, a part of what mends it)
PYTHON = [
    ("numpy", on(python={"numpy": "1.21.6\n"}), OK, "numpy 1.21.6", ""),
    ("numpy", on(python={"numpy": Ran(-4, "")}), FAIL, "Illegal", "OPENBLAS_CORETYPE=ARMV8"),
    ("numpy", on(python={"numpy": "1.19.5"}, arch="aarch64"), WARN, "may die", "CORETYPE=ARMV8"),
    ("numpy", on(python={"numpy": "1.19.5"}), OK, "1.19.5", ""),
    (
        "numpy",
        on(python={"numpy": "1.19.5"}, arch="aarch64", environ={"OPENBLAS_CORETYPE": "ARMV8"}),
        OK, "1.19.5", "",
    ),
    ("numpy", {}, FAIL, "No module named", "python3 -m pip install numpy"),
    (
        "numpy", on(interpreter=OPT),
        FAIL, "No module", "sudo /opt/jetwatch/bin/python -m pip install numpy",
    ),
    (
        "numpy", on(interpreter=Interpreter("/usr/bin/python3", "", "sudo ", True)),
        FAIL, "No module", "sudo /usr/bin/python3 -m pip install numpy --break-system-packages",
    ),
    ("pyyaml", on(python={"yaml": "6.0.1\n"}), OK, "PyYAML 6.0.1", ""),
    ("pyyaml", on(), FAIL, "does not load", "pip install PyYAML"),
    ("opencv", on(python={"cv2": cv2()}), OK, "OpenCV 4.5.4 (/x/cv2.so)", ""),
    ("opencv", on(python={"cv2": cv2(nms=False)}), FAIL, "module dnn", "headless"),
    ("opencv", on(files=NANO), FAIL, "does not load", "--reinstall libopencv-python"),
    (
        "opencv",
        on(files=NANO, python={"cv2": json.dumps({
            "version": "3.2.0", "file": "/usr/lib/python3/dist-packages/cv2.so", "nms": False})}),
        FAIL, "module dnn", "remove python3-opencv && sudo apt-get install --reinstall libopencv-p",
    ),
    (
        "opencv",
        on(files=dict(NANO, **{DIST + "cv2/__init__.py": ""}),
           interpreter=OPT),
        FAIL, "No module named", "sudo rm -r /opt/jetwatch && sudo scripts/setup-jetson",
    ),
    ("opencv of jetpack", on(python={"cv2": cv2(False)}), SKIP, "not a Jetson", ""),
    ("opencv of jetpack", on(files=NANO, python={"cv2": cv2()}), OK, "has GStreamer", ""),
    ("opencv of jetpack", on(files=NANO, python={"cv2": cv2(False)}), WARN, "hides", "uninstall"),
    (
        "opencv of jetpack",
        on(files=NANO, python={"cv2": cv2(False)}, interpreter=OPT),
        WARN, "/x/cv2.so", "sudo /opt/jetwatch/bin/python -m pip uninstall opencv-python ",
    ),
    (
        "opencv of jetpack",
        on(files=THOR, python={"cv2": cv2(False, file="/usr/local/lib/cv2.so")}, interpreter=OPT),
        WARN, "/usr/local/lib/cv2.so",
        "sudo /usr/bin/python3 -m pip uninstall opencv-python opencv-python-headless "
        "opencv-contrib-python --break-system-packages, then: sudo apt-get install --reinstall lib",
    ),
    ("opencv of jetpack", on(files=NANO), SKIP, "does not load", ""),
    ("static tls", on(python={"confstr": "2.27"}), SKIP, "glibc 2.27 on x86_64", ""),
    ("static tls", on(python={"confstr": "2.35"}, arch="aarch64"), SKIP, "nothing to fear", ""),
    (
        "static tls",
        on(python={"confstr": "2.27", "cv2": Ran(0, "")}, arch="aarch64"),
        OK, "in any order", "",
    ),
    (
        "static tls",
        on(python={"confstr": "2.27", '"cv2 numpy': "", "cv2": Ran(1, "")}, arch="aarch64"),
        OK, "not with it last", "",
    ),
    (
        "static tls",
        on(
            python={"confstr": "2.31", "cv2": Ran(1, "",
                "ImportError: /usr/lib/libgomp.so.1: cannot allocate memory in static TLS block")},
            arch="aarch64",
        ),
        FAIL, "static TLS block", "LD_PRELOAD=/usr/lib/libgomp.so.1,",
    ),
    ("tensorrt", on(python={"tensorrt": "8.2.1.8\n"}), OK, "TensorRT 8.2.1.8", ""),
    ("tensorrt", on(python={"tensorrt": MISSING}), SKIP, "the CPU computes", ""),
    ("tensorrt", on(python={"tensorrt": MISSING}, files=NANO), FAIL, "No module", "libnvinfer"),
    (
        "tensorrt",
        on(
            python={"tensorrt": MISSING},
            files={"usr/lib/python3.6/dist-packages/tensorrt/__init__.py": ""},
        ),
        FAIL, "in /usr/lib/python3.6/dist-packages/tensorrt, which", "--system-site-packages",
    ),
    (
        "tensorrt",
        on(python={"tensorrt": MISSING}, files={DIST + "tensorrt/a": ""}, interpreter=OPT),
        FAIL, "which this Python does", "sudo rm -r /opt/jetwatch && sudo scripts/setup-jetson",
    ),
    (
        "tensorrt",
        on(python={"tensorrt": MISSING}, files={DIST + "tensorrt/a": ""}, interpreter=VENV),
        FAIL, "which this Python does",
        "/usr/bin/python3 -m venv --system-site-packages --clear '/my work/.venv', then",
    ),
    ("numpy and tensorrt", {}, SKIP, "no TensorRT", ""),
    (
        "numpy and tensorrt",
        on(python={"tensorrt": "8.5.2.2", "numpy": "1.24.1"}), WARN, "too new", "'numpy<1.24'",
    ),
    ("numpy and tensorrt", on(python={"tensorrt": "8.6.1", "numpy": "1.26.4"}), OK, "fits", ""),
    ("numpy and tensorrt", on(python={"tensorrt": "8.2.1", "numpy": "1.13.3"}), OK, "fits", ""),
    ("pycuda", {}, SKIP, "no TensorRT", ""),
    ("pycuda", on(python={"tensorrt": "8.2.1", "pycuda": "2022.1"}), OK, "pycuda 2022.1", ""),
    ("pycuda", on(python={"tensorrt": "8.2.1"}), FAIL, "does not load", "pip install "),
    (
        "pycuda", on(python={"tensorrt": "8.2.1"}, interpreter=OPT),
        FAIL, "does not load",
        "sudo env PATH=/usr/local/cuda/bin:$PATH /opt/jetwatch/bin/python -m pip install ",
    ),
    ("nvcc", {}, SKIP, "no TensorRT", ""),
    ("nvcc", on(python={"tensorrt": "8.2.1"}), WARN, "nvcc is not here", "cuda-nvcc-X-Y"),
]  # fmt: skip


JOURNAL = {"run/systemd/journal/socket": ""}
SWAPS = "Filename Type Size Used Priority\n/dev/zram0 partition 507392 0 5\n"
SYSTEM = [
    ("memory", on(files=boards.proc(4000, 1900, 4096, 4096)), OK, "1900 of 4000 MiB", ""),
    ("memory", on(files=boards.proc(4000, 1900)), WARN, "little to build", "mkswap /swapfile"),
    ("memory", on(files=boards.proc(2000, 200, 4096, 4096)), FAIL, "200 of 2000", "ps aux"),
    ("memory", {}, SKIP, "cannot be read", ""),
    ("zram", on(files=boards.proc(16000, 9000)), SKIP, "enough", ""),
    ("zram", on(files=boards.proc(4000, 1900)), OK, "does not lie in memory", ""),
    (
        "zram",
        on(files=boards.merged(boards.proc(4000, 1900), {"proc/swaps": SWAPS})),
        WARN, "zram", "systemctl disable nvzramconfig",
    ),
    ("clock", on(now=1e9), FAIL, "2001-09-09", "timedatectl set-ntp true"),
    ("clock", on(files={"run/systemd/timesync/synchronized": ""}), OK, "synchronised, 2027", ""),
    ("clock", on(ran={"timedatectl": "System clock synchronized: yes\n"}), OK, "2027", ""),
    ("clock", on(ran={"timedatectl": " NTP synchronized: no\n"}), WARN, "not synch", "set-ntp"),
    ("clock", {}, SKIP, "nobody says", ""),
    ("journal", {}, SKIP, "no journal", ""),
    ("journal", on(files=JOURNAL), WARN, "no limit", "SystemMaxUse=200M"),
    (
        "journal",
        on(files=dict(JOURNAL, **{"etc/systemd/journald.conf": "[Journal]\n#SystemMaxUse=\n"})),
        WARN, "no limit", "journald.conf.d/size.conf",
    ),
    (
        "journal",
        on(files=dict(JOURNAL, **{"etc/systemd/journald.conf.d/a.conf": "SystemMaxUse=1G\n"})),
        OK, "/etc/systemd/journald.conf.d/a.conf", "",
    ),
    ("disk", on(free_mb=5000), OK, "4 GiB or more", ""),
    ("disk", on(free_mb=1000), WARN, "1000 MiB free", "du -xh"),
    ("disk", on(free_mb=100), FAIL, "100 MiB free", "du -xh"),
]  # fmt: skip

GST = {
    "absent": "", "rtsp": "", "encoder": "x264enc", "csi": False,
    "decoders": {"h264": "avdec_h264", "h265": "avdec_h265", "jpeg": "jpegdec"},
}  # fmt: skip


def gst(**told):
    return on(python={"nvarguscamerasrc": json.dumps(dict(GST, **told))})


NO_GST = gst(absent="GStreamer for Python is not here (gi). Run: sudo apt", decoders={}, encoder="")
CONFIG = [
    ("engines", on(python={"planfile": "[]"}), SKIP, "none", ""),
    ("engines", on(python={"planfile": '[["a", true, "fits"]]'}), OK, "1 fit", ""),
    ("engines", on(python={"planfile": '[["a", null, "no GPU"]]'}), SKIP, "no GPU", ""),
    ("engines", on(python={"planfile": Ran(-11, "")}), SKIP, "cannot be listed: exit code -11", ""),
    (
        "engines",
        on(python={"planfile": '[["a", false, "TensorRT 8.2, here 8.5"], ["b", true, ""]]'}),
        WARN, "a: TensorRT 8.2, here 8.5", "jetwatch build a",
    ),
    ("gstreamer", gst(), OK, "loads", ""),
    ("gstreamer", NO_GST, WARN, "GStreamer for Python is not here (gi).", "sudo apt install"),
    ("decoders", gst(), OK, "h264: avdec_h264, h265", ""),
    ("decoders", NO_GST, SKIP, "no GStreamer", ""),
    (
        "decoders",
        gst(decoders={"jpeg": "jpegdec"}),
        WARN, "decodes h264, h265", "gstreamer1.0-libav",
    ),
    (
        "decoders",
        dict(gst(), files=NANO),
        WARN, "the hardware decodes nothing", "nvidia-l4t-gstreamer",
    ),
    (
        "decoders",
        dict(gst(decoders=dict(GST["decoders"], h264="nvv4l2decoder")), files=NANO),
        OK, "nvv4l2decoder", "",
    ),
    ("encoder", gst(), OK, "x264enc", ""),
    ("encoder", NO_GST, SKIP, "no GStreamer", ""),
    ("encoder", gst(encoder=""), WARN, "nothing encodes H.264", "plugins-ugly"),
    (
        "encoder",
        gst(rtsp="No GstRtspServer. Run: apt"),
        WARN, "no RTSP server: No Gst", "apt install",
    ),
    ("csi", {}, SKIP, "no csi:// camera", ""),
    ("models", {}, SKIP, "no config", ""),
    ("address", {}, SKIP, "no config", ""),
]  # fmt: skip

ALL = [
    pytest.param(module, *row, id="{}-{}-{}".format(row[0], row[2], number))
    for module, rows in (
        (doctor_python, PYTHON),
        (doctor_system, SYSTEM),
        (doctor_jetson, JETSON),
        (doctor_config, CONFIG),
    )
    for number, row in enumerate(rows)
]


@pytest.mark.parametrize("module, name, patient, verdict, found, fix", ALL)
def test_a_check(tmp_path, monkeypatch, module, name, patient, verdict, found, fix):
    monkeypatch.setenv("PATH", "/nowhere")
    told = module.CHECKS[name](Patient(tmp_path, **patient).machine(), None)
    assert told.verdict == verdict and found in told.found and fix in told.fix, told
    assert bool(told.fix) == (verdict in (WARN, FAIL))


NO_SKIP = ("numpy", "pyyaml", "opencv", "disk", "gstreamer")


def test_every_check_was_seen_to_pass_and_to_find_fault():
    """Those that need a config, and nvcc, are below."""
    seen = {name: set() for name in doctor.checks()}
    for _, name, _, verdict, _, _ in [one.values for one in ALL]:
        seen[name].add(verdict)
    for name in set(seen) - {"models", "address", "csi", "nvcc"}:
        assert OK in seen[name] and seen[name] & {WARN, FAIL}, name
        assert SKIP in seen[name] or name in NO_SKIP, name
