"""doctor_python: whether the Python packages that this machine can use are there and fit."""

import glob
import json
import os
import re
import shlex
import sys
from typing import Any, Dict, Tuple

from app.checkup import ANSWERING, Finding, Machine, Ran, fail, ok, skip, warn
from app.device import kernels, machine

_ILLEGAL = -4  # SIGILL
_CORETYPE = (
    "export OPENBLAS_CORETYPE=ARMV8, before Python starts; in a systemd unit: "
    "Environment=OPENBLAS_CORETYPE=ARMV8"
)
_OPT = "/opt/jetwatch"  # the environment that scripts/setup-jetson and systemd/install make
_VENV = "/usr/bin/python3 -m venv --system-site-packages"
_OPENCV = "sudo apt-get install --reinstall libopencv-python"  # NVIDIA's, of each JetPack

_CV2 = (
    ANSWERING
    + """
import json, cv2
told = [line for line in cv2.getBuildInformation().splitlines() if "GStreamer:" in line]
found = {"version": cv2.__version__, "file": cv2.__file__,
    "gstreamer": bool(told) and "YES" in told[0],
    "nms": hasattr(cv2, "dnn")
    and len(cv2.dnn.NMSBoxes([[0, 0, 9, 9], [0, 0, 9, 8]], [0.9, 0.8], 0.0, 0.5)) == 1}
print(json.dumps(found), file=answer, flush=True)
"""
)
_GLIBC = "import os; print(os.confstr('CS_GNU_LIBC_VERSION').split()[-1])"
# With OpenCV first, as Jetwatch loads them, and with OpenCV last.
_LOADED = """
import importlib
for name in "{}".split():
    try:
        importlib.import_module(name)
    except ImportError as error:
        if "static TLS" in str(error):
            raise
"""
_FIRST = _LOADED.format("cv2 numpy onnxruntime tensorrt pycuda gi")
_LAST = _LOADED.format("numpy gi tensorrt pycuda onnxruntime cv2")


def numpy(there: Machine, _: Any) -> Finding:
    """numpy 1.19.5's OpenBLAS takes a Cortex-A57 for what it is not (numpy#18131)."""
    ran = there.python("import numpy; print(numpy.__version__)")
    version = ran.out.strip()
    if ran.code == _ILLEGAL:
        return fail('"import numpy" dies with "Illegal instruction"', _CORETYPE)
    if ran.code:
        return fail(f"numpy does not load: {ran.last}", there.interpreter.pip("install numpy"))
    told = there.environ.get("OPENBLAS_CORETYPE")
    if version == "1.19.5" and there.arch == "aarch64" and not told:
        return warn('numpy 1.19.5 may die with "Illegal instruction" on this CPU', _CORETYPE)
    return ok(f"numpy {version}")


def pyyaml(there: Machine, _: Any) -> Finding:
    """Reads configs and the catalogue."""
    ran = there.python("import yaml; print(yaml.__version__)")
    if ran.code:
        return fail(f"PyYAML does not load: {ran.last}", there.interpreter.pip("install PyYAML"))
    return ok(f"PyYAML {ran.out.strip()}")


def opencv(there: Machine, _: Any) -> Finding:
    """OpenCV must load, and needs its module dnn, which suppresses double boxes."""
    ran = there.python(_CV2)
    if ran.code:
        return fail(f"OpenCV does not load: {ran.last}", _opencv_fix(there, ran.err))
    found = json.loads(ran.out)
    if not found["nms"]:
        told = f"OpenCV {found['version']} was built without its module dnn"
        return fail(f"{told} ({found['file']})", _opencv_fix(there, found["file"]))
    return ok(f"OpenCV {found['version']} ({found['file']})")


def opencv_of_jetpack(there: Machine, _: Any) -> Finding:
    """pip's OpenCV knows no GStreamer and hides JetPack's, which does."""
    if not machine.tegra(there.root):
        return skip("not a Jetson: pip's OpenCV is the right one")
    ran = there.python(_CV2)
    if ran.code:
        return skip("OpenCV does not load")
    found = json.loads(ran.out)
    if found["gstreamer"]:
        return ok("OpenCV has GStreamer")
    whose = there.system_python if found["file"].startswith("/usr/local/") else there.interpreter
    uninstall = whose.pip("uninstall opencv-python opencv-python-headless opencv-contrib-python")
    return warn(
        f"{found['file']} has no GStreamer, as pip's has none: it hides JetPack's OpenCV",
        f"{uninstall}, then: {_OPENCV}",
    )


def static_tls(there: Machine, _: Any) -> Finding:
    """glibc to 2.31 has little room for what libgomp and its like need (opencv#14884)."""
    version = there.python(_GLIBC).out.strip()
    if there.arch != "aarch64" or _numbers(version) > (2, 31):
        return skip(f"glibc {version or '?'} on {there.arch}: nothing to fear")
    first = there.python(_FIRST)
    if first.code:
        path = re.search(r"(/\S+\.so[.\d]*): cannot allocate", first.err)
        return fail(
            f"libraries do not load together: {first.last}",
            f"export LD_PRELOAD={path.group(1) if path else '/path/of/the/library/named'}, "
            "before Python starts",
        )
    if there.python(_LAST).code:
        return ok(
            f"glibc {version}: libraries load with OpenCV first, as here, but not with it last"
        )
    return ok(f"glibc {version}: libraries load together in any order")


