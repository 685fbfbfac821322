"""What a search takes although, or because, it knows how far it agrees; and its minutes."""

import pytest

from tests.tuned import Box, Clock, cost, search


def gpu(agreement, latency, **more):
    """By precision; what is not among the latencies cannot be had."""
    broken = [("precision", one) for one in ("fp16", "int8", "fp32") if one not in latency]
    return Box(
        "gpu",
        broken,
        p95=lambda values: latency[values["precision"]] / int(values.get("interval", "1")),
        agreement=lambda values: agreement.get(values["precision"]),
        **more,
    )


@pytest.mark.parametrize(
    "known, latency_ms, chosen",
    [
        ({"fp16": None, "int8": None}, 100, "fp16"),
        ({"fp16": None, "int8": None}, 40, None),  # int8 would be quick enough
        ({"fp16": None, "int8": 0.99}, 100, "int8"),  # what is known comes first
        ({"fp16": 0.97, "int8": None}, 100, "fp16"),
    ],
)
def test_int8_of_which_nothing_is_known_is_not_taken(known, latency_ms, chosen):
    box = gpu(known, {"fp16": 60.0, "int8": 30.0})
    found = search(box, latency_ms).find({"interval": "1"}, None, 4)
    assert (found.setting and found.setting.values["precision"]) == chosen
    if chosen is None:
        assert "precision int8 it is not known whether it agrees" in found.why
        assert "--labelled" in found.why and "--source" in found.why


def test_int8_that_was_asked_for_has_to_be_seen_to_agree_as_well():
    box = gpu({}, {"int8": 30.0})
    found = search(box).find({"precision": "int8"}, None, 4)
    assert found.setting is None and "--labelled" in found.why


def test_another_size_of_which_nothing_is_known_is_not_taken():
    own = Box(p95=cost, agreement=lambda values: None)
    found = search(own, latency_ms=100).find({"interval": "1"}, (416, 416), 4)
    assert found.setting is None and "size 288x288" in found.why and "--labelled" in found.why
    found = search(Box(p95=cost, agreement=lambda values: None), latency_ms=130).find(
        {"size": "416x416"}, (416, 416), 4
    )
    assert found.setting.values == {"threads": "2", "size": "416x416"}
    assert "agreement not known" in found.why


def test_where_nothing_is_known_the_detector_looks_less_often():
    found = search(Box(p95=cost, agreement=lambda values: None), latency_ms=70).find(
        {}, (416, 416), 4
    )
    assert found.setting.values == {"threads": "2", "interval": "2"}


def test_what_agrees_on_a_few_pictures_is_not_known_to():
    box = Box(p95=cost, agreement=lambda values: 1.0, pictures=3)
    found = search(box, latency_ms=70).find({}, (416, 416), 4)
    assert found.setting.values == {"threads": "2", "interval": "2"}
    assert "agreement not known" in found.why


@pytest.mark.parametrize(
    "agreement, latency, asked, chosen",
    [
        ({"fp16": 0.5, "int8": 0.5, "fp32": 1.0}, {"fp16": 30, "int8": 20, "fp32": 60}, {}, "fp32"),
        ({"int8": 0.5, "fp32": 1.0}, {"int8": 20, "fp32": 60}, {}, "fp32"),
        ({"fp32": 1.0}, {"fp32": 60}, {}, "fp32"),
        ({"fp16": 0.5}, {"fp16": 30, "fp32": 60}, {"precision": "fp16"}, None),
    ],
)
def test_fp32_is_tried_where_fp16_does_not_agree_or_is_not_to_be_had(
    agreement, latency, asked, chosen
):
    found = search(gpu(agreement, latency)).find(dict(asked, interval="1"), None, 4)
    assert (found.setting and found.setting.values["precision"]) == chosen


def test_fp32_is_not_tried_where_fp16_agrees():
    box = gpu({"fp16": 1.0, "int8": 1.0}, {"fp16": 30, "int8": 20, "fp32": 60})
    search(box).find({}, None, 4)
    assert [one["precision"] for one in box.measured] == ["fp16", "int8"]


class Slow(Box):
    """Each measurement takes so many seconds of its clock, by whether an engine is built."""

    def __init__(self, building, other, **rest):
        super().__init__(**rest)
        self.clock, self._seconds, self._built = Clock(), (other, building), set()

    def measure(self, settings, seconds, repeats, flat=True):
        (setting,) = settings
        engine = setting.of(("precision", "size"))
        self.clock.now += self._seconds[engine not in self._built]
        self._built.add(engine)
        return super().measure(settings, seconds, repeats, flat)


@pytest.mark.parametrize(
    "minutes, tried",
    [
        (1.0, 1),  # over with the first, which nobody could know
        (2.4, 1),  # of the second less than half would be in time
        (2.6, 2),
    ],
)
def test_what_would_end_far_beyond_the_time_is_not_begun(minutes, tried):
    box = Slow(100.0, 1.0, backend="gpu", p95=lambda values: 500.0)
    one = search(box, clock=box.clock, minutes=minutes)
    found = one.find({"interval": "1"}, None, 4)
    assert len(box.measured) == tried and found.setting is None
    assert ("The time was over: --minutes" in found.why) == (tried == 1)


def test_what_is_quick_is_begun_when_a_build_would_not_be():
    box = Slow(100.0, 1.0, backend="gpu", p95=lambda values: 500.0)
    search(box, clock=box.clock, minutes=2.4).find({"size": "64x64"}, (64, 64), 4)
    built = [one for one in box.measured if "interval" not in one]
    assert len(built) == 1 and len(box.measured) == 1 + 5


def test_what_is_not_known_to_agree_comes_last():
    box = Box(agreement=lambda values: 0.96 if "interval" in values else None)
    one = search(box)
    assert one.find({}, None, 1).setting.values == {"threads": "1"}
    one._measured({"threads": "1", "interval": "2"})
    assert one.prove(box.trial).setting.values == {"threads": "1", "interval": "2"}
