"""machine: what the board says of itself without its GPU: its name, releases and memory."""

import os
import re
from typing import NamedTuple, Optional

_RELEASE = re.compile(r"^#\s*R(\d+)\s*\(release\),\s*REVISION:\s*(\d+(?:\.\d+)*)", re.MULTILINE)
_MOST_BYTES = 1 << 16
_PACKAGES = "var/lib/dpkg/status"
_MOST_PACKAGES_BYTES = 64 << 20
_JETPACKS = {  # L4T's release -> JetPack's, where there is but one (jetson_stats' NVIDIA_JETPACK)
    "32.6.1": "4.6", "32.7.1": "4.6.1", "32.7.2": "4.6.2", "32.7.3": "4.6.3", "32.7.4": "4.6.4",
    "32.7.5": "4.6.5", "32.7.6": "4.6.6", "35.1": "5.0.2", "35.2.1": "5.1", "35.3.1": "5.1.1",
    "35.4.1": "5.1.2", "35.5": "5.1.3", "35.6": "5.1.4", "36.3": "6.0", "36.4": "6.1",
    "36.4.3": "6.2", "36.4.4": "6.2.1", "36.5": "6.2.2", "38.2": "7.0", "38.2.1": "7.0",
    "38.4": "7.1", "39.2": "7.2",
}  # fmt: skip
_DRIVER = re.compile(r"Kernel Module.*?\s(\d+\.\d[.\d]*)")


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


def jetpack(root: str = "/") -> str:
    """By the package nvidia-jetpack, else by L4T where that tells; nothing on another machine."""
    version = _package("nvidia-jetpack", root)
    if version:
        return version.split("-")[0].split("+")[0]
    return _JETPACKS.get(re.sub(r"(\.0)+$", "", l4t(root)), "")


def model(root: str = "/") -> str:
    """A board's name, by its device tree; nothing on a PC."""
    return _text(os.path.join(root, "proc/device-tree/model")).strip("\0\n ")


def cpu(root: str = "/") -> str:
    """The CPU's name; nothing where the kernel does not tell."""
    text = _text(os.path.join(root, "proc/cpuinfo"))
    found = re.search(r"^(?:model name|Hardware)\s*:\s*(\S.*)$", text, re.MULTILINE)
    return " ".join(found.group(1).split()) if found else ""


def system(root: str = "/") -> str:
    """The operating system, as it calls itself for people."""
    text = _text(os.path.join(root, "etc/os-release"))
    found = re.search(r"^PRETTY_NAME=[\"']?(.*?)[\"']?$", text, re.MULTILINE)
    return found.group(1) if found else ""


def kernel(root: str = "/") -> str:
    return _text(os.path.join(root, "proc/sys/kernel/osrelease")).strip()


def driver(root: str = "/") -> str:
    """The release of NVIDIA's driver, by /proc; nothing where it is not loaded, or hidden."""
    found = _DRIVER.search(_text(os.path.join(root, "proc/driver/nvidia/version")))
    return found.group(1) if found else ""


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


def _package(name: str, root: str) -> str:
    """The version of an installed Debian package."""
    text = _text(os.path.join(root, _PACKAGES), _MOST_PACKAGES_BYTES)
    for entry in text.split("\n\n") if name in text else ():
        if entry.lstrip().startswith(f"Package: {name}\n") and " installed\n" in entry:
            found = re.search(r"^Version: (\S+)$", entry, re.MULTILINE)
            return found.group(1) if found else ""
    return ""


def _text(path: str, most: int = _MOST_BYTES) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(most)
    except OSError:
        return ""
