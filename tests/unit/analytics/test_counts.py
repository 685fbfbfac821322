"""counts: by place and label, in two ways."""

from app.analytics.counts import Counts


def test_nothing():
    assert Counts([]).state() == {}
    counts = Counts(["gate"])
    assert counts.totals("gate") == (0, 0) and counts.by_label("gate") == ()


def test_ways_and_labels():
    counts = Counts(["gate", "door"])
    for label, way in (("person", 0), ("person", 1), ("person", 0), ("car", 1)):
        counts.add("gate", label, way)
    assert counts.totals("gate") == (2, 2) and counts.totals("door") == (0, 0)
    assert counts.by_label("gate") == (("car", 0, 1), ("person", 2, 1))
    other = Counts(["gate"])
    other.restore(counts.state())
    assert other.state() == {"gate": {"car": [0, 1], "person": [2, 1]}}
