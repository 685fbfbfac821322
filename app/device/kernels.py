"""kernels: our CUDA sources compiled for the GPU at hand, once, and kept beside the engines."""

import glob
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Callable, List, Optional, Sequence, Tuple

from app import atomic
from app.errors import DeviceError

logger = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_SECONDS = 300  # a Nano takes half a minute
VARIABLES = ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT")

Find = Callable[[], Optional[str]]  # the path of nvcc


def compiled(name: str, sm: Tuple[int, int], folder: str, find: Optional[Find] = None) -> bytes:
    """
    The code of app/device/NAME.cu for GPUs of compute capability ``sm``: from ``folder``, or
    compiled and left there, so that a service needs no compiler. ``find`` looks for that in place
    of find_nvcc. Raises DeviceError.
    """
    kept = place(name, sm, folder)
    try:
        binary = kept.read_bytes()
    except OSError:
        binary = b""
    if binary[:4] == b"\x7fELF":
        return binary
    binary = _compile(name, sm, (find or find_nvcc)())
    try:
        atomic.write(str(kept), binary)
    except OSError as error:
        logger.warning(
            "%s cannot be written (%s): the kernel is compiled anew at each start",
            kept,
            error.strerror,
        )
    return binary


def place(name: str, sm: Tuple[int, int], folder: str) -> Path:
    """Where the code is kept; of another source, it lies elsewhere."""
    mark = hashlib.sha256((_HERE / f"{name}.cu").read_bytes()).hexdigest()[:12]
    return Path(folder) / f"{name}-sm{sm[0]}{sm[1]}-{mark}.cubin"


def find_nvcc(
    environment: Optional[Sequence[str]] = None,
    roots: Sequence[str] = ("/usr/local",),
    path: Optional[str] = None,
) -> Optional[str]:
    """
    CUDA's compiler; JetPack puts it on no PATH. ``environment``: CUDA's folders, if known;
    ``path`` stands in for $PATH.
    """
    if environment is None:
        environment = [os.environ[name] for name in VARIABLES if os.environ.get(name)]
    places = [os.path.join(folder, "bin") for folder in environment]
    places += (os.environ.get("PATH", "") if path is None else path).split(os.pathsep)
    for root in roots:
        places.append(os.path.join(root, "cuda", "bin"))
        places += sorted(glob.glob(os.path.join(root, "cuda-*", "bin")), reverse=True)
    return shutil.which("nvcc", path=os.pathsep.join(places))


def _compile(name: str, sm: Tuple[int, int], nvcc: Optional[str]) -> bytes:
    if nvcc is None:
        raise DeviceError(
            f"the CUDA kernel {name} is not compiled for this GPU yet, and nvcc, CUDA's compiler, "
            "is not here. Run where it is: jetwatch build MODEL. On a Jetson: sudo apt-get install "
            "cuda-nvcc-X-Y (dpkg -l 'cuda-cudart*' shows X-Y)"
        )
    try:
        with tempfile.TemporaryDirectory(prefix="jetwatch-") as work:
            made = os.path.join(work, "kernel.cubin")
            command = [nvcc, "-cubin", f"-arch=sm_{sm[0]}{sm[1]}", "-O3", "-o", made]
            _run(command + [str(_HERE / f"{name}.cu")], name)
            return Path(made).read_bytes()
    except OSError as error:
        raise DeviceError(
            f"the CUDA kernel {name}: what {nvcc} wrote cannot be read: {error.strerror}. "
            "Is there room for it? TMPDIR names the folder"
        ) from error


def _run(command: List[str], name: str) -> None:
    nvcc = command[0]
    # nvcc looks for its host compiler and for cicc on the PATH
    path = os.path.dirname(nvcc) + os.pathsep + os.environ.get("PATH", os.defpath)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            timeout=_SECONDS,
            env=dict(os.environ, PATH=path),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceError(f"the CUDA kernel {name}: {nvcc} does not run: {error}") from error
    if done.returncode:
        told = " ".join(done.stdout.split())[:400] or f"exit code {done.returncode}"
        raise DeviceError(f"the CUDA kernel {name}: {nvcc} refuses it: {told}")
