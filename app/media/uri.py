"""uri: where pictures come from, as one line of text; secrets are split off and never shown."""

import difflib
import enum
import os
import re
from types import MappingProxyType
from typing import Dict, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import parse_qsl, unquote

from app.errors import ConfigError

FORMS = (
    "a file or folder, rtsp(s)://host/path, http(s)://host/path (MJPEG), "
    "v4l2:///dev/video0, csi://0 or test://?size=1280x720&fps=30"
)

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
# With the scheme kept where there is one; "rtsp:/user:password@host" has none.
_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", re.DOTALL)
_SECRET = re.compile(
    r"((?:[a-z0-9-]*(?:pas|psw|pwd|psk|token|key|secret|auth|sign)[a-z0-9_-]*|pw|sig)=)"
    r"[^&;#/\s]*",
    re.I,
)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s:@\[\]/]+)(?::([0-9]{1,5}))?")
_SIZE = re.compile(r"([1-9][0-9]{0,3})x([1-9][0-9]{0,3})")


class Kind(enum.Enum):
    FILE = "file"
    FOLDER = "folder"
    RTSP = "rtsp"
    HTTP = "http"
    V4L2 = "v4l2"
    CSI = "csi"
    TEST = "test"


_SCHEMES: Dict[str, Kind] = {
    "file": Kind.FILE,
    "rtsp": Kind.RTSP,
    "rtsps": Kind.RTSP,
    "http": Kind.HTTP,
    "https": Kind.HTTP,
    "v4l2": Kind.V4L2,
    "csi": Kind.CSI,
    "test": Kind.TEST,
}

_OPTIONS: Dict[Kind, Tuple[str, ...]] = {
    Kind.V4L2: ("size", "fps", "format"),
    Kind.CSI: ("size", "fps", "flip"),
    Kind.TEST: ("size", "fps", "frames"),
}


class Uri(NamedTuple):
    """
    One place where pictures come from.

    ``location`` is what the library wants to be told: a path, a device, a sensor's number, or a
    URL without its credentials. It can still hold a token in its query: show ``shown`` instead.
    """

    kind: Kind
    location: str
    user: str = ""
    password: str = ""
    options: Mapping[str, str] = MappingProxyType({})

    @property
    def live(self) -> bool:
        """True where what is missed is gone: everything but files and folders."""
        return self.kind not in (Kind.FILE, Kind.FOLDER)

    @property
    def shown(self) -> str:
        """The form for people and logs: no credentials, no secret in the query."""
        if self.kind in (Kind.FILE, Kind.FOLDER):
            return self.location
        if self.kind in (Kind.RTSP, Kind.HTTP):
            shown = _SECRET.sub(r"\1***", self.location)
            return shown.replace("://", "://***@", 1) if self.user or self.password else shown
        options = "&".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.kind.value}://{self.location}" + ("?" + options if options else "")

    @property
    def size_wh(self) -> Optional[Tuple[int, int]]:
        """Width and height asked for by ?size=WxH."""
        match = _SIZE.fullmatch(self.options.get("size", ""))
        return (int(match.group(1)), int(match.group(2))) if match else None

    @property
    def fps(self) -> Optional[float]:
        """Pictures a second asked for by ?fps=N."""
        return float(self.options["fps"]) if "fps" in self.options else None

    def __repr__(self) -> str:
        return f"<Uri {self.kind.value} {self.shown}>"

    def __str__(self) -> str:
        return self.shown


def parse(text: str) -> Uri:
    """Read one source as people write it. Raises ConfigError, with no secret in it."""
    text = text.strip()
    if not text:
        raise ConfigError(f"a source must not be empty. It can be {FORMS}")
    if "\0" in unquote(text):
        raise ConfigError("a source must not hold the character 0, which no path and no URL has")
    match = _SCHEME.fullmatch(text)
    if match is None:
        return _device(text) if re.fullmatch(r"/dev/video[0-9]+", text) else _path(text)
    scheme, rest = match.group(1).lower(), match.group(2)
    kind = _SCHEMES.get(scheme)
    if kind is None:
        near = difflib.get_close_matches(scheme, _SCHEMES, 1)
        hint = f" (did you mean {near[0]}://?)" if near else ""
        raise ConfigError(f"{redacted(text)}: unknown scheme {scheme}://{hint}. Use {FORMS}")
    if kind is Kind.FILE:
        return _file_url(text, rest)
    if kind in (Kind.RTSP, Kind.HTTP):
        return _network(text, kind, scheme, rest)
    location, _, query = rest.partition("?")
    options = _read_options(text, kind, query)
    if kind is Kind.V4L2:
        return _device(unquote(location), options)
    if kind is Kind.CSI:
        return _sensor(text, location, options)
    if location.strip("/"):
        raise ConfigError(
            f"{redacted(text)}: test:// takes only options, as in test://?size=1280x720&fps=30"
        )
    return Uri(kind, "", options=options)


