"""doctor_system: memory, swap, clock, journal and disk, as a box needs them that nobody visits."""

import re
import time
from typing import TYPE_CHECKING, Any, Dict, Iterator, Optional

from app.checkup import Finding, Machine, fail, ok, skip, warn
from app.device import machine

if TYPE_CHECKING:  # it loads numpy and OpenCV, which may be what is ill
    from app.conflicts import Config

_SMALL_MB = 4608  # boards of 2 to 4 GB
_BUILD_MB = 2048  # what the build of a small model's engine may take
_YEAR = 1704067200  # 2024 began; a board without a battery wakes up long before
_SWAP = (
    "sudo fallocate -l 4G /swapfile && sudo chmod 600 /swapfile && sudo mkswap /swapfile && "
    "sudo swapon /swapfile (and for good: echo '/swapfile none swap sw 0 0' | sudo tee -a "
    "/etc/fstab)"
)
_LEAST_MB, _FEW_MB = 200, 2048
_LIMIT = re.compile(r"^\s*(SystemMaxUse|RuntimeMaxUse)\s*=\s*\S", re.MULTILINE)


def memory(there: Machine, _: Any) -> Finding:
    """Whether an engine can be built; GPU memory cannot be swapped, what runs beside it can."""
    now = machine.memory(there.root)
    if now is None:
        return skip("/proc/meminfo cannot be read")
    told = (
        f"{now.available_mb} of {now.total_mb} MiB available, {now.swap_free_mb} MiB of swap free"
    )
    if now.available_mb < 300:
        return fail(told, "stop other programs; ps aux --sort=-rss | head shows the largest")
    if now.available_mb + now.swap_free_mb < _BUILD_MB:
        return warn(f"{told}: little to build an engine with", _SWAP)
    return ok(told)


def zram(there: Machine, _: Any) -> Finding:
    """Swap that lies in memory itself takes from a small board what a build needs."""
    now = machine.memory(there.root)
    if now is None or now.total_mb > _SMALL_MB:
        return skip("memory enough not to care")
    if "/dev/zram" not in there.text("proc/swaps"):
        return ok("swap does not lie in memory")
    return warn(
        "swap lies in memory (zram): a build of an engine may be killed",
        f"sudo systemctl disable nvzramconfig, then: {_SWAP}, then reboot",
    )


def clock(there: Machine, _: Any) -> Finding:
    """Events carry the time of day, and TLS needs it."""
    today = time.strftime("%Y-%m-%d", time.gmtime(there.now))
    enable = "sudo timedatectl set-ntp true"
    if there.now < _YEAR:
        return fail(f"the clock says {today}", enable)
    if there.find("run/systemd/timesync/synchronized"):
        return ok(f"synchronised, {today}")
    ran = there.run(["timedatectl"])
    said = re.search(r"synchronized: (yes|no)", ran.out) if ran else None
    if said is None:
        return skip(f"nobody says whether it is synchronised; it says {today}")
    if said.group(1) == "yes":
        return ok(f"synchronised, {today}")
    return warn(f"not synchronised; it says {today}", enable)


def journal(there: Machine, _: Any) -> Finding:
    """A camera's daemon can write gigabytes of errors (jetbot#306)."""
    if not there.find("run/systemd/journal"):
        return skip("no journal of systemd here")
    places = ["/etc/systemd/journald.conf"]
    for folder in ("etc", "run", "usr/lib"):
        places += there.find(f"{folder}/systemd/journald.conf.d/*.conf")
    for place in places:
        if _LIMIT.search(there.text(place.lstrip("/"))):
            return ok(f"its size is limited ({place})")
    return warn(
        "the journal's size has no limit of its own: it may take a tenth of the disk, 4 GB at most",
        "sudo mkdir -p /etc/systemd/journald.conf.d && printf '[Journal]\\nSystemMaxUse=200M\\n' | "
        "sudo tee /etc/systemd/journald.conf.d/size.conf && "
        "sudo systemctl restart systemd-journald",
    )


def disk(there: Machine, config: "Optional[Config]") -> Finding:
    """Room where engines and whatever the config names are written."""
    places = list(dict.fromkeys([*there.folders, *_written(config)]))
    free_mb = {place: there.free(place) >> 20 for place in places}
    least = min(free_mb.values())
    short = [f"{place}: {mb} MiB free" for place, mb in free_mb.items() if mb < _FEW_MB]
    if not short:
        return ok(f"{least >> 10} GiB or more free where engines and files are written")
    fix = "sudo du -xh --max-depth=3 / | sort -h | tail shows what takes it"
    return (fail if least < _LEAST_MB else warn)("; ".join(short), fix)


def _written(config: "Optional[Config]") -> Iterator[str]:
    if config is None:
        return
    if config.record:
        yield config.record.path.split("{")[0] or "."
    if config.report and config.report.path != "-":
        yield config.report.path
    if config.events:
        yield config.events.path
        if config.events.snapshots:
            yield config.events.snapshots
    if config.counters:
        yield config.counters


CHECKS: Dict[str, Any] = {
    "memory": memory,
    "zram": zram,
    "clock": clock,
    "journal": journal,
    "disk": disk,
}
