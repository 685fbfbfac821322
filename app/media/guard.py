"""guard: who may watch: a user and a password, and TLS."""

import functools
from typing import Any, Set

from app.errors import OutputError
from app.media.mount import Bindings, RtspSettings

_ROLE = "viewer"
_REALM = "jetwatch"
# Of the checks that GStreamer asks for: that of a request, before it is obeyed, and one that begins
# with the login.
_OF_ANY_REQUEST = "auth.check.url"
_OF_THE_LOGIN = "auth.check.transport.client-settings"


def guard(settings: RtspSettings, rtsp: Bindings) -> Any:
    """
    GStreamer's RTSPAuth for the settings, or None where everybody may watch in the clear. Raises
    OutputError where the certificate cannot be used.
    """
    if not (settings.login.user or settings.certificate):
        return None
    auth = _login_first(rtsp)() if settings.login.user else rtsp.Server.RTSPAuth.new()
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


@functools.lru_cache(maxsize=None)
def _login_first(rtsp: Bindings) -> Any:
    """
    A kind of RTSPAuth that wants the login before it looks at the path. GStreamer's own asks once
    it has found what the path names, so that whoever guesses learns by a 404 what there is not.
    """

    base: Any = rtsp.Server.RTSPAuth
    methods = rtsp.Rtsp.RTSPMethod
    harmless = (methods.OPTIONS, methods.INVALID)  # which tell nothing, and are not digested

    class Auth(base):  # type: ignore[misc]
        def do_check(self, context: Any, check: str) -> bool:
            if check != _OF_ANY_REQUEST or context.method in harmless:
                return bool(base.do_check(self, context, check))
            # This one says 401, and with what to answer, to who is not known, and allows nothing.
            base.do_check(self, context, _OF_THE_LOGIN)
            return context.token is not None

    return Auth


def vacate(pool: Any, empty: Set[Any]) -> Set[Any]:
    """
    End the sessions that have no stream and were ``empty`` before; those that are so now. A viewer
    that breaks off leaves one behind, which would take another's place until it times out; one
    that is being set up has none for a moment.
    """
    now = {session for session in pool.filter(None) if not session.filter(None)}
    for session in now & empty:
        pool.remove(session)
    return now - empty


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