def redacted(text: str) -> str:
    """Any text that may be a URI, well formed or not, without what could be a secret in it."""
    return _SECRET.sub(r"\1***", _USERINFO.sub(r"\1***@", text))


def _path(text: str) -> Uri:
    path = os.path.expanduser(text)
    if redacted(text) != text and not os.path.exists(path):  # a URL whose scheme is mistyped?
        raise ConfigError(f"{redacted(text)}: there is no such file, and it is no URL. Use {FORMS}")
    folder = path.endswith("/") or os.path.isdir(path)
    return Uri(Kind.FOLDER if folder else Kind.FILE, path)


def _file_url(text: str, rest: str) -> Uri:
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash or not path:
        raise ConfigError(
            f"{redacted(text)}: a file URL has three slashes, as in file:///videos/clip.mp4"
        )
    return _path("/" + unquote(path))


def _network(text: str, kind: Kind, scheme: str, rest: str) -> Uri:
    end = re.search(r"[/?#]", rest)
    authority, path = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    userinfo, at, host = authority.rpartition("@")
    match = _HOST.fullmatch(host)
    # An @ further on is most likely the end of a password that holds a / or a ?: never guess.
    if match is None or int(match.group(1) or 0) > 65535 or "@" in path:
        hint = " (write / ? # @ : in a password or path as %2F %3F %23 %40 %3A)"
        hint = hint if "@" in rest else ""
        raise ConfigError(
            f"{redacted(text)}: bad host name, port or password{hint}. "
            f"It should read {scheme}://user:password@host:port/path"
        )
    user, _, password = userinfo.partition(":")
    return Uri(kind, f"{scheme}://{host}{path}", unquote(user), unquote(password))


def _device(path: str, options: Optional[Mapping[str, str]] = None) -> Uri:
    if re.fullmatch(r"/?[0-9]+", path):
        path = "/dev/video" + path.lstrip("/")
    if not path.startswith("/dev/"):
        raise ConfigError(
            f"{redacted('v4l2://' + path)}: not a device. Write v4l2:///dev/video0 or v4l2://0"
        )
    return Uri(Kind.V4L2, path, options=options or {})


def _sensor(text: str, location: str, options: Mapping[str, str]) -> Uri:
    number = location.strip("/") or "0"
    if not re.fullmatch(r"[0-9]{1,2}", number):
        raise ConfigError(f"{redacted(text)}: not a sensor's number. Write csi://0 or csi://1")
    return Uri(Kind.CSI, str(int(number)), options=options)


def _read_options(text: str, kind: Kind, query: str) -> Dict[str, str]:
    known = _OPTIONS[kind]
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in options.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ConfigError(
                f"{redacted(text)}: unknown option {redacted(name)!r}{hint}. "
                f"It takes {', '.join(known)}"
            )
        if not _VALUES[name].fullmatch(value):
            wrong = f"{name}={redacted(value)}"
            raise ConfigError(f"{redacted(text)}: {wrong} is not right. Write {_EXAMPLES[name]}")
    return options


_VALUES = {
    "size": _SIZE,
    "fps": re.compile(r"(?=.*[1-9])[0-9]{1,3}(\.[0-9]{1,3})?"),
    "frames": re.compile(r"[1-9][0-9]{0,8}"),
    "format": re.compile(r"raw|mjpeg"),
    "flip": re.compile(r"[0-7]"),
}
_EXAMPLES = {
    "size": "size=1280x720",
    "fps": "fps=30",
    "frames": "frames=300",
    "format": "format=raw or format=mjpeg",
    "flip": "flip=0 to flip=7 (2 turns the picture round)",
}
