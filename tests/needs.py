"""needs: what a test cannot run without; absent, it is skipped with the reason."""

import os

import pytest

from app.media import rtsp


def gstreamer() -> None:
    """Skip without GStreamer and its RTSP server; fail if JETWATCH_REQUIRE_GI=1 promised them."""
    reason = rtsp.missing()
    if reason and os.environ.get("JETWATCH_REQUIRE_GI") == "1":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
