"""
rtsp_talk: conversations with our RTSP server over real sockets, as bytes that may be mutated.

Some words of a conversation are filled in as it goes, where no mutation has hit them: @URL@;
@LOGIN METHOD@, a header that answers for this method; @SESSION@, what the server has called it;
@SECOND@: what follows goes over a connection of its own, as in a tunnel through HTTP.
"""

import base64
import contextlib
import hashlib
import re
import socket
import struct

from tests.fuzz.rtsp_server import PASSWORD, USER

_HANGS_S = 8.0  # less than the server takes to hang up on who watches nothing
PAUSE_S = 0.15  # so long without a word from the server: it waits for us

_TCP = b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
_SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
    b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:stream=0\r\n"
)


def _talk(*requests):
    return b"".join(
        one if isinstance(one, bytes) else _ask(n, *one) for n, one in enumerate(requests)
    )


def _ask(number, method, *headers):
    """A request; of a header that is (bytes,) the bytes are the body."""
    method, _, path = method.partition(b" ")
    lines = [
        method + b" @URL@" + path + b" RTSP/1.0",
        b"CSeq: %d" % number,
        b"@LOGIN " + method + b"@",
    ]
    body = b"".join(one[0] for one in headers if isinstance(one, tuple))
    lines += [one for one in headers if isinstance(one, bytes)]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _packet(channel, data):
    return b"$" + struct.pack(">BH", channel, len(data)) + data


