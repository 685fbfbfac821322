from app import console
from app.core.channel import ChannelStats
from app.core.meter import Reading, Sighting, Spread
from app.fetch import Progress
from tests.doubles import FakeSource

LATENCY = Spread("latency", 10, 41.0, 40.0, 55.0)


def reading(**rest):
    known = {
        "frames": 30,
        "objects": 12,
        "objects_now": 1,
        "named_now": (),
        "seconds": 1.0,
        "latency": LATENCY,
        "stages": (Spread("to detect", 10, 1.0, 1.0, 2.0), Spread("detect", 10, 17.0, 16.0, 20.0)),
        "sightings": (Sighting("person", 12, 10, 0.9),),
        "cameras": (("door", 30),),
    }
    known.update(rest)
    return Reading(**known)


def drops(**cameras):
    return {name: ChannelStats(0, 1, 30, dropped) for name, dropped in cameras.items()}


def test_status_is_the_rate_since_the_moment_before():
    before = console.Moment(10.0, reading(frames=10))
    now = console.Moment(12.0, reading(frames=30))
    source = FakeSource(0, "door")
    line = console.status(now, before, drops(door=3), [source])
    assert line == " 10.0 fps | latency 40 ms | 1 object | 3 dropped | 30 frames"
    source.state = "lost: no connection"
    assert console.status(now, before, drops(door=3), [source]).endswith(
        "| door: lost: no connection"
    )


def test_status_says_what_a_classifier_sees():
    named = (Sighting("tabby, tabby cat", 1, 1, 0.874), Sighting("x" * 50, 1, 1, 1.0))
    now = console.Moment(12.0, reading(objects_now=0, named_now=named))
    line = console.status(now, now, drops(door=0), [])
    assert f"| tabby, tabby cat 87%, {'x' * 21}.. 100% |" in line and "object" not in line


def test_summary_names_stages_and_what_was_seen():
    lines = console.summary(reading(), 1.5, drops(door=2))
    assert lines[0] == "30 frames in 1.5 s, 29.0 fps, 2 dropped"
    names = [line.split("  ")[0] for line in lines]
    assert names[2:] == [
        "stage",
        "wait for detect",
        "detect",
        "capture to end",
        "",
        "saw",
        "person",
    ]
    assert lines[-1].endswith("12 in 10 frames, best score 0.90")


def test_summary_of_nothing_seen_and_of_many_labels():
    assert console.summary(reading(sightings=()), 1.5, drops(door=0))[-1] == "saw nothing"
    many = tuple(Sighting(str(number), 1, 1, 0.5) for number in range(20))
    assert console.summary(reading(sightings=many), 1.5, drops(door=0))[-1] == "and 8 labels more"


def test_summary_counts_each_of_several_cameras():
    lines = console.summary(
        reading(cameras=(("door", 20), ("yard", 10))), 1.5, drops(door=0, yard=4)
    )
    assert any(line.split() == ["yard", "10", "frames,", "4", "dropped"] for line in lines)


def test_progress_shows_a_share_only_while_there_is_one():
    assert console.progress(Progress("m", "asking", 0, 1000000)) == "m: asking"
    assert console.progress(Progress("m", "downloading", 250000, 1000000)) == (
        "m: downloading 25 % of 1.0 MB"
    )
    assert console.progress(Progress("m", "already here", 9, 9)) == "m: already here"
