"""doctor_jetson: power mode, cameras' daemon, jetson-stats, groups and desktop of a Jetson."""

import re
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, List, Optional, Sequence, Tuple

from app.checkup import SERVICE, Finding, Machine, fail, ok, skip, warn
from app.device import machine, telemetry_mode
from app.media.uri import Kind

if TYPE_CHECKING:  # it loads numpy and OpenCV, which may be what is ill
    from app.conflicts import Config

_MODEL = re.compile(r"<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+?)\s*>")
_WATTS = re.compile(r"(\d+)W", re.IGNORECASE)
_CORES = re.compile(r"(\d+)_?CORE|(ALL)", re.IGNORECASE)
_NOT_ONE = "not a Jetson"
_WEDGED = ("Failed to create CaptureSession", "(Argus) Error", "SCF: Error", "PowerServiceCore")
_ARGUS = "nvargus-daemon"
_UNREAD = re.compile("insufficient permissions|not seeing messages", re.IGNORECASE)
_JTOP = """
import signal
signal.alarm(8)
from jtop import jtop
with jtop() as client:
    client.ok()
"""


def power(there: Machine, _: Any) -> Finding:
    """Numbers of modes differ from board to board and release to release; names tell."""
    if not machine.tegra(there.root):
        return skip(_NOT_ONE)
    ran = there.run(["nvpmodel", "-q"])
    mode = telemetry_mode.named(ran.out) if ran else None
    if mode is None:
        return skip(f"nvpmodel does not say its mode: {ran.last if ran else 'it is not here'}")
    modes = _modes(there)
    best = _best(modes)
    if best is None and mode.upper().startswith("MAXN"):
        return ok(f"mode {mode}")
    if best is None and modes:
        names = ", ".join(name for _, name in modes)
        return skip(f"mode {mode}; names do not tell which is the fastest: {names}")
    if best is None:
        return warn(f"mode {mode} is not the fastest", "sudo nvpmodel -p --verbose lists them")
    if best[1] == mode:
        return ok(f"mode {mode}, the fastest there is")
    return warn(
        f"mode {mode} is slower than {best[1]}",
        f"sudo nvpmodel -m {best[0]} && sudo jetson_clocks, if supply and cooling can bear it",
    )


def clocks(there: Machine, _: Any) -> Finding:
    """Clocks that follow the load are late for each picture."""
    if not machine.tegra(there.root):
        return skip(_NOT_ONE)
    folder = "sys/devices/system/cpu/cpufreq"
    pairs = [
        (there.text(path.lstrip("/")), there.text(path.lstrip("/").replace("_min_", "_max_")))
        for path in there.find(f"{folder}/policy*/scaling_min_freq")
    ]
    if not pairs:
        return skip("cpufreq tells nothing")
    if all(low == high for low, high in pairs):
        return ok("held at their most (jetson_clocks)")
    return warn(
        "they follow the load, so times of pictures are uneven",
        "sudo jetson_clocks (until the next boot)",
    )


def argus(there: Machine, config: "Optional[Config]") -> Finding:
    """The daemon of CSI cameras; it stays wedged after a program that left a sensor open."""
    if not machine.tegra(there.root):
        return skip(_NOT_ONE)
    wanted = config is not None and any(one.uri.kind is Kind.CSI for one in config.cameras)
    state = there.on(_ARGUS)
    restart = f"sudo systemctl restart {_ARGUS}"
    if not state:
        return skip("systemd does not say how nvargus-daemon is")
    if state != "active":
        told = f"nvargus-daemon is {state}"
        if not wanted:
            return skip(f"{told}; only cameras on the ribbon connector (csi://) need it")
        return fail(told, restart)
    ran = there.run(["journalctl", "-u", _ARGUS, "--since", "-10min", "-n", "200", "--no-pager"])
    if ran is None:
        return skip("nvargus-daemon runs; there is no journalctl to say whether it complains")
    if ran.code or _UNREAD.search(ran.err):
        own = there.groups is not None
        mend = f"Run: {_join('systemd-journal', [there.user])}" if own else ran.last
        return skip(f"nvargus-daemon runs; the journal cannot be read. {mend}")
    lines = ran.out.splitlines()
    bad = [line for line in lines if any(word in line for word in _WEDGED)]
    if not bad:
        return ok("nvargus-daemon runs and does not complain")
    told = (
        f"nvargus-daemon complained {len(bad)} times in 10 minutes, last: {bad[-1].strip()[-120:]}"
    )
    return (fail if wanted else warn)(told, f"stop what uses the camera, then: {restart}")