def tensorrt(there: Machine, _: Any) -> Finding:
    """A venv made without --system-site-packages does not see JetPack's TensorRT."""
    ran = _tensorrt(there)
    if not ran.code:
        return ok(f"TensorRT {ran.out.strip()}")
    hidden = there.find("usr/lib/python3*/dist-packages/tensorrt")
    if hidden and "No module named" in ran.err:
        return fail(
            f"TensorRT is in {hidden[0]}, which this Python does not look into", _anew(there)
        )
    if machine.tegra(there.root):
        return fail(
            f"TensorRT does not load: {ran.last}",
            "sudo apt-get install python3-libnvinfer",
        )
    return skip("no TensorRT: the CPU computes (--backend host)")


def numpy_with_tensorrt(there: Machine, _: Any) -> Finding:
    """TensorRT to 8.5 names numpy.bool, which numpy 1.24 no longer has."""
    ran = _tensorrt(there)
    if ran.code:
        return skip("no TensorRT")
    version = there.python("import numpy; print(numpy.__version__)").out.strip()
    if _numbers(ran.out) < (8, 6) and _numbers(version) >= (1, 24):
        return warn(
            f"numpy {version} is too new for TensorRT {ran.out.strip()}: tools that use its "
            "numpy types fail (no attribute 'bool'). Jetwatch does not",
            there.interpreter.pip("install 'numpy<1.24'"),
        )
    return ok(f"numpy {version} fits TensorRT {ran.out.strip()}")


def pycuda(there: Machine, _: Any) -> Finding:
    """The way to the GPU's memory; it has no wheels and is compiled where it is installed."""
    if _tensorrt(there).code:
        return skip("no TensorRT, so no need of it")
    ran = there.python("import pycuda.driver; print(__import__('pycuda').VERSION_TEXT)")
    if not ran.code:
        return ok(f"pycuda {ran.out.strip()}")
    old = sys.version_info < (3, 7)  # newer numpy is there already, and pip would build an old one
    install = "install --no-build-isolation 'pycuda==2022.1'" if old else "install pycuda"
    command = there.interpreter.pip(install, through="env PATH=/usr/local/cuda/bin:$PATH ")
    return fail(f"pycuda does not load: {ran.last}", f"{command} (5 to 15 minutes on a Nano)")


def nvcc(there: Machine, _: Any) -> Finding:
    """Compiles our kernels, once for each GPU; what it made is kept beside the engines."""
    # a service's PATH has no nvcc, and needs none once the kernels are there
    if _tensorrt(there).code:
        return skip("no TensorRT, so no need of it")
    roots = [there.root.rstrip("/") + "/usr/local"]
    named = [there.environ[name] for name in kernels.VARIABLES if there.environ.get(name)]
    path = there.environ.get("PATH", "")
    found = kernels.find_nvcc(named, roots, path)
    if found:
        return ok(found)
    kept = [name for folder in there.folders for name in glob.glob(os.path.join(folder, "*.cubin"))]
    if kept:
        return ok(f"not here; the kernels are compiled already ({kept[0]})")
    return warn(
        "CUDA's compiler nvcc is not here: no engine can be run whose kernels are not compiled yet",
        "sudo apt-get install cuda-nvcc-X-Y (dpkg -l 'cuda-cudart*' shows X-Y)",
    )


def _tensorrt(there: Machine) -> Ran:
    return there.python("import tensorrt; print(tensorrt.__version__)")


def _opencv_fix(there: Machine, why: str) -> str:
    if not machine.tegra(there.root):
        return there.interpreter.pip("install opencv-python-headless")
    if why.startswith("/usr/lib/python3/"):  # Ubuntu's, on JetPack 4 version 3.2, comes first
        return f"sudo apt-get remove python3-opencv && {_OPENCV}"
    if "No module named" in why and there.find("usr/lib/python3*/dist-packages/cv2*"):
        return _anew(there)
    return _OPENCV


def _anew(there: Machine) -> str:
    """What makes an environment that sees the system's packages, as JetPack's are."""
    own = there.interpreter.environment
    if own == _OPT:
        return f"sudo rm -r {_OPT} && sudo scripts/setup-jetson, in Jetwatch's checkout"
    if own:
        return f"{_VENV} --clear {shlex.quote(own)}, then install Jetwatch there anew"
    return f"{_VENV} .venv, then install Jetwatch there and run it from there"


def _numbers(version: str) -> Tuple[int, ...]:
    return tuple(int(one) for one in re.findall(r"\d+", version)[:2])


CHECKS: Dict[str, Any] = {
    "numpy": numpy,
    "pyyaml": pyyaml,
    "opencv": opencv,
    "opencv of jetpack": opencv_of_jetpack,
    "static tls": static_tls,
    "tensorrt": tensorrt,
    "numpy and tensorrt": numpy_with_tensorrt,
    "pycuda": pycuda,
    "nvcc": nvcc,
}
