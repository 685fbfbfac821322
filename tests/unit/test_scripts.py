"""test_scripts: each script explains itself and stops at the first failure."""

import os
import pathlib
import subprocess

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
