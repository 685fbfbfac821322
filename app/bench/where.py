"""where: the machine of a benchmark, in words."""

from typing import List, Tuple

from app.bench.results import Machine

_NAMES = {
    "name": "machine",
    "cpu": "CPU",
    "memory_mb": "memory, MB",
    "gpu": "GPU",
    "l4t": "L4T",
    "jetpack": "JetPack",
    "cuda": "CUDA",
    "tensorrt": "TensorRT",
    "onnxruntime": "ONNX Runtime",
    "opencv": "OpenCV",
    "gstreamer": "GStreamer",
    "python": "Python",
}


def lines(found: Machine) -> Tuple[str, str]:
    """Two lines: the hardware and how it is set, and the software."""
    hard = [found.name or "a machine that does not tell its name"]
    hard += [text for text in (found.cpu, found.gpu) if text and text not in found.name]
    hard += [f"{found.cores} cores"] if found.cores else []
    hard += [f"{found.memory_mb} MB"] if found.memory_mb else []
    hard += _named(("power mode", found.power_mode), ("clocks", found.clocks))
    soft = [found.system] if found.system else []
    soft += _named(
        ("JetPack", found.jetpack),
        ("L4T", found.l4t),
        ("driver", found.driver),
        ("CUDA", found.cuda),
        ("TensorRT", found.tensorrt),
        ("ONNX Runtime", found.onnxruntime),
        ("Python", found.python),
        ("", found.encoder),
    )
    return ", ".join(hard), ", ".join(soft)


def fact(name: str) -> str:
    """What people call a field of Machine."""
    return _NAMES.get(name, name.replace("_", " "))


def _named(*facts: Tuple[str, str]) -> List[str]:
    return [f"{name} {value}".strip() for name, value in facts if value]
