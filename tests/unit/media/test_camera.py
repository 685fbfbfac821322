from app.media.camera import Camera
from app.media.uri import parse


def camera(text, **settings):
    return Camera("door", parse(text), **settings)


def test_a_camera_shows_no_secret():
    each = camera("rtsp://bob:s3cret@cam/x", user="eve", password="hidden")
    for text in (repr(each), str(each), f"{each}", repr(each.login), str(each.login)):
        for secret in ("bob", "s3cret", "eve", "hidden"):
            assert secret not in text


def test_its_own_login_goes_before_the_one_in_the_uri():
    assert tuple(camera("rtsp://bob:s3cret@cam/x").login) == ("bob", "s3cret")
    assert tuple(camera("rtsp://bob:s3cret@cam/x", user="eve").login) == ("eve", "")
    assert tuple(camera("rtsp://cam/x").login) == ("", "")


def test_foreign_words_are_scrubbed():
    each = camera("rtsp://bob:s3%40cret@cam/x?token=t0k")
    text = each.scrubbed("no rtsp://cam/x?token=t0k for bob:s3@cret or bob@ with s3%40cret")
    assert text == "no rtsp://***@cam/x?token=*** for ****** or *** with ***"
    assert camera("v4l2://0").scrubbed("no /dev/video0") == "no /dev/video0"


def test_scrubbing_leaves_words_that_hold_a_user_s_name():
    each = camera("rtsp://cam/x", user="u", password="pa")
    assert each.scrubbed("a picture of u but u:pa") == "a picture of u but ******"


def test_a_secret_within_another_leaves_nothing_of_it():
    each = camera("rtsp://u:pass@cam/x", user="u", password="passw0rd")
    assert each.scrubbed("u@cam passw0rd pass") == "***cam *** ***"


def test_settings_go_before_options():
    each = camera("test://?size=640x480&fps=5")
    assert (each.wanted_wh, each.wanted_fps) == ((640, 480), 5.0)
    each = each._replace(size_wh=(320, 240), fps=10.0)
    assert (each.wanted_wh, each.wanted_fps) == ((320, 240), 10.0)
