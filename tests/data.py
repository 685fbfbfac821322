"""data: where the large test files lie, which are no part of the project."""

import os
from pathlib import Path

import pytest

_ROOTS = (
    Path(os.environ.get("JETWATCH_DATA", "") or "/nonexistent"),
    Path(__file__).resolve().parent.parent.parent / "shared" / "data",
)


def data(path: str) -> Path:
    """The file or folder of that name under the test data; skips the test where it is absent."""
    for root in _ROOTS:
        if (root / path).exists():
            return root / path
    return pytest.skip(f"{path} is absent: set JETWATCH_DATA to the folder with the test data")
