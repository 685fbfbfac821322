import pytest

from app import config
from app.errors import ConfigError
from app.media import listen
from app.media.mount import RtspSettings

TWO = "cameras: [{name: a, source: x}, {name: b, source: y}]\ndetect: {model: m}\n"


def wrong(text):
    with pytest.raises(ConfigError) as caught:
        config.parse(text, "demo.yaml")
    return str(caught.value).splitlines()


def test_the_defaults_are_those_of_the_settings():
    assert config.parse(TWO + "rtsp: {}").rtsp == RtspSettings()


def test_a_login_is_kept_and_never_shown(monkeypatch):
    monkeypatch.setenv("RTSP_PASSWORD", "hunter2")
    made = config.parse(TWO + "rtsp: {user: bob, password: {env: RTSP_PASSWORD}}")
    assert made.rtsp.login == ("bob", "hunter2") and made.rtsp.auth == "digest"
    assert "hunter2" not in repr(made) and "bob" not in repr(made.rtsp)


@pytest.mark.parametrize(
    "rtsp, words",
    [
        ("user: bob", "rtsp.password is needed where user is given"),
        ("password: {env: RTSP_PASSWORD}", "rtsp.user is needed where password is given"),
        ("user: bob, password: {env: EMPTY}", "rtsp.password is needed"),
        ("user: bob, password: hunter2", "rtsp.password must be {env: NAME} or {file: PATH}"),
        ("user: 'b:b', password: {env: RTSP_PASSWORD}", "rtsp.user must be without"),
        ("user: bob, password: {env: RTSP_PASSWORD}, auth: basic", "rtsp.auth must be digest, or"),
        ("auth: none", "rtsp.auth must be digest or basic"),
        ("viewers: 0", "rtsp.viewers must be 1 to 500"),
        ("mosaic: 1", "rtsp.mosaic must be true or false"),
        ("certificate: /nowhere/at/all.pem", "cannot be read: No such file"),
        ("certificate: /", "cannot be read: Is a directory"),
        ("certificate: ''", "rtsp.certificate must not be empty"),
    ],
)
def test_one_line_says_what_is_wrong(rtsp, words, monkeypatch):
    monkeypatch.setenv("RTSP_PASSWORD", "hunter2")
    monkeypatch.setenv("EMPTY", "")
    (line,) = wrong(TWO + "rtsp: {%s}" % rtsp)
    assert line.startswith("demo.yaml:3: ") and words in line and "hunter2" not in line


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "must hold a key and its certificate"),
        ("-----BEGIN CERTIFICATE-----", "must hold a key and its certificate"),
        ("-----BEGIN PRIVATE KEY-----", "must hold a key and its certificate"),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----",
            "whose key has a passphrase",
        ),
    ],
)
def test_a_certificate_that_cannot_be_one(text, words, tmp_path):
    path = tmp_path / "server.pem"
    path.write_text(text)
    (line,) = wrong(TWO + "rtsp: {certificate: %s}" % path)
    assert words in line and str(path) in line


def test_a_mosaic_needs_two_cameras_and_its_name():
    one = "cameras: [{name: a, source: x}]\ndetect: {model: m}\nrtsp: {mosaic: true}"
    (line,) = wrong(one)
    assert line.startswith("demo.yaml:3: rtsp.mosaic needs two cameras")
    clash = (
        "cameras:\n- {name: a, source: x}\n- {name: mosaic, source: y}\n"
        "detect: {model: m}\nrtsp: {mosaic: %s}"
    )
    (line,) = wrong(clash % "true")
    assert line.startswith("demo.yaml:3: cameras[1].name 'mosaic' is the mount of rtsp.mosaic")
    assert config.parse(clash % "false").cameras[1].name == "mosaic"


@pytest.mark.parametrize(
    "address, told",
    [("127.0.0.1", False), ("::1", False), ("localhost", False), ("0.0.0.0", True), ("::", True)],
)
def test_a_port_that_others_reach_without_a_password_is_told_of(address, told):
    settings = RtspSettings(address=address)
    assert bool(listen.open_to_all(settings)) == told
    login = settings.login._replace(user="bob", password="x")
    assert listen.open_to_all(settings._replace(login=login)) == ""


def test_the_url_says_whether_it_is_encrypted():
    assert listen.url(RtspSettings(address="0.0.0.0"), "a") == "rtsp://127.0.0.1:8554/a"
    assert listen.url(RtspSettings("::", certificate="x"), "a") == "rtsps://[::1]:8554/a"
