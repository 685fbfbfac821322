"""data: the shared test data, which is not in git."""

import os
import pathlib

import pytest


def data(*parts: str) -> pathlib.Path:
    """A file or folder of $JETWATCH_DATA or ../shared/data; skips the test where it is absent."""
    root = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"
    path = pathlib.Path(os.environ.get("JETWATCH_DATA", str(root))).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no test data at {path}; name its folder in JETWATCH_DATA")
    return path
