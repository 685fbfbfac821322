"""test_systemd: the unit and its installer under a real systemd; see tests/systemd/try."""

import pathlib
import subprocess

import pytest

from tests.data import data

TRY = pathlib.Path(__file__).resolve().parents[1] / "systemd" / "try"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_starts_reloads_ends_and_comes_back_under_systemd():
    model = data("models", "yolox_nano_416_dyn.onnx")
    process = subprocess.run(
        [str(TRY), str(model)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        timeout=840,
    )
    if process.returncode == 77:
        pytest.skip(process.stdout.strip())
    assert process.returncode == 0 and " 0 failed" in process.stdout, process.stdout
