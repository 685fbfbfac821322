"""guard: who may watch: a user and a password, and TLS."""

from typing import Any

from app.errors import OutputError
from app.media.mount import Bindings, RtspSettings

_ROLE = "viewer"
_REALM = "jetwatch"


def guard(settings: RtspSettings, rtsp: Bindings) -> Any:
    """
    GStreamer's RTSPAuth for the settings, or None where everybody may watch in the clear. Raises
    OutputError where the certificate cannot be used.
    """
    if not (settings.login.user or settings.certificate):
        return None
    auth = rtsp.Server.RTSPAuth.new()
    auth.set_realm(_REALM)
    token = rtsp.Server.RTSPToken()
    token.set_string("media.factory.role", _ROLE)
    methods = rtsp.Rtsp.RTSPAuthMethod
    user, password = settings.login
    if not user:
        auth.set_default_token(token)
    elif settings.auth == "basic":
        auth.set_supported_methods(methods.BASIC)
        auth.add_basic(rtsp.Server.RTSPAuth.make_basic(user, password), token)
    else:
        auth.set_supported_methods(methods.DIGEST)
        auth.add_digest(user, password, token)
    if settings.certificate:
        auth.set_tls_certificate(certificate(settings.certificate, rtsp))
    return auth


def admit(factory: Any, rtsp: Bindings) -> None:
    """Let those whom guard() knows watch what a factory makes."""
    permissions = rtsp.Server.RTSPPermissions()
    permissions.add_permission_for_role(_ROLE, "media.factory.access", True)
    permissions.add_permission_for_role(_ROLE, "media.factory.construct", True)
    factory.set_permissions(permissions)


def certificate(path: str, rtsp: Bindings) -> Any:
    """A PEM file's certificate, with its key. Raises OutputError where there is none."""
    if not rtsp.Gio.TlsBackend.get_default().supports_tls():
        raise OutputError("GLib has no TLS here. Run: sudo apt install glib-networking")
    try:
        return rtsp.Gio.TlsCertificate.new_from_file(path)
    except rtsp.GLib.Error as exc:
        raise OutputError(
            f"{path} is no certificate for RTSP: {exc.message}. It must hold a key without a "
            "passphrase and its certificate, in PEM. To make one: openssl req -x509 -nodes "
            f"-newkey rsa:2048 -days 3650 -subj /CN=jetwatch -keyout {path} -out {path}.crt; "
            f"cat {path}.crt >> {path}"
        ) from exc
