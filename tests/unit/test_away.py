"""test_away: a file that is missing with its disk, and one that is only misspelt."""

import pytest

from app import away
from app.errors import SourceError


@pytest.fixture
def disk(tmp_path):
    """Where a disk belongs and none is mounted."""
    disk = tmp_path / "my disk"
    disk.mkdir()
    return disk


@pytest.fixture
def table(tmp_path, disk):
    path = tmp_path / "fstab"
    named = str(disk).replace(" ", "\\040")
    path.write_text(f"# UUID=1 /none ext4\n\nUUID=2 / ext4\nUUID=3 none swap\nUUID=4 {named} ext4")
    return str(path)


def test_what_lies_on_a_disk_that_is_not_mounted_is_away(disk, table):
    for path in (disk / "m.onnx", disk / "models" / "m.onnx", disk):
        with pytest.raises(SourceError, match="is not there, as .*/my disk is not mounted"):
            away.check(str(path), table)


def test_all_else_is_not(disk, table):
    for path in (f"{disk}s/m.onnx", "/none/m.onnx", "no/such/folder/m.onnx"):
        away.check(path, table)
    away.check(str(disk / "m.onnx"), "/nowhere/at/all")