def jtop(there: Machine, _: Any) -> Finding:
    """jetson-stats, which is optional: its service and our package must be of one version."""
    if not machine.tegra(there.root):
        return skip(_NOT_ONE)
    ran = there.python("import jtop; print(jtop.__version__)")
    if ran.code:
        return skip("jetson-stats is not installed; the kernel tells enough")
    version = ran.out.strip()
    if not there.find("run/jtop.sock"):
        return warn(
            f"jetson-stats {version} is installed and its service does not run",
            "sudo systemctl enable --now jtop.service",
        )
    lacking = _lacking(there, "jtop")
    if lacking:
        return warn(f"{_are(lacking)} not in the group jtop", _join("jtop", lacking))
    asked = there.python(_JTOP)
    if not asked.code:
        return ok(f"jetson-stats {version} answers")
    if "Mismatch version" in asked.err:
        told = re.findall(r"\[([\d.]+)\]", asked.err)
        install = there.system_python.pip(f"install jetson-stats=={version}")
        return warn(
            f"jetson-stats: versions of service and package differ ({' and '.join(told)})",
            f"{install} && sudo systemctl restart jtop.service",
        )
    why = "no answer in 8 s" if asked.code < 0 else asked.last
    return warn(f"jetson-stats {version}: {why}", "sudo systemctl restart jtop.service")


def groups(there: Machine, _: Any) -> Finding:
    """Cameras, and on a Jetson the GPU, are for the group video."""
    devices = [*there.find("dev/video*"), *there.find("dev/nvhost-ctrl*"), *there.find("dev/nvmap")]
    if not devices:
        return skip("no device of the group video")
    lacking = _lacking(there, "video")
    if not lacking:
        users = list(_users(there))
        return ok(f"{_are(users)} in group video" if users else "root may use all")
    told = f"{_are(lacking)} not in the group video, which owns {devices[0]}"
    return (fail if machine.tegra(there.root) else warn)(told, _join("video", lacking))


def desktop(there: Machine, _: Any) -> Finding:
    """A desktop takes 250 to 800 MB of what the GPU could use."""
    if not machine.tegra(there.root):
        return skip(_NOT_ONE)
    ran = there.run(["systemctl", "get-default"])
    target = ran.out.strip() if ran else ""
    if not target:
        return skip("systemd does not say what it starts")
    if target != "graphical.target":
        return ok(f"none: the machine starts to {target}")
    return warn(
        "the machine starts a desktop, which takes 250 to 800 MB",
        "sudo systemctl set-default multi-user.target, then reboot",
    )


def _modes(there: Machine) -> List[Tuple[int, str]]:
    """The modes of nvpmodel's file, as (number, name)."""
    text = there.text("etc/nvpmodel.conf")
    return [(int(number), name) for number, name in _MODEL.findall(text)]


def _best(modes: Sequence[Tuple[int, str]]) -> Optional[Tuple[int, str]]:
    """The fastest, where names tell: MAXN, or else the most watts, and of those the most cores."""
    fast = [one for one in modes if one[1].upper().startswith("MAXN")]
    super_ = [one for one in fast if "SUPER" in one[1].upper()]
    watts = [one for one in modes if _WATTS.search(one[1])]
    watts.sort(key=lambda one: _strength(one[1]), reverse=True)
    return next(iter(super_ + fast + watts), None)


def _strength(name: str) -> Tuple[int, float]:
    """Watts and cores by a mode's name, as in "MODE_15W_6CORE" or "MODE_30W_ALL"."""
    watts, cores = _WATTS.search(name), _CORES.search(name)
    number = 0.0 if cores is None else float(cores.group(1) or "inf")
    return int(watts.group(1)) if watts else 0, number


def _users(there: Machine) -> Dict[str, FrozenSet[str]]:
    """The groups of who asks and of who the service is; root, who needs none, is not named."""
    users = {} if there.groups is None else {there.user: there.groups}
    if there.service is not None:
        users[SERVICE] = there.service
    return users


def _lacking(there: Machine, group: str) -> List[str]:
    return [user for user, groups in _users(there).items() if group not in groups]


def _are(users: Sequence[str]) -> str:
    return " and ".join(users) + (" is" if len(users) == 1 else " are")


def _join(group: str, users: Sequence[str]) -> str:
    then = ["log in anew"] if set(users) - {SERVICE} else []
    then += ["run: sudo systemctl restart 'jetwatch@*'"] if SERVICE in users else []
    commands = " && ".join(f"sudo usermod -aG {group} {user}" for user in users)
    return f"{commands}, then {' and '.join(then)}"


CHECKS: Dict[str, Any] = {
    "power mode": power,
    "clocks held": clocks,
    "argus": argus,
    "jetson-stats": jtop,
    "group video": groups,
    "desktop": desktop,
}
