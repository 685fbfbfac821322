"""data: where the clips, pictures and models for tests are; they are never in the repository."""

import os
import pathlib

import pytest


def data(*parts: str) -> pathlib.Path:
    """A file of $JETWATCH_DATA, or of shared/data beside the repository; skips where it is not."""
    beside = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"
    path = pathlib.Path(os.environ.get("JETWATCH_DATA") or str(beside)).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no test data {'/'.join(parts)}: set JETWATCH_DATA")
    return path
