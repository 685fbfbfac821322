"""test_scripts: each script explains itself and stops at the first failure."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = sorted(
    path
    for path in (ROOT / "scripts").iterdir()
    if path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env bash")
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_explains_itself_and_does_nothing_else(script, tmp_path):
    assert os.access(str(script), os.X_OK)
    assert "\nset -euo pipefail\n" in script.read_text(encoding="utf-8")
    said = subprocess.check_output(
        [str(script), "--help"], cwd=str(tmp_path), universal_newlines=True
    )
    assert said.startswith(script.name + ": ")
    assert "scripts/" + script.name in said


# The demo, in a checkout with a space in its name, whose environment only notes what is asked of it

JETWATCH = r"""#!/bin/bash
if [ "$1" = fetch ]; then
    [ "$2" != "$UNREACHABLE" ] || { echo "jetwatch: cannot fetch $2 by hand" >&2; exit 66; }
    echo "engines/$2"
    exit
fi
printf '%s\n' "$@" >asked
trap 'echo ended; exit ${CODE:-0}' INT TERM HUP
echo running
[ -z "${WAIT:-}" ] || for _ in $(seq 200); do sleep 0.05; done
"""
PYTHON = "#!/bin/sh\ncase $2 in *rtsp*) echo 'no GStreamer. Run: apt' ;; esac\n"


@pytest.fixture
def checkout(tmp_path):
    root = tmp_path / "a checkout"
    (root / "engines").mkdir(parents=True)
    (root / ".venv" / "bin").mkdir(parents=True)
    shutil.copytree(str(ROOT / "scripts"), str(root / "scripts"))
    for path, content in (
        ("scripts/setup", "#!/bin/sh\n"),
        (".venv/bin/jetwatch", JETWATCH),
        (".venv/bin/python", PYTHON),
    ):
        (root / path).write_text(content)
        (root / path).chmod(0o755)
    return root


def demo(checkout, *arguments, **environment):
    """Call the demo from the folder beside the checkout."""
    return subprocess.Popen(
        [str(checkout / "scripts" / "demo")] + list(arguments),
        cwd=str(checkout.parent),
        env=dict(os.environ, **environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )


def asked(checkout):
    """What `jetwatch run` was given."""
    return (checkout / "asked").read_text().splitlines()


def test_the_demo_reads_paths_as_its_caller_does(checkout):
    """common.sh goes to the checkout, and took the caller's relative paths with it."""
    here = checkout.parent
    (here / "clip.mp4").write_text("")
    (here / "net.onnx").write_text("")
    words = ["--source", "clip.mp4", "--model=net.onnx", "--out", "a/b.mp4", "--detections", "-"]
    demo(checkout, *words).communicate(timeout=30)
    words = asked(checkout)
    assert "--model={}".format(here / "net.onnx") in words
    assert str(here / "clip.mp4") in words and str(here / "a" / "b.mp4") in words
    assert "-" in words
    demo(checkout, "--source", "test://", "--model", "yolox_nano").communicate(timeout=30)
    words = asked(checkout)
    assert "test://" in words and "yolox_nano" in words


def test_the_demo_shows_no_password(checkout):
    said, _ = demo(checkout, "--source", "rtsp://user:hunter2@host/x").communicate(timeout=30)
    assert "running" in said and "hunter2" not in said


@pytest.mark.parametrize("here", [False, True])
def test_the_demo_takes_another_model_calmly(checkout, here):
    """Each start showed how to bring by hand what it went on without."""
    if here:
        (checkout / "engines" / "centerface.onnx").write_text("")
    said, _ = demo(checkout, UNREACHABLE="deimv2_femto").communicate(timeout=30)
    assert "deimv2_femto cannot be had from here" in said
    assert "by hand" not in said
    assert "centerface" in asked(checkout)


@pytest.mark.parametrize("code", [0, 3])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_demo_ends_with_what_it_runs_and_says_where_to_look(checkout, number, code):
    process = demo(checkout, WAIT="1", CODE=str(code))
    said = ""
    while "running" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    process.send_signal(number)
    said, _ = process.communicate(timeout=10)
    assert process.returncode == code
    assert "ended" in said
    look = "look at a checkout/out/demo.mp4 and a checkout/out/demo.jsonl"
    assert (look in said) == (code == 0)


def test_one_environment_is_made_by_one_script_at_a_time(checkout):
    """scripts/test and scripts/check both began with rm -rf of the same folder."""
    script = (
        ". scripts/common.sh\n"
        "make() { mkdir busy && sleep 0.3 && rmdir busy; }\n"
        "alone .venvs/x make & one=$!\n"
        "alone .venvs/x make & two=$!\n"
        "wait $one && wait $two"
    )
    subprocess.check_call(["bash", "-euc", script, "x"], cwd=str(checkout))


def test_the_command_runs_where_the_path_has_a_space(checkout, tmp_path):
    """pip's own ended with 127."""
    text = (ROOT / "scripts" / "setup").read_text(encoding="utf-8")
    launcher = text[text.index("launcher() {") : text.index("\nis_ready ||")]
    command = tmp_path / "jetwatch"
    subprocess.check_call(
        [
            "bash",
            "-c",
            'root=$1\n{}\nlauncher >"$2"'.format(launcher),
            "x",
            str(checkout),
            str(command),
        ]
    )
    command.chmod(0o755)
    python = checkout / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\nexec "{}" "$@"\n'.format(sys.executable))
    said = subprocess.check_output(
        [str(command), "--version"],
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
        universal_newlines=True,
    )
    assert said.startswith("jetwatch ")
