import pytest

from app.errors import ConfigError
from app.media.uri import Kind, parse, redacted


@pytest.mark.parametrize(
    "text, kind, location, shown",
    [
        ("clip.mp4", Kind.FILE, "clip.mp4", "clip.mp4"),
        ("a b/c#d?.mp4", Kind.FILE, "a b/c#d?.mp4", "a b/c#d?.mp4"),
        ("file:///a%20b.mp4", Kind.FILE, "/a b.mp4", "/a b.mp4"),
        ("pictures/", Kind.FOLDER, "pictures/", "pictures/"),
        ("/", Kind.FOLDER, "/", "/"),
        ("rtsp://cam/x", Kind.RTSP, "rtsp://cam/x", "rtsp://cam/x"),
        ("RTSP://cam:554/x?y=1", Kind.RTSP, "rtsp://cam:554/x?y=1", "rtsp://cam:554/x?y=1"),
        ("rtsps://[fe80::1]:322/", Kind.RTSP, "rtsps://[fe80::1]:322/", "rtsps://[fe80::1]:322/"),
        ("http://cam/mjpg", Kind.HTTP, "http://cam/mjpg", "http://cam/mjpg"),
        ("/dev/video2", Kind.V4L2, "/dev/video2", "v4l2:///dev/video2"),
        ("v4l2://0", Kind.V4L2, "/dev/video0", "v4l2:///dev/video0"),
        ("v4l2:///dev/video1?fps=15", Kind.V4L2, "/dev/video1", "v4l2:///dev/video1?fps=15"),
        ("csi://1?flip=0", Kind.CSI, "1", "csi://1?flip=0"),
        ("csi://", Kind.CSI, "0", "csi://0"),
        ("test://", Kind.TEST, "", "test://"),
        ("test://?size=640x480&fps=29.97&frames=3", Kind.TEST, "", None),
    ],
)
def test_each_form(text, kind, location, shown):
    uri = parse(text)
    assert (uri.kind, uri.location) == (kind, location)
    assert uri.shown == str(uri) == (text if shown is None else shown)
    assert uri.live == (kind not in (Kind.FILE, Kind.FOLDER))


def test_a_folder_is_known_by_looking(tmp_path):
    assert parse(str(tmp_path)).kind is Kind.FOLDER
    assert parse("file://" + str(tmp_path)).kind is Kind.FOLDER


def test_options_are_read():
    uri = parse("test://?size=640x480&fps=29.97&frames=3")
    assert (uri.size_wh, uri.fps, uri.options["frames"]) == ((640, 480), 29.97, "3")
    assert (parse("test://").size_wh, parse("test://").fps) == (None, None)


def test_credentials_are_split_off_decoded_and_never_shown():
    uri = parse("rtsp://b%6Fb:p%40s%2Fs%3A@cam:554/h264?token=t0k&x=1")
    assert (uri.user, uri.password) == ("bob", "p@s/s:")
    assert uri.location == "rtsp://cam:554/h264?token=t0k&x=1"
    for text in (repr(uri), str(uri), uri.shown, f"{uri}"):
        assert "rtsp://***@cam:554/h264?token=***&x=1" in text
        for secret in ("bob", "b%6Fb", "p@s", "p%40s", "t0k"):
            assert secret not in text


@pytest.mark.parametrize(
    "query, shown",
    [
        ("?password=a&b=1", "?password=***&b=1"),
        ("?x=1&PWD=a", "?x=1&PWD=***"),
        ("?api_key=a;auth=b", "?api_key=***;auth=***"),
        ("?access-token=a#f", "?access-token=***#f"),
        ("/user=admin_password=a_channel=1", "/user=admin_password=***"),
        ("?loginuse=a&loginpas=b&x=1", "?loginuse=a&loginpas=***&x=1"),
        ("?psw=a&usr=b", "?psw=***&usr=b"),
        ("?pw=a&userpw=b", "?pw=***&userpw=***"),
        ("?channel=1&subtype=0", "?channel=1&subtype=0"),
    ],
)
def test_what_looks_like_a_secret_in_a_path_is_not_shown(query, shown):
    assert parse("http://cam" + query).shown == "http://cam" + shown


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "must not be empty"),
        ("rstp://cam/x", "did you mean rtsp://?"),
        ("gopher://cam/x", "rtsp(s)://host/path"),
        ("rtsp://", "bad host name"),
        ("rtsp://cam:99999/", "port"),
        ("rtsp://cam:port/", "port"),
        ("file://clip.mp4", "three slashes"),
        ("v4l2://camera", "v4l2:///dev/video0"),
        ("csi://left", "a sensor's number"),
        ("test://cam", "takes only options"),
        ("test://?fsp=1", "did you mean fps?"),
        ("test://?size=0x480", "size=1280x720"),
        ("test://?fps=0", "fps=30"),
        ("test://?fps=", "fps=30"),
        ("test://?frames=-1", "frames=300"),
        ("v4l2://0?format=h264", "format=mjpeg"),
        ("csi://0?flip=8", "flip=0"),
    ],
)
def test_mistakes_are_named_with_the_way_out(text, said):
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "rstp://bob:s3cret@cam/x",
        "rtsp://bob:s3cret/y@cam/x",
        "rtsp://bob:12/s3cret@cam/x",  # 12 could be a port, and the path would hold the rest
        "rtsp://bob:12?s3cret@cam/x",
        "rtsp://bob:a@b/s3cret@cam/x",
        "rtsp://bob:s3cret@cam:port/x",
        "rtsp://bob:s3cret@",
        "nosuch://cam/x?password=s3cret",
        "rtsp:/admin:s3cret@10.0.0.1/x",
        "rtsp//admin:s3cret@10.0.0.1/x",
        "rtsp:admin:s3cret/y@10.0.0.1/x",
        "admin:s3cret@10.0.0.1:554/x",
        "file://admin:s3cret@h/x",
        "file:///admin:s3cret@h/x",
        "rtsp:/10.0.0.1/x?loginpas=s3cret",
        "csi://admin:s3cret@h",
        "v4l2://admin:s3cret@h",
        "test://admin:s3cret@h",
        "test://?size=admin:s3cret@h",
        "test://?admin:s3cret@h=1",
    ],
)
def test_no_mistake_shows_a_secret(text):
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in redacted(text)


def test_a_file_that_is_there_may_have_any_name(tmp_path):
    path = tmp_path / "cam:1@door password=x.mp4"
    path.write_bytes(b"film")
    assert parse(str(path)).kind is Kind.FILE
    assert parse(f"file://{path}").location == str(path)
