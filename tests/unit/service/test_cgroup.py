"""test_cgroup: what the kernel grants, by folders that look like either version of cgroups."""

import pytest

from app.service.cgroup import granted

MB = 1 << 20
SERVICE = "system.slice/system-jetwatch.slice/jetwatch@door.service"
V2 = "0::/%s\n" % SERVICE
V1 = "12:cpu,cpuacct:/\n4:memory:/%s\n1:name=systemd:/%s\n0::/%s\n" % ((SERVICE,) * 3)
HUGE = "9223372036854771712\n"  # of v1, which has no word for it


def root(folder, told, v2=None, v1=None):
    """A root with such a /proc/self/cgroup, and limits of groups by their path."""
    files = {"proc/self/cgroup": told}
    for path, limit in (v2 or {}).items():
        files["sys/fs/cgroup/%s/memory.max" % path] = limit
    for path, limit in (v1 or {}).items():
        files["sys/fs/cgroup/memory/%s/memory.limit_in_bytes" % path] = limit
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return str(folder)


@pytest.mark.parametrize(
    ("told", "limits", "expected"),
    [
        (V2, {"v2": {SERVICE: "1342177280\n"}}, 1280 * MB),
        (V2, {"v2": {SERVICE: "max\n"}}, None),
        (V2, {"v2": {SERVICE: "max\n", "system.slice": "1048576\n"}}, MB),
        (V2, {"v2": {SERVICE: "2097152\n", "system.slice": "1048576\n"}}, MB),
        ("0::/\n", {"v2": {"": "1048576\n"}}, MB),  # a container that sees its own alone
        (V2, {}, None),
        (V1, {"v1": {SERVICE: "1342177280\n", "": HUGE}}, 1280 * MB),
        (V1, {"v1": {SERVICE: HUGE, "": HUGE}}, None),
        ("4:memory:/docker/f00\n", {"v1": {"": "1048576\n"}}, MB),
        (V1, {"v1": {SERVICE: "nonsense\n"}}, None),
        ("", {}, None),
        ("broken\n4:memory\n", {}, None),
    ],
)
def test_the_least_limit_of_a_group_and_those_above_it(tmp_path, told, limits, expected):
    assert granted(root(tmp_path, told, **limits)) == expected


def test_a_kernel_without_groups_grants_all(tmp_path):
    assert granted(str(tmp_path)) is None


def test_this_machine_answers():
    assert granted() is None or granted() > MB
