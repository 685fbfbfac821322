from app.stages.show import Show
from tests.doubles import frame


def test_of_each_camera_the_newest_picture_is_kept():
    show = Show()
    assert show.newest("cam") is None
    given = [frame(0)._replace(captured=1.0), frame(0, "other"), frame(1)._replace(captured=2.0)]
    assert list(show.run(iter(given))) == given
    assert show.newest("cam").captured == 2.0 and show.newest("cam").image is given[2].image
    assert show.newest("other").image is given[1].image
    assert show.newest("third") is None
