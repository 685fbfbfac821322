"""camera: one source of pictures and how to read it."""

from typing import List, NamedTuple, Optional, Tuple
from urllib.parse import quote

from app.media.uri import Kind, Uri


class Login(NamedTuple):
    user: str
    password: str

    def __repr__(self) -> str:
        return "<Login ***>" if self.user or self.password else "<Login none>"


class Camera(NamedTuple):
    name: str
    uri: Uri
    realtime: Optional[bool] = None  # play a file at its own speed; None: when it is served
    loop: bool = False  # begin a file or folder again when it ends
    size_wh: Optional[Tuple[int, int]] = None  # asked of v4l2, csi and test; others are scaled
    fps: Optional[float] = None  # asked of v4l2, csi and test
    most_fps: Optional[float] = None  # pictures that come sooner are left out
    latency_ms: int = 200  # rtsp: how long a late packet is waited for
    transport: str = "tcp"  # rtsp: "tcp" or "udp"
    user: str = ""  # used instead of the one in the URI
    password: str = ""
    timeout_s: float = (
        4.5  # a live camera without a picture for so long is lost, and let go within 5 s
    )

    @property
    def login(self) -> Login:
        if self.user or self.password:
            return Login(self.user, self.password)
        return Login(self.uri.user, self.uri.password)

    @property
    def wanted_wh(self) -> Optional[Tuple[int, int]]:
        return self.size_wh or self.uri.size_wh

    @property
    def wanted_fps(self) -> Optional[float]:
        return self.fps or self.uri.fps

    @property
    def shown(self) -> str:
        """Where it is, for people and logs."""
        return self.uri.shown

    def scrubbed(self, text: str) -> str:
        """A foreign library's words without this camera's secrets."""
        if self.uri.kind in (Kind.RTSP, Kind.HTTP):
            text = text.replace(self.uri.location, self.shown)
        secrets = set(_written(self.password) + _written(self.uri.password))
        for user in _written(self.user) + _written(self.uri.user):
            secrets |= {user + ":", user + "@"}  # alone it may be part of any word
        # the longest first: one may be within another
        for secret in sorted(secrets, key=lambda secret: (-len(secret), secret)):
            text = text.replace(secret, "***")
        return text

    def __repr__(self) -> str:
        return f"<Camera {self.name} {self.shown}>"


def _written(secret: str) -> List[str]:
    """The forms in which a library may write a secret."""
    return [secret, quote(secret, safe="")] if secret else []
