from app.core.outage import Outage
from tests.journals import Clock


def test_an_output_that_works_says_nothing(caplog):
    one = Outage("film", "pictures", Clock())
    assert not one.waits()
    one.worked()
    assert not caplog.records


def test_one_warning_when_it_begins_and_one_when_it_is_over(caplog):
    clock = Clock()
    one = Outage("film", "pictures", clock)
    for _ in range(3):
        one.failed("disk full")
        assert one.waits() and one.waits()
        clock.now += 5
        assert not one.waits()
    one.worked()
    one.worked()
    assert [record.getMessage() for record in caplog.records] == [
        "film: disk full; all else goes on, it is tried again",
        "film is written again, 9 pictures are lost",
    ]
    caplog.clear()
    one.failed("again")
    one.worked()
    assert "1 pictures are lost" in caplog.text
