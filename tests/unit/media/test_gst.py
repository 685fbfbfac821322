import os
import subprocess
import sys
import textwrap

import pytest

from tests import needs

WRONG = """
    import logging, sys
    from app.media import gst

    logging.basicConfig(level=sys.argv[1], stream=sys.stdout)
    Gst = gst.load()
    Gst.Segment().to_stream_time(Gst.Format.TIME, 5)
"""


@pytest.mark.parametrize(
    "level, debug, on_stdout, on_stderr",
    [("INFO", None, False, False), ("DEBUG", None, True, False), ("DEBUG", "1", False, True)],
)
def test_what_gstreamer_says_of_itself_is_our_debug(level, debug, on_stdout, on_stderr):
    """A critical of a decoder once stood in the middle of the table of marks."""
    needs.gstreamer()
    environment = {name: value for name, value in os.environ.items() if name != "GST_DEBUG"}
    if debug:
        environment["GST_DEBUG"] = debug
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WRONG), level],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 0
    assert (b"to_stream_time" in done.stdout) is on_stdout
    assert (b"to_stream_time" in done.stderr) is on_stderr