def _rtcp(kind, count, data):
    return struct.pack(">BBH", 0x80 | count, kind, len(data) // 4) + data


_REPORT = _rtcp(201, 1, struct.pack(">8I", 7, 9, 0, 4, 5, 6, 7, 0))
_NAMED = _rtcp(202, 1, struct.pack(">I", 7) + b"\1\6viewer\0\0\0\0")
_LOSS = _rtcp(205, 1, struct.pack(">IIHH", 7, 9, 3, 0xFFFF))
_FROM_KEY = _rtcp(206, 1, struct.pack(">II", 7, 9))
_REMB = _rtcp(206, 15, struct.pack(">II", 7, 0) + b"REMB\1\3\xff\xff" + struct.pack(">I", 9))
_BYE = _rtcp(203, 1, struct.pack(">I", 7))

_DESCRIBE = (b"DESCRIBE", b"Accept: application/sdp")
_SETUP = (b"SETUP /stream=0", _TCP)
_PLAY = (b"PLAY", b"Session: @SESSION@", b"Range: npt=0.000-")
_END = (b"TEARDOWN", b"Session: @SESSION@")

SEEDS = (
    _talk((b"OPTIONS",), _DESCRIBE, _SETUP, _PLAY, _packet(1, _REPORT + _NAMED), _END),
    _talk(
        _DESCRIBE, _SETUP, _PLAY, _packet(1, _REPORT + _LOSS), _packet(1, _FROM_KEY),
        _packet(1, _REPORT + _REMB), _packet(0, b"\x80\x60" + bytes(20)), _packet(1, _BYE),
        (b"GET_PARAMETER", b"Session: @SESSION@"), (b"PAUSE", b"Session: @SESSION@"), _PLAY,
    ),
    _talk(
        _DESCRIBE, (b"SETUP /stream=0", b"Transport: RTP/AVP;unicast;client_port=40000-40001"),
        _PLAY, (b"PAUSE", b"Session: @SESSION@", b"Range: npt=now-"), _END,
    ),
    _talk(
        (b"SETUP /stream=0", b"Transport: RTP/AVP;multicast;destination=239.1.2.3;port=5000-5001;"
         b"ttl=16,RTP/SAVPF/TCP;unicast;interleaved=2-3;mode=\"PLAY\"", b"Blocksize: 1400"), _PLAY,
    ),
    _talk(
        _DESCRIBE, (b"SETUP /stream=0", _TCP.replace(b"AVP/", b"SAVP/"),
                    b'KeyMgmt: prot=mikey; uri="@URL@"; data="AQAFAM2f3fwBAAA="'), _END,
    ),
    _talk(
        (b"ANNOUNCE", b"Content-Type: application/sdp", (_SDP,)),
        (b"SETUP /stream=0", _TCP + b";mode=record"), (b"RECORD", b"Session: @SESSION@"),
    ),
    _talk(
        _DESCRIBE, _SETUP,
        (b"SET_PARAMETER", b"Session: @SESSION@", b"Content-Type: text/parameters", (b"a: b\r\n",)),
        (b"GET_PARAMETER", b"Session: @SESSION@", b"Content-Type: text/parameters", (b"a\r\n",)),
        (b"PLAY", b"Session: @SESSION@", b"Range: clock=20260101T000000Z-", b"Scale: -2",
         b"Speed: 0.5", b"Require: implicit-play", b"Seek-Style: Next", b"Rate-Control: no"), _END,
    ),
    _talk(
        (b"SETUP /stream=0", _TCP, b"Pipelined-Requests: 1"), (b"PLAY", b"Pipelined-Requests: 1")
    ).replace(b"RTSP/1.0", b"RTSP/2.0"),
    _talk(
        (b"REDIRECT", b"Location: @URL@"), (b"OPTIONS", b"Require: none"), (b"PLAY",),
        (b"TEARDOWN",),
    ),
    b"GET @URL@ HTTP/1.0\r\nx-sessioncookie: c00kie\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n"
    b"@SECOND@POST @URL@ HTTP/1.0\r\nx-sessioncookie: c00kie\r\nContent-Length: 32767\r\n"
    b"Content-Type: application/x-rtsp-tunnelled\r\n\r\n"
    + base64.b64encode(
        b"OPTIONS rtsp://127.0.0.1/a RTSP/1.0\r\nCSeq: 1\r\n\r\n"
        b"DESCRIBE rtsp://127.0.0.1/a RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\n\r\n"
        b"SETUP rtsp://127.0.0.1/a/stream=0 RTSP/1.0\r\nCSeq: 3\r\n" + _TCP + b"\r\n\r\n"
    ),
)  # fmt: skip


class Talk:
    """One conversation."""

    def __init__(self, url, kind, luck, pause_s=PAUSE_S):
        """``kind``: by which way to log in, if at all. ``pause_s``: an answer is waited for."""
        self._url = url
        self._kind = kind
        self._luck = luck
        self._pause_s = pause_s
        host, port = url.split("/")[2].split(":")
        self._place = (host, int(port))
        self._heard = b""
        self._nonce = None

    def hold(self, data, manner):
        """All that was heard, until the server ends it; after what is broken off, less."""
        with contextlib.ExitStack() as stack:
            lines = []
            for part in data.split(b"@SECOND@")[:3]:
                if lines:
                    self._listen(lines[-1], rb"\r\n\r\n")
                line = stack.enter_context(socket.create_connection(self._place, _HANGS_S))
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                lines.append(line)
                self._say(line, part.replace(b"@URL@", self._url.encode()))
                if manner < 0.1:  # it is closed unread, or by a reset
                    if manner < 0.05:
                        reset = struct.pack("ii", 1, 0)
                        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                    return self._heard
            for line in lines[::-1] if manner < 0.5 else lines:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_WR)
                while self._hear(line, _HANGS_S):
                    pass
        return self._heard

    def _say(self, line, part):
        """Send a part; where a word is to be filled in, hear first what came before it."""
        for piece in re.split(rb"(@LOGIN [A-Z_]+@\r\n|@SESSION@)", part):
            if piece == b"@SESSION@":
                self._listen(line, rb"Session: ([^;\r\n]+)")
                found = re.findall(rb"Session: ([^;\r\n]+)", self._heard)
                piece = found[-1] if found else b"0"
            elif piece.startswith(b"@LOGIN "):
                piece = self._login(line, piece[len(b"@LOGIN ") : -3].decode())
            line.settimeout(_HANGS_S)
            cut = self._luck.randint(0, len(piece))
            for half in (piece[:cut], piece[cut:]):
                try:
                    line.sendall(half)
                except socket.timeout:
                    raise AssertionError("the server reads no more") from None
                except OSError:  # it has hung up, which is its right
                    return

    def _login(self, line, method):
        if self._kind == "basic":
            told = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            return f"Authorization: Basic {told}\r\n".encode()
        if self._kind != "digest":
            return b""
        if self._nonce is None:  # by another connection, for this one may be amid a request
            with socket.create_connection(self._place, _HANGS_S) as other:
                other.sendall(f"DESCRIBE {self._url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
                self._nonce = re.search(rb'nonce="([^"]+)"', other.recv(4096)).group(1)
        nonce = self._nonce.decode()
        secret = _md5(f"{USER}:jetwatch:{PASSWORD}")
        answer = _md5(f"{secret}:{nonce}:{_md5(f'{method}:{self._url}')}")
        return (
            f'Authorization: Digest username="{USER}", realm="jetwatch", nonce="{nonce}", '
            f'uri="{self._url}", response="{answer}"\r\n'
        ).encode()

    def _listen(self, line, wanted):
        while not re.search(wanted, self._heard):
            if not self._hear(line, self._pause_s):
                break

    def _hear(self, line, seconds):
        """Whether anything more was said. Raises AssertionError where the end does not come."""
        line.settimeout(seconds)
        try:
            block = line.recv(65536)
        except socket.timeout:
            assert seconds < _HANGS_S, "the server hangs"
            return False
        except OSError:
            return False
        self._heard = (self._heard + block)[-(1 << 20) :]
        return bool(block)


def _md5(text):
    return hashlib.md5(text.encode()).hexdigest()
