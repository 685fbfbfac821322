"""What the README says is so."""

import pathlib
import re
import shlex

import pytest

from app import catalogue, config
from app.cli_flags import parser

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
COMMANDS = [
    line.split("  #")[0].strip()
    for kind, block in BLOCKS
    if not kind
    for line in block.splitlines()
]


def test_it_is_short():
    assert len(TEXT.splitlines()) < 150
    assert "MEASURED" not in TEXT


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("jetwatch ")])
def test_each_command_can_be_typed(command):
    arguments = parser().parse_args(shlex.split(command)[1:])
    for name in getattr(arguments, "names", []):
        catalogue.find(name)
    if getattr(arguments, "config", None):
        assert (ROOT / arguments.config).is_file()


def test_each_script_is_there():
    scripts = set(re.findall(r"scripts/[a-z_]+(?:\.py)?", TEXT)) - {"scripts/bench_"}
    assert {"scripts/demo", "scripts/test", "scripts/check"} <= scripts
    for script in scripts:
        assert (ROOT / script).is_file(), script


def test_its_config_is_one(monkeypatch):
    monkeypatch.setenv("DOOR_PASSWORD", "x")
    ((_, text),) = [block for block in BLOCKS if block[0] == "yaml"]
    assert config.parse(text).cameras[0].name == "door"
