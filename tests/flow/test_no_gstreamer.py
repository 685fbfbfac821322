"""What happens where GStreamer's bindings are missing."""

import subprocess
import sys
import textwrap

ABSENT = """
    import sys
    sys.modules["gi"] = None  # makes "import gi" fail
    import numpy as np
    from app.errors import AppError, OutputError
    from app.media import gst, mount, mp4, rtsp

    try:
        gst.load()
    except AppError as exc:
        print(exc)
    try:
        with rtsp.serving(mount.RtspSettings(), ["a"]):
            pass
    except OutputError as exc:
        print(exc)
    with mp4.writing(sys.argv[1]) as film:
        film.write(np.zeros((64, 64, 3), np.uint8), 0)
"""


def test_files_are_written_and_rtsp_says_how_to_get_it(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(ABSENT), str(tmp_path / "film.mp4")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 2 and all("sudo apt install python3-gi" in line for line in lines)
    assert (tmp_path / "film.mp4").stat().st_size > 0
