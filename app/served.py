"""served: what may stand under rtsp: and http: in a config: where, how and to whom."""

import os
import stat
from typing import Any, Iterator, Optional

from app import away, kinds
from app.kinds import Flag, Number, Text, Whole
from app.media.camera import Login
from app.media.mount import RtspSettings
from app.references import FilePath, Secret
from app.service.http import HttpSettings
from app.settings import Complaint, Group, Setting

_MOST_BYTES = 1 << 20


class _Pem(FilePath):
    """A file with a key and its certificate. What is in it is never shown."""

    def read(self, node: Any, place: str, report: kinds.Report) -> Any:
        path = super().read(node, place, report)
        if path is None:
            return None
        try:
            text = b""
            if not stat.S_ISFIFO(os.stat(path).st_mode):  # a pipe would be waited for
                with open(path, "rb") as file:
                    text = file.read(_MOST_BYTES)
        except OSError as error:
            away.check(path)
            return report.wrong(
                node, place, f"names {path}, which cannot be read: {error.strerror}"
            )
        if b"PRIVATE KEY-----" not in text or b"BEGIN CERTIFICATE-----" not in text:
            return report.wrong(
                node, place, f"names {path}, which must hold a key and its certificate, in PEM"
            )
        if b"ENCRYPTED" in text:
            return report.wrong(
                node, place, f"names {path}, whose key has a passphrase; it must have none"
            )
        return path


def _rtsp(user: str, password: str, **rest: Any) -> RtspSettings:
    return RtspSettings(login=Login(user, password), **rest)


def _unsafe(settings: RtspSettings) -> Iterator[Complaint]:
    """A login that is half there, or that anybody on the way could read."""
    user, password = settings.login
    if user and not password:
        text = "is needed where user is given: {env: NAME} or {file: PATH}, and not empty"
        yield Complaint(("password",), text)
    if password and not user:
        yield Complaint(("user",), "is needed where password is given")
    if settings.auth == "basic" and not settings.certificate:
        text = "must be digest, or have a certificate beside it: basic sends the password as it is"
        yield Complaint(("auth",), text)


def _said(text: str) -> Optional[str]:
    return None if text.strip() else "must not be empty"


def _user(text: str) -> Optional[str]:
    plain = text.isprintable() and not set(text) & set('":\\')
    return None if plain else "must be without quotes, colons, backslashes and line ends"


RTSP = Group(
    _rtsp,
    (
        Setting("address", Text(check=_said), "127.0.0.1", "0.0.0.0 = everywhere"),
        Setting("port", Whole(1, 65535), 8554, "TCP port"),
        Setting("bitrate_kbps", Whole(50, 100000), 2500, "H.264 bit rate"),
        Setting("keyframe_s", Number(0.1, 60), 1.0, "seconds between key frames"),
        Setting("viewers", Whole(1, 500), 16, "at once, of all cameras; others are told 503"),
        Setting("mosaic", Flag(), False, "serve rtsp://ADDRESS:PORT/mosaic: all cameras in one"),
        Setting("user", Text(check=_user), "", "the name that viewers must give; absent: none"),
        Setting("password", Secret(), "", "its password: {env: NAME} or {file: PATH}"),
        Setting("auth", Text(("digest", "basic")), "digest", "basic only with a certificate"),
        Setting("certificate", _Pem(), "", "PEM file with key and certificate: serve rtsps://"),
    ),
    _unsafe,
)

HTTP = Group(
    HttpSettings,
    (
        Setting("address", Text(check=_said), "127.0.0.1", "0.0.0.0 = everywhere"),
        Setting("port", Whole(1, 65535), 8080, "TCP port"),
    ),
)
