"""needs: what a test cannot do without; it skips with the reason, or fails where CI demands it."""

import os

import pytest

from app.errors import SourceError
from app.media import gst


def gstreamer(*namespaces: str) -> None:
    """Skip without GStreamer or a part of it; JETWATCH_REQUIRE_GI=1 makes that a failure."""
    try:
        gst.load()
        for namespace in namespaces:
            gst.namespace(namespace)
    except SourceError as exc:
        if os.environ.get("JETWATCH_REQUIRE_GI") == "1":
            pytest.fail(f"JETWATCH_REQUIRE_GI=1, but {exc}")
        pytest.skip(str(exc))
