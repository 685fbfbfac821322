"""
rtsp_server: our RTSP server as the fuzzer meets it, in a process of its own, which may crash.

Prints one line of JSON, kind of login to URL: "" (none), "basic" and "digest". Serves until its
standard input ends.
"""

import contextlib
import json
import logging
import sys

from app.media.camera import Login
from app.media.mount import RtspSettings
from app.media.rtsp import serving
from app.service.heap import limit_arenas
from tests.on_air import Camera

USER, PASSWORD = "bob", "s3cr@t pass"
MOST = 64  # viewers of each kind; the fuzzer leaves many behind


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    limit_arenas()
    urls = {}
    with contextlib.ExitStack() as stack:
        for auth in ("", "basic", "digest"):
            login = Login(USER, PASSWORD) if auth else Login("", "")
            settings = RtspSettings(port=0, viewers=MOST, login=login, auth=auth or "digest")
            server = stack.enter_context(serving(settings, ["a"]))
            stack.enter_context(Camera(server, ["a"]))
            urls[auth] = server.url("a")
        print(json.dumps(urls), flush=True)  # noqa: T201
        sys.stdin.read()


if __name__ == "__main__":
    main()
