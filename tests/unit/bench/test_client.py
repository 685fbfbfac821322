import logging
import threading
import time

from app.bench.client import Client, of_others
from app.bench.trial import free_port
from app.media import uri
from app.media.camera import Camera
from app.media.reader import open_source
from tests import needs
from tests.viewer import wait_for


def test_it_reads_the_stamp_of_each_picture_and_when_it_came():
    """A pattern bears the same stamps as what is published."""
    began = time.monotonic()
    client = Client("test://?size=320x240&fps=50")
    wait_for(lambda: len(client.seen(began, began + 60)) >= 10)
    client.close()
    seen = client.seen(began, time.monotonic())
    assert [one.stamp.number for one in seen[:10]] == list(range(10))
    assert all(0 <= one.stamp.age_s(one.when) < 5 for one in seen)
    middle = seen[4].when
    assert client.seen(middle, began + 60) == seen[4:] and client.seen(0, began) == []
    assert "bench client" not in [thread.name for thread in threading.enumerate()]


def test_only_our_own_client_is_not_heard():
    """A user's camera that cannot be reached is to be told of at once."""
    needs.gstreamer()
    logger, heard = logging.getLogger("app.media.live"), []
    keeper = logging.Handler()
    keeper.emit = heard.append
    logger.addFilter(of_others)
    logger.addHandler(keeper)
    try:
        url = f"rtsp://127.0.0.1:{free_port()}/nothing"
        client = Client(url)
        wait_for(lambda: client._source.state.startswith("lost"))
        client.close()
        assert heard == []
        stop = threading.Event()
        camera = open_source(Camera("mine", uri.parse(url)))
        thread = threading.Thread(target=lambda: list(camera.frames(stop)))
        thread.start()
        wait_for(lambda: heard)
        stop.set()
        thread.join()
        assert "mine is lost" in heard[0].getMessage()
    finally:
        logger.removeFilter(of_others)
        logger.removeHandler(keeper)


def test_a_picture_without_a_stamp_is_seen_all_the_same():
    began = time.monotonic()
    client = Client("test://?size=128x96&fps=50")
    wait_for(lambda: len(client.seen(began, began + 60)) >= 3)
    client.close()
    assert {one.stamp for one in client.seen(began, began + 60)} == {None}
