"""ill_jetsons: what the doctor says of Jetsons that are well, ill, or cannot say."""

from app.checkup import FAIL, OK, SKIP, WARN, Ran
from tests import boards

NANO = boards.NANO


def on(**what):
    """What a Patient is made of."""
    return what


MODES = "< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=1 NAME=25W >\n"
BOTH = "< POWER_MODEL ID=1 NAME=MAXN >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n"
CORES = "".join(
    "< POWER_MODEL ID={} NAME=MODE_{} >\n".format(number, name)
    for number, name in enumerate(["15W_2CORE", "15W_4CORE", "15W_6CORE", "10W_6CORE"])
)
WORDS = "< POWER_MODEL ID=0 NAME=night >\n< POWER_MODEL ID=1 NAME=day >\n"
DAY = {"nvpmodel": "NV Power Mode: day\n1\n"}
SIX = {"nvpmodel": "NV Power Mode: MODE_15W_6CORE\n2\n"}
MAXN = {"nvpmodel": "NV Power Mode: MAXN\n0\n"}
SLOW = {"nvpmodel": "NV Power Mode: 15W\n0\n"}
SUPER = MODES + "< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n"
ACTIVE = {"systemctl is-active nvargus-daemon": "active\n"}
UNSEEN = Ran(0, "", "Hint: You are currently not seeing messages from other users.\n")
UNREAD = dict(ACTIVE, journalctl=Ran(1, "", "No"))
JOURNAL_GROUP = "the journal cannot be read. Run: sudo usermod -aG systemd-journal pat"
JTOP = dict(NANO, **{"run/jtop.sock": ""})
FREE = {"sys/devices/system/cpu/cpufreq/policy0/scaling_min_freq": "102000\n"}
HELD = {"sys/devices/system/cpu/cpufreq/policy0/scaling_min_freq": "1479000\n"}
JETSON = [
    ("power mode", {}, SKIP, "not a Jetson", ""),
    ("power mode", on(files=NANO), SKIP, "it is not here", ""),
    ("power mode", on(files=NANO, ran={"nvpmodel": "NV Power Mode: MAXN\n0"}), OK, "MAXN", ""),
    (
        "power mode",
        on(files=dict(NANO, **{"etc/nvpmodel.conf": SUPER}), ran=SLOW),
        WARN, "15W is slower than MAXN_SUPER", "sudo nvpmodel -m 2 && sudo jetson_clocks",
    ),
    (
        "power mode",
        on(files=dict(NANO, **{"etc/nvpmodel.conf": BOTH}), ran=MAXN),
        WARN, "MAXN is slower than MAXN_SUPER", "sudo nvpmodel -m 2 ",
    ),
    (
        "power mode",
        on(files=dict(NANO, **{"etc/nvpmodel.conf": MODES}), ran=SLOW),
        WARN, "15W is slower than 25W", "sudo nvpmodel -m 1 ",
    ),
    (
        "power mode",
        on(files=dict(NANO, **{"etc/nvpmodel.conf": CORES}), ran=SIX),
        OK, "MODE_15W_6CORE, the fastest there is", "",
    ),
    (
        "power mode",
        on(files=dict(NANO, **{"etc/nvpmodel.conf": CORES}), ran=SLOW),
        WARN, "15W is slower than MODE_15W_6CORE", "sudo nvpmodel -m 2 ",
    ),
    (
        "power mode",
        on(files=dict(NANO, **{"etc/nvpmodel.conf": WORDS}), ran=DAY),
        SKIP, "do not tell which is the fastest: night, day", "",
    ),
    (
        "power mode",
        on(files=NANO, ran={"nvpmodel": "NV Power Mode: 5W\n1"}),
        WARN, "5W", "nvpmodel -p",
    ),
    (
        "power mode",
        on(files=NANO, ran={"nvpmodel": Ran(1, "", "needs root")}),
        SKIP, "needs root", "",
    ),
    ("clocks held", on(files=FREE), SKIP, "not a Jetson", ""),
    ("clocks held", on(files=NANO), SKIP, "tells nothing", ""),
    ("clocks held", on(files=boards.merged(NANO, FREE)), WARN, "follow the load", "jetson_clocks"),
    ("clocks held", on(files=boards.merged(NANO, HELD)), OK, "held", ""),
    ("argus", {}, SKIP, "not a Jetson", ""),
    ("argus", on(files=NANO), SKIP, "does not say", ""),
    ("argus", on(files=NANO, ran={"systemctl": "inactive\n"}), SKIP, "is inactive", ""),
    ("argus", on(files=NANO, ran=dict(ACTIVE, journalctl="all is well\n")), OK, "not complain", ""),
    (
        "argus",
        on(files=NANO, ran=dict(ACTIVE, journalctl="x\nSCF: Error Timeout\n")),
        WARN, "last: SCF: Error Timeout", "sudo systemctl restart nvargus-daemon",
    ),
    ("argus", on(files=NANO, ran=ACTIVE), SKIP, "no journalctl", ""),
    ("argus", on(files=NANO, ran=dict(ACTIVE, journalctl=UNSEEN)), SKIP, JOURNAL_GROUP, ""),
    ("argus", on(files=NANO, ran=UNREAD), SKIP, JOURNAL_GROUP, ""),
    (
        "argus",
        on(files=NANO, ran=dict(ACTIVE, journalctl=Ran(1, "", "x\nno files")), groups=None),
        SKIP, "cannot be read. no files", "",
    ),
    ("jetson-stats", {}, SKIP, "not a Jetson", ""),
    ("jetson-stats", on(files=NANO), SKIP, "not installed", ""),
    (
        "jetson-stats",
        on(files=NANO, python={"jtop": "4.2.7"}),
        WARN, "not run", "enable --now jtop",
    ),
    ("jetson-stats", on(files=JTOP, python={"jtop": "4.2.7"}), WARN, "group jtop", "-aG jtop pat"),
    (
        "jetson-stats",
        on(files=JTOP, python={"jtop": "4.2.7"}, groups=None),
        OK, "4.2.7 answers", "",
    ),
    (
        "jetson-stats",
        on(files=JTOP, groups=None, python={
            "alarm": Ran(1, "", "Mismatch version jtop service: [4.2.7] and client: [4.3.2]"),
            "jtop": "4.3.2"}),
        WARN, "differ (4.2.7 and 4.3.2)",
        "sudo /usr/bin/python3 -m pip install jetson-stats==4.3.2 && sudo systemctl",
    ),
    (
        "jetson-stats",
        on(files=dict(JTOP, **{"usr/lib/python3.12/EXTERNALLY-MANAGED": ""}), groups=None, python={
            "alarm": Ran(1, "", "Mismatch version jtop service: [7.0.0] and client: [7.1.0]"),
            "jtop": "7.1.0"}),
        WARN, "differ (7.0.0 and 7.1.0)", "jetson-stats==7.1.0 --break-system-packages && sudo",
    ),
    (
        "jetson-stats",
        on(files=JTOP, python={"jtop": "4.2.7"}, groups=None, service=frozenset(["video"])),
        WARN, "jetwatch is not in the group jtop", "sudo usermod -aG jtop jetwatch, then run: sudo",
    ),
    (
        "jetson-stats",
        on(files=JTOP, groups=None, python={"alarm": Ran(-14, ""), "jtop": "4.3.2"}),
        WARN, "no answer in 8 s", "restart jtop.service",
    ),
    ("group video", {}, SKIP, "no device", ""),
    ("group video", on(files={"dev/video0": ""}), OK, "pat is in group video", ""),
    ("group video", on(files={"dev/video0": ""}, groups=None), OK, "root may use all", ""),
    (
        "group video",
        on(files={"dev/video0": ""}, groups=None, service=frozenset(["video", "jtop"])),
        OK, "jetwatch is in group video", "",
    ),
    (
        "group video",
        on(files={"dev/video0": ""}, service=frozenset(["video"])),
        OK, "pat and jetwatch are in group video", "",
    ),
    (
        "group video",
        on(files=dict(NANO, **{"dev/nvmap": ""}), groups=None, service=frozenset()),
        FAIL, "jetwatch is not in the group video",
        "sudo usermod -aG video jetwatch, then run: sudo systemctl restart 'jetwatch@*'",
    ),
    (
        "group video",
        on(files={"dev/video0": ""}, groups=frozenset(), service=frozenset()),
        WARN, "pat and jetwatch are not in the group video",
        "usermod -aG video pat && sudo usermod -aG video jetwatch, then log in anew and run: sudo",
    ),
    (
        "group video",
        on(files={"dev/video0": ""}, groups=frozenset(["pat"])),
        WARN, "owns /dev/video0", "sudo usermod -aG video pat",
    ),
    (
        "group video",
        on(files=dict(NANO, **{"dev/nvmap": ""}), groups=frozenset()),
        FAIL, "owns /dev/nvmap", "usermod",
    ),
    ("desktop", {}, SKIP, "not a Jetson", ""),
    ("desktop", on(files=NANO), SKIP, "does not say", ""),
    ("desktop", on(files=NANO, ran={"systemctl": "multi-user.target\n"}), OK, "none", ""),
    (
        "desktop",
        on(files=NANO, ran={"systemctl": "graphical.target\n"}),
        WARN, "starts a desktop", "set-default multi-user.target",
    ),
]  # fmt: skip
