import threading
import time

from app.bench.client import Client
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
    assert "client" not in [thread.name for thread in threading.enumerate()]


def test_a_picture_without_a_stamp_is_seen_all_the_same():
    began = time.monotonic()
    client = Client("test://?size=128x96&fps=50")
    wait_for(lambda: len(client.seen(began, began + 60)) >= 3)
    client.close()
    assert {one.stamp for one in client.seen(began, began + 60)} == {None}
