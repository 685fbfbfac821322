"""test_systemd: the unit, as systemd itself reads it, and its installer under a root of its own."""

import os
import pathlib
import re
import shutil
import stat
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
INSTALL = ROOT / "systemd" / "install"
UNIT = ROOT / "systemd" / "jetwatch@.service"
MOST_EXPOSED = 2.5  # of 10; systemd calls less than 5 OK

# An interpreter that says where it and jetwatch lie, which is all that the installer asks it.
PYTHON = "#!/bin/sh\nprintf '%s\\n' {}\n"


def analyze(*arguments):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze. Run: apt-get install systemd")
    process = subprocess.run(
        ["systemd-analyze", "--no-pager", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    return process.returncode, process.stdout


@pytest.fixture
def instance(tmp_path):
    """The unit as an instance; its command, which is not installed here, is another's."""
    text = UNIT.read_text(encoding="utf-8")
    assert text.count("\nExecStart=/opt/jetwatch/bin/jetwatch ") == 1
    path = tmp_path / "jetwatch@door.service"
    path.write_text(text.replace("/opt/jetwatch/bin/jetwatch ", "/bin/true "), encoding="utf-8")
    return path


def test_systemd_finds_nothing_to_complain_of(instance):
    code, said = analyze("verify", instance)
    assert (code, [line for line in said.splitlines() if "jetwatch" in line]) == (0, [])


def test_a_mistake_in_it_would_be_found(instance):
    instance.write_text(instance.read_text(encoding="utf-8") + "\n[Service]\nWatchdogsSec=1\n")
    _, said = analyze("verify", instance)
    assert "WatchdogsSec" in said


def test_little_is_exposed(instance):
    code, said = analyze("security", "--offline=true", instance)
    if "unrecognized option" in said:
        pytest.skip("this systemd-analyze knows no --offline, which came with 250")
    exposure = re.search(r"Overall exposure level for jetwatch@door.service: ([0-9.]+)", said)
    assert code == 0 and exposure, said
    assert float(exposure.group(1)) <= MOST_EXPOSED, said


def test_what_systemd_237_reads_wrongly_is_not_there():
    """An unknown group in a list of what is allowed leaves next to nothing allowed there."""
    text = UNIT.read_text(encoding="utf-8")
    assert re.findall(r"^SystemCallFilter=(.)", text, re.MULTILINE) == ["~"]
    assert not re.search(r"^(PrivateTmp|PrivateDevices|SupplementaryGroups)=", text, re.MULTILINE)


# The installer


def call(root, *arguments, **environment):
    process = subprocess.run(
        ["bash", str(INSTALL), "--root", str(root), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        cwd=str(root.parent),
        env=dict(os.environ, **environment),
        timeout=60,
    )
    return process.returncode, process.stdout


def python_in(folder, *places):
    path = folder / "python"
    path.write_text(PYTHON.format(" ".join(places)))
    path.chmod(0o755)
    return path


@pytest.fixture
def python(tmp_path):
    return python_in(tmp_path, "/opt/other", "/usr", "/opt/other/lib/app/__init__.py")


@pytest.fixture
def door(tmp_path):
    return shutil.copy(str(ROOT / "configs" / "camera.yaml"), str(tmp_path / "door.yaml"))


def tree(root):
    """Path to (mode, content or target) of all that is there, models too."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = None
        if path.is_symlink():
            content = os.readlink(str(path))
        elif path.is_file():
            content = path.read_bytes()
        found[path.relative_to(root).as_posix()] = (stat.S_IMODE(status.st_mode), content)
    return found


def test_it_shows_all_and_changes_nothing(tmp_path, door):
    root = tmp_path / "root"
    code, said = call(root, "--dry-run", door)
    assert code == 0 and not root.exists()
    for words in ("-m venv", "-m pip install", "write {}/etc/systemd/system/jetwatch@.service:"):
        assert words.format(root) in said, said
    assert "Type=notify" in said and "nothing was changed" in said


def test_twice_is_as_once(tmp_path, python, door):
    root = tmp_path / "root"
    code, said = call(root, "--python", python, door)
    assert code == 0, said
    first = tree(root)
    code, said = call(root, "--python", python, door)
    assert code == 0 and "wrote" not in said and "kept" not in said, said
    assert tree(root) == first
    system = "etc/systemd/system/"
    assert first[system + "jetwatch@.service"] == (0o644, UNIT.read_bytes())
    link = first[system + "multi-user.target.wants/jetwatch@door.service"]
    assert link[1] == "/etc/systemd/system/jetwatch@.service"
    assert first["etc/jetwatch"][0] == 0o750  # it may hold passwords
    assert first["etc/jetwatch/door.yaml"][0] == 0o640
    assert "var/lib/jetwatch/engines" in first
    drop_in = first[system + "jetwatch@.service.d/machine.conf"][1].decode("utf-8")
    assert "\nExecStart=\nExecStart={} -m app run ".format(python) in drop_in


def test_a_config_that_is_there_is_kept(tmp_path, python, door):
    root = tmp_path / "root"
    call(root, "--python", python, door)
    there = root / "etc" / "jetwatch" / "door.yaml"
    there.write_text("mine: 1\n")
    code, said = call(root, "--python", python, door)
    assert code == 0 and "kept" in said
    assert there.read_text() == "mine: 1\n"


PATHS = """
cameras:
- {name: a, source: "rtsp://nowhere/x", user: me, password: {file: /mnt/ssd/pw}}  # not /this
- {name: b, source: "file:///films/a b.mp4"}
detect: {model: /mnt/ssd/my-own.onnx}
record:
  path: '/dätä//out/'
events: {path: out/events.jsonl}
counters: ~/counts
"""
MOUNTS = """\
dätä dätä/out films films/a\\x20b.mp4 mnt mnt/ssd mnt/ssd/my\\x2down.onnx mnt/ssd/pw""".replace(
    "ä", "\\xc3\\xa4"
)


def test_disks_that_a_config_names_are_waited_for_and_not_insisted_on(tmp_path, python):
    """A model on one that was mounted too late ended the service, which then stayed so."""
    config = tmp_path / "door.yaml"
    config.write_text(PATHS, encoding="utf-8")
    root = tmp_path / "root"
    drop_in = root / "etc/systemd/system/jetwatch@door.service.d/mounts.conf"
    for _ in range(2):
        code, said = call(root, "--python", python, config)
        assert code == 0, said
        lines = drop_in.read_text().splitlines()
        assert lines[2] == "[Unit]"
        wanted = [unit.replace("/", "-") + ".mount" for unit in MOUNTS.split()]
        for word in ("Wants=", "After="):
            named = {line[len(word) :] for line in lines if line.startswith(word)}
            assert named == set(wanted)
    assert "wrote" not in said
    (root / "etc" / "jetwatch" / "door.yaml").write_text("cameras: [{name: a, source: test://}]")
    assert call(root, "--python", python, config)[0] == 0
    assert not drop_in.exists()


def test_systemd_calls_these_mounts_so(tmp_path, instance):
    folder = tmp_path / (instance.name + ".d")
    folder.mkdir()
    config = tmp_path / "door.yaml"
    config.write_text(PATHS, encoding="utf-8")
    root = tmp_path / "root"
    python = python_in(tmp_path, "/opt/other", "/usr", "/opt/other/lib/app/__init__.py")
    assert call(root, "--python", python, config)[0] == 0
    shutil.copy(str(root / "etc/systemd/system/jetwatch@door.service.d/mounts.conf"), str(folder))
    code, said = analyze("verify", instance)
    assert (code, [line for line in said.splitlines() if "mounts.conf" in line]) == (0, [])


@pytest.mark.parametrize("purge", [False, True])
def test_it_goes_again(tmp_path, python, door, purge):
    root = tmp_path / "root"
    call(root, "--python", python, door)
    other = root / "etc" / "systemd" / "system" / "other.service"
    other.write_text("")
    program = root / "opt" / "jetwatch"
    program.mkdir(parents=True)
    (program / "pyvenv.cfg").write_text("")
    code, said = call(root, "--uninstall", *(["--purge"] if purge else []))
    assert code == 0, said
    left = [path for path in tree(root) if "jetwatch" in path]
    kept = [
        "etc/jetwatch",
        "etc/jetwatch/door.yaml",
        "var/lib/jetwatch",
        "var/lib/jetwatch/engines",
    ]
    models = sorted(path.name for path in (ROOT / "engines").glob("*.onnx"))  # of scripts/demo
    kept += ["var/lib/jetwatch/engines/" + name for name in models]
    assert left == ([] if purge else kept)
    assert other.exists()
    assert call(root, "--uninstall")[0] == 0


def test_what_is_not_an_environment_is_not_removed(tmp_path):
    """/opt/jetwatch may be somebody's data."""
    program = tmp_path / "root" / "opt" / "jetwatch"
    program.mkdir(parents=True)
    (program / "film.mp4").write_text("x")
    assert call(tmp_path / "root", "--uninstall")[0] == 0
    assert (program / "film.mp4").exists()


def test_an_interpreter_in_a_home_is_refused(tmp_path, door):
    """ProtectHome hides it from the service, which then ends with 203."""
    python = python_in(tmp_path, "/opt/x", "/home/me/.pyenv/versions/3.8", "/opt/x/app/__init__.py")
    code, said = call(tmp_path / "root", "--python", python, door)
    assert code == 1 and "lies in a home" in said
    assert not (tmp_path / "root" / "etc" / "systemd").exists()


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--nonsense"], "no such option: --nonsense. Run: systemd/install --help"),
        (["--python"], "--python wants a value"),
        (["--extras", "all"], "--extras is host, gpu or none"),
        (["--purge"], "--purge goes with --uninstall"),
        (["absent.yaml"], "absent.yaml: no such file. Begin with a copy of configs/camera.yaml"),
        (["a b.yaml"], "its name becomes the instance's"),
        (["--uninstall", "a b.yaml"], "--uninstall takes no config"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, arguments, words):
    (tmp_path / "a b.yaml").write_text("")
    code, said = call(tmp_path / "root", *arguments)
    assert code == 1 and words in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "root").exists()


def test_it_explains_itself(tmp_path):
    said = subprocess.check_output(["bash", str(INSTALL), "--help"], cwd=str(tmp_path))
    assert said.decode().startswith("install: ")
    assert b"set -euo" not in said
