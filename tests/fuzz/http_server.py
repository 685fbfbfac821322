"""
http_server: our HTTP server as the fuzzer meets it, in a process of its own, which may crash.

Prints one line of JSON, the port. Serves until its standard input ends.
"""

import contextlib
import json
import logging
import sys
import threading

from app.service.board import Board, Picture
from app.service.http import HttpSettings, Server
from app.service.pages import Pages
from tests.known import NOW, everything

PATIENCE_S = 0.3  # in place of seconds, as the fuzzer leaves many requests half said
JPEG = b"\xff\xd8 a picture \xff\xd9"


def main() -> None:
    logging.basicConfig(level=logging.DEBUG)  # which shows the traceback of a request that failed
    board = Board()
    board.pictures = lambda camera: Picture(NOW, lambda: JPEG)
    board.update(everything())
    server = Server(HttpSettings(port=0), Pages(board, lambda: NOW).answer, PATIENCE_S)
    thread = threading.Thread(target=server.serve_forever, args=(0.2,))
    thread.start()
    with contextlib.ExitStack() as stack:
        stack.callback(thread.join)
        stack.callback(server.end)
        print(json.dumps(server.port), flush=True)  # noqa: T201
        sys.stdin.read()


if __name__ == "__main__":
    main()
