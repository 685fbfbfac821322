"""What a shell may hand us: closed or full standard streams, any locale."""

import os
import subprocess
import sys

import pytest

from tests import tiny
from tests.command import ROOT

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.detector(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return tiny.clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


def shell(command, **environment):
    """Exit code and standard error of a command in which $JETWATCH stands for ours."""
    done = subprocess.run(
        ["bash", "-c", "set -o pipefail; " + command],
        cwd=str(ROOT),
        env=dict(os.environ, JETWATCH=sys.executable + " -W error -m app", **environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    err = done.stderr.decode("utf-8", "replace")
    assert "Traceback" not in err and "Exception ignored" not in err, err
    return done.returncode, done.stdout.decode("utf-8", "replace"), err


@pytest.mark.parametrize("what", ["fetch --list", "--help", "--version", "run --help"])
@pytest.mark.parametrize(
    "where, code, word",
    [
        ("> >(true)", 141, ""),
        (">/dev/full", 73, "standard output cannot be written: No space left on device"),
        (">&-", 73, "standard output cannot be written: Bad file descriptor"),
    ],
)
def test_a_standard_output_that_takes_nothing(what, where, code, word):
    """Each told of itself in a traceback, or in Python's last words, with exit code 120."""
    wait = "sleep 0.3; " if code == 141 else ""
    result = shell("{ " + wait + "exec $JETWATCH " + what + "; } " + where)
    assert result[0] == code, result
    assert word in result[2]


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_a_standard_error_that_takes_nothing(where):
    """Closed, it was None, and the next file that was opened got its number."""
    assert shell("$JETWATCH check none.yaml " + where)[0] == 78
    assert shell("$JETWATCH fetch --list " + where)[0] == 0


def test_wrong_flags_without_a_standard_error():
    assert shell("$JETWATCH run --threads x 2>&-")[0] == 2


@pytest.mark.parametrize(
    "environment",
    [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "ascii"}],
)
def test_a_name_that_is_not_ascii_in_any_locale(environment, model, clip, tmp_path):
    """Python 3.6 takes the C locale, which ssh and systemd leave us with, for ASCII."""
    folder = tmp_path / "\u00fc b"
    folder.mkdir()
    os.rename(clip, str(folder / "x.mp4"))
    config = tmp_path / "a.yaml"
    config.write_bytes(
        "cameras: [{{name: a, source: '{}'}}]\ndetect: {{model: '{}'}}\nreport: {{path: '{}'}}\n"
        "backend: {{kind: host}}\n".format(folder / "x.mp4", model, folder / "found").encode()
    )
    try:
        code, out, err = shell("$JETWATCH check '{}'".format(config), **environment)
        assert code == 0 and " b/x.mp4" in out, err
        code, out, err = shell("$JETWATCH run '{}' --frames 2".format(config), **environment)
        assert code == 0, err
        assert (folder / "found").exists()
    finally:
        os.rename(str(folder / "x.mp4"), clip)
