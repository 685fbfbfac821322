"""web: a server on the loopback that answers in the ways of the web, and fetches from it."""

import contextlib
import hashlib
import http.server
import re
import socketserver
import threading

from app.fetch import Origin, fetch

CONTENT = bytes(range(256)) * 2048  # half a megabyte
PAGE = b"<html>sign in</html>"


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Serves CONTENT in the ways of the web: the path says which."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.ranges = []
        self.cuts = 1
        self.closing = threading.Event()
        self.url = "http://127.0.0.1:{}".format(self.server_address[1])


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        getattr(self, "answer_" + self.path.strip("/").replace("-", "_"))(asked)

    def answer_file(self, asked):
        start = int(re.match("bytes=([0-9]+)-", asked).group(1)) if asked else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        extra = {}
        if asked:
            extra["Content-Range"] = "bytes {}-{}/{}".format(start, len(CONTENT) - 1, len(CONTENT))
        self.send(206 if asked else 200, CONTENT[start:], extra)

    def answer_cut(self, asked):
        """Close in the middle, as often as the test says; then serve well."""
        if self.server.cuts == 0:
            self.answer_file(asked)
            return
        self.server.cuts -= 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:100000])

    def answer_no_range(self, asked):
        self.send(200, CONTENT)

    def answer_no_length(self, asked):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(CONTENT)

    def answer_endless(self, asked):
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):  # the client leaves
            while not self.server.closing.is_set():
                self.wfile.write(CONTENT)

    def answer_page(self, asked):
        self.send(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})

    def answer_other(self, asked):
        self.send(200, CONTENT[::-1])

    def answer_moved(self, asked):
        self.send(302, b"", {"Location": "/file"})

    def answer_moved_to_http(self, asked):
        self.send(302, b"", {"Location": "http://example.invalid/file"})

    def answer_hang(self, asked):
        self.server.closing.wait()

    def answer_stall(self, asked):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000])
        self.wfile.flush()
        self.server.closing.wait()

    def answer_missing(self, asked):
        self.send_error(404)

    def send(self, status, body, extra=()):
        self.send_response(status)
        for name, value in dict(extra).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@contextlib.contextmanager
def serving():
    """A server at work."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def origin_at(url, content=CONTENT):
    return Origin(url=url, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def part_of(target):
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    return target.with_name(".{}.{}.part".format(target.name, sha256[:8]))


def fetched(target, *origins, **options):
    """What is in the folder after a fetch, and the progress that was told."""
    told = []
    assert fetch(origins, "thing", target, told.append, **options) == target
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    return told
