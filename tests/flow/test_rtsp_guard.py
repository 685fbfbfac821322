"""Who may watch: a user and a password, and TLS, asked with GStreamer's and FFmpeg's clients."""

import base64
import socket
import subprocess

import pytest

from app.errors import OutputError
from app.media.camera import Login
from app.media.mount import RtspSettings, bindings
from app.media.rtsp import check, serving
from tests import needs
from tests.on_air import on_air
from tests.viewer import SOON_S, Viewer, ask, ffmpeg_viewer

DIGEST = RtspSettings(port=0, login=Login("bob", "s3cr@t pass"))


@pytest.fixture(autouse=True)
def gstreamer():
    needs.gstreamer("GstRtspServer")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Made anew: nobody keeps a key in the repository."""
    if not bindings().Gio.TlsBackend.get_default().supports_tls():
        pytest.skip("GLib has no TLS here (glib-networking)")
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    parts = [path.with_suffix(".key"), path.with_suffix(".crt")]
    try:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             "/CN=127.0.0.1", "-keyout", str(parts[0]), "-out", str(parts[1])],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("openssl is not here to make a certificate")
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def with_login(url, login):
    return url.replace("://", f"://{login}@")


RIGHT, WRONG = "bob:s3cr%40t%20pass", "bob:wr0ng"


def ffmpeg_sees(url, count=5):
    with ffmpeg_viewer(url, count) as child:
        _, errors = child.communicate(timeout=SOON_S)
        return child.returncode == 0, errors


def test_with_digest_the_right_password_plays_and_no_other():
    with on_air(settings=DIGEST) as (server, _):
        url = server.url("a")
        assert ask(url).split()[1] == b"401"
        with Viewer(url, user_id="bob", user_pw="s3cr@t pass") as viewer:
            viewer.see(10)
        assert ffmpeg_sees(with_login(url, RIGHT)) == (True, b"")
        for wrong in ({}, {"user_id": "bob", "user_pw": "wr0ng"}, {"user_id": "eve"}):
            with Viewer(url, **wrong) as viewer:
                assert "nauthorized" in viewer.refused()
        seen, errors = ffmpeg_sees(with_login(url, WRONG))
        assert not seen and b"only 0 pictures" in errors
        assert server.viewers("a") == 0


@pytest.mark.parametrize("login", ["", "Authorization: Basic {}\r\n"])
def test_with_digest_a_password_in_the_clear_is_not_taken(login):
    told = base64.b64encode(b"bob:s3cr@t pass").decode()
    wanted = login.format(told) + BY_TCP
    with serving(DIGEST, ["a"]) as server:
        assert ask(server.url("a"), "DESCRIBE", wanted).split()[1] == b"401"
        assert ask(server.url("a") + "/stream=0", "SETUP", wanted).split()[1] == b"401"
        assert not server.stats("a").running


def test_every_mount_is_guarded():
    settings = DIGEST._replace(mosaic=True)
    with serving(settings, ["a", "b"]) as server:
        for name in ("a", "b", "mosaic"):
            assert ask(server.url(name)).split()[1] == b"401"


BY_TCP = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
SDP = "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"


@pytest.mark.parametrize("auth", ["digest", "basic"])
@pytest.mark.parametrize(
    "method, header",
    [
        ("DESCRIBE", "Accept: application/sdp"),
        ("SETUP", BY_TCP),
        ("SETUP", "Transport: nonsense"),
        ("ANNOUNCE", SDP),
        ("PLAY", "Range: npt=0-"),
        ("OPTIONS", "Accept: application/sdp"),
        ("GET_PARAMETER", "Accept: application/sdp"),
        ("NONSENSE", "Accept: application/sdp"),
    ],
)
def test_without_a_login_no_guess_at_a_name_tells_whether_there_is_one(auth, method, header):
    """GStreamer's own 404 for what is not there would tell the names of the cameras, by and by."""
    with serving(DIGEST._replace(auth=auth), ["a"]) as server:
        there, absent = (ask(server.url(name), method, header) for name in ("a", "b"))
        assert there == absent
        if method not in ("OPTIONS", "NONSENSE"):
            assert there.split()[1] == b"401"
        assert not server.stats("a").running


def test_after_the_login_what_is_not_there_is_404():
    told = "Authorization: Basic " + base64.b64encode(b"bob:s3cr@t pass").decode()
    with serving(DIGEST._replace(auth="basic"), ["a"]) as server:
        assert ask(server.url("b"), "DESCRIBE", told).split()[1] == b"404"
        assert ask(server.url("b"), "SETUP", told + "\r\n" + BY_TCP).split()[1] == b"404"
    with serving(DIGEST, ["a"]) as server, Viewer(
        server.url("b"), user_id="bob", user_pw="s3cr@t pass"
    ) as viewer:
        assert "ot found" in viewer.refused() or "404" in viewer.refused()


@pytest.mark.parametrize("auth", ["digest", "basic"])
def test_with_tls_the_right_password_plays(certificate, auth):
    settings = DIGEST._replace(auth=auth, certificate=str(certificate))
    with on_air(settings=settings) as (server, _):
        url = server.url("a")
        assert url.startswith("rtsps://")
        loose = {"tls_validation_flags": 0}  # it is signed by nobody
        with Viewer(url, user_id="bob", user_pw="s3cr@t pass", **loose) as viewer:
            viewer.see(10)
        with Viewer(url, user_id="bob", user_pw="wr0ng", **loose) as viewer:
            assert "nauthorized" in viewer.refused()
        seen, errors = ffmpeg_sees(with_login(url, RIGHT))
        assert seen, errors


def test_tls_alone_needs_no_password_and_keeps_plain_clients_out(certificate):
    settings = RtspSettings(port=0, certificate=str(certificate))
    with on_air(settings=settings) as (server, _):
        url = server.url("a")
        host, port = url.split("/")[2].split(":")
        silent = socket.create_connection((host, int(port)))  # it never shakes hands
        with silent, Viewer(url, tls_validation_flags=0) as viewer:
            viewer.see(5)
        with Viewer(url.replace("rtsps", "rtsp")) as viewer:
            assert viewer.refused()
        with Viewer(url, tls_validation_flags=0) as viewer:
            viewer.see(5)


def test_a_certificate_without_its_key_is_one_clear_line(certificate, tmp_path):
    path = tmp_path / "half.pem"
    path.write_bytes(certificate.with_suffix(".key").read_bytes())
    with pytest.raises(OutputError, match="half.pem is no certificate.*openssl req"):
        check(RtspSettings(port=0, certificate=str(path)))
    with pytest.raises(OutputError, match="none.pem is no certificate"):
        check(RtspSettings(port=0, certificate=str(tmp_path / "none.pem")))


def test_a_login_shows_in_no_repr():
    assert "s3cr" not in repr(DIGEST) and "bob" not in repr(DIGEST)
