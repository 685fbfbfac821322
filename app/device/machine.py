"""machine: what the board says of itself without its GPU: L4T release and memory."""

import os
import re
from typing import NamedTuple, Optional

_RELEASE = re.compile(r"^#\s*R(\d+)\s*\(release\),\s*REVISION:\s*(\d+(?:\.\d+)*)", re.MULTILINE)
_MOST_BYTES = 1 << 16


class Memory(NamedTuple):
    """Of the CPU, which is the GPU's as well on a Jetson; in MiB, rounded down."""

    total_mb: int
    available_mb: int  # without swapping: what is free, and what the kernel can drop
    swap_free_mb: int  # of no use to the GPU, but what runs beside it can go there


def l4t(root: str = "/") -> str:
    """Jetson Linux's release, as "32.7.1"; empty on a machine that is no Jetson."""
    return release(_text(os.path.join(root, "etc/nv_tegra_release")))


def tegra(root: str = "/") -> bool:
    """Whether it is a Jetson; a container may show the device tree alone."""
    compatible = _text(os.path.join(root, "proc/device-tree/compatible"))
    return "nvidia,tegra" in compatible or bool(l4t(root))


def memory(root: str = "/") -> Optional[Memory]:
    """What there is now; None where /proc is hidden, as a hardened service may have it."""
    return meminfo(_text(os.path.join(root, "proc/meminfo")))


def release(text: str) -> str:
    """The release that the text of /etc/nv_tegra_release names, or nothing."""
    found = _RELEASE.search(text)
    return f"{found.group(1)}.{found.group(2)}" if found else ""


def meminfo(text: str) -> Optional[Memory]:
    """The memory that the text of /proc/meminfo tells of (proc(5)); None where it lacks a line."""
    kib = {key: int(value) for key, value in re.findall(r"^(\w+):\s+(\d{1,18}) kB$", text, re.M)}
    try:
        sizes = [kib[key] >> 10 for key in ("MemTotal", "MemAvailable", "SwapFree")]
    except KeyError:
        return None
    return Memory(*sizes)


def memory_class(total_mb: int) -> int:
    """The size as it is sold, in MiB: boards of one kind differ by what their firmware keeps."""
    return (total_mb + 512) // 1024 * 1024


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return ""
