"""download: the bytes of a pinned URL, as far as they come, from where they stopped before."""

import concurrent.futures
import contextlib
import functools
import http.client
import os
import re
import socket
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, BinaryIO, Callable, Iterator, NamedTuple, TypeVar

T = TypeVar("T")
Report = Callable[[str, int], None]  # (what is going on, bytes that are here)

_CHUNK = 1 << 16
_TICK_S = 1.0  # how often a wait is reported
_CONNECTIONS = 3  # a download that was cut goes on this many times
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Unavailable(Exception):
    """One origin cannot give the file, and why; the next one may."""


class _Cut(Unavailable):
    """The connection ended early: what has arrived is kept, and asking again may help."""


class _NoSuchRange(_Cut):
    """The server's file ends before what is here: what is here was of another one."""


class Wanted(NamedTuple):
    url: str
    bytes: int
    report: Report
    timeout_s: float


def download(wanted: Wanted, file: BinaryIO) -> None:
    """
    Append to ``file`` what it lacks of ``wanted.bytes``. Whoever calls checks the content.

    Raises Unavailable; ``file`` then holds what has arrived, for another time.
    """
    check_scheme(wanted.url)
    for connection in range(1, _CONNECTIONS + 1):
        try:
            _go_on(wanted, file)
            return
        except _Cut as exc:
            if connection == _CONNECTIONS:
                raise
            if isinstance(exc, _NoSuchRange):
                empty(file)
            wanted.report(f"{exc}, going on", file.tell())


def host_of(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or url


def check_scheme(url: str) -> None:
    """Raise Unavailable unless nobody on the way can read or change what ``url`` gives."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise Unavailable(f"{parts.scheme or 'a bare path'} is refused, only https is taken")


def empty(file: BinaryIO) -> int:
    """Forget what is in ``file``, and return where it now stands."""
    file.seek(0)
    return file.truncate()


def said(error: BaseException) -> str:
    """What an error says, on one line, without its number and without anyone's password."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return re.sub(r"//[^/@\s]*@", "//", " ".join(str(text).split()))


def _go_on(wanted: Wanted, file: BinaryIO) -> None:
    """One connection: ask for the rest, take what comes."""
    start = file.seek(0, os.SEEK_END)
    if start > wanted.bytes:
        start = empty(file)
    if start == wanted.bytes:
        return
    with _opened(wanted, start) as response:
        if start and not _continues(response, start):
            start = empty(file)
        _check_head(response, wanted.bytes - start)
        for chunk in _chunks(response, wanted, file.tell):
            file.write(chunk)
            if file.tell() > wanted.bytes:
                empty(file)
                raise Unavailable(f"sends more than the {wanted.bytes} bytes wanted")
            wanted.report(f"downloading from {host_of(wanted.url)}", file.tell())
    if file.tell() < wanted.bytes:
        raise _Cut(f"cut after {file.tell()} of {wanted.bytes} bytes")


@contextlib.contextmanager
def _opened(wanted: Wanted, start: int) -> Iterator[Any]:
    request = urllib.request.Request(wanted.url, headers={"User-Agent": "jetwatch"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    opener = urllib.request.build_opener(_SafeRedirects)
    phase = f"connecting to {host_of(wanted.url)}"
    wanted.report(phase, start)
    response = _waited(
        functools.partial(opener.open, request, timeout=wanted.timeout_s),
        wanted.timeout_s,
        lambda: wanted.report(phase, start),
    )
    try:
        yield response
    finally:
        # A read that is under way after Ctrl-C would make close() wait for it.
        threading.Thread(target=response.close, name="close", daemon=True).start()


def _continues(response: Any, start: int) -> bool:
    """Whether the server sends the rest; if not, it sends the whole."""
    if response.status != 206:
        return False
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {start}-")


def _check_head(response: Any, expected: int) -> None:
    length = response.headers.get("Content-Length")
    if length is not None and length.isdigit() and int(length) != expected:
        kind = response.headers.get_content_type()
        what = "a web page" if kind == "text/html" else kind
        raise Unavailable(f"answers with {what} of {length} bytes instead of {expected}")


def _chunks(response: Any, wanted: Wanted, here: Callable[[], int]) -> Iterator[bytes]:
    phase = f"waiting for {host_of(wanted.url)}"
    while True:
        try:
            chunk = _waited(
                functools.partial(response.read1, _CHUNK),
                wanted.timeout_s,
                lambda: wanted.report(phase, here()),
            )
        except Unavailable as exc:
            raise _Cut(f"{exc} after {here()} of {wanted.bytes} bytes") from exc
        if not chunk:
            return
        yield chunk


def _waited(call: Callable[[], T], limit_s: float, tick: Callable[[], None]) -> T:
    """
    Return call(), with tick() every second meanwhile. Raises Unavailable for what the network does.

    The call has a thread of its own: a name look-up knows no time-out and does not hear Ctrl-C.
    """
    future: "concurrent.futures.Future[T]" = concurrent.futures.Future()

    def work() -> None:
        try:
            future.set_result(call())
        except Exception as exc:
            future.set_exception(exc)

    threading.Thread(target=work, name="download", daemon=True).start()
    waited_s = 0.0
    while not concurrent.futures.wait([future], timeout=_TICK_S).done:
        waited_s += _TICK_S
        if waited_s > limit_s + _TICK_S:  # the socket's own time-out comes first
            raise Unavailable(f"no answer within {limit_s:g} s")
        tick()
    error = future.exception()
    if error is not None:
        raise _translated(error, limit_s) from error
    return future.result()


def _translated(error: BaseException, limit_s: float) -> Unavailable:
    if isinstance(error, Unavailable):
        return error
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        kind = _NoSuchRange if error.code == 416 else Unavailable
        return kind(f"answers {error.code} {error.reason}")
    reason = error
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        reason = error.reason
    if isinstance(reason, socket.timeout):
        return Unavailable(f"no answer within {limit_s:g} s")
    if isinstance(reason, socket.gaierror):
        return Unavailable("its name is not known here, is there a network?")
    if isinstance(reason, ssl.SSLError):
        return Unavailable(f"no trusted connection: {said(reason)}")
    if isinstance(reason, (OSError, http.client.HTTPException, ValueError)):
        return Unavailable(said(reason))
    raise error


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        try:
            check_scheme(newurl)
        except Unavailable:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)
