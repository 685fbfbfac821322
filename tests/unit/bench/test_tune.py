import pytest

from app.bench.results import Spread
from app.bench.tune import Known
from app.errors import SourceError
from tests.tuned import Box, Clock, alike, cost, search


def test_what_is_fast_enough_stays_as_it_is():
    box = Box(p95=cost, agreement=alike)
    found = search(box, latency_ms=150).find({"model": "m"}, (416, 416), 4)
    assert found.setting.values == {"model": "m", "threads": "2"}
    assert len(box.measured) == 3


def test_a_smaller_input_comes_before_a_rarer_look():
    box = Box(p95=cost, agreement=alike)
    found = search(box, latency_ms=100).find({}, (416, 416), 4)
    assert found.setting.values == {"threads": "2", "size": "288x288"}


def test_an_input_that_answers_otherwise_is_not_taken():
    box = Box(p95=cost, agreement=alike)
    found = search(box, latency_ms=40).find({}, (416, 416), 4)
    assert found.setting.values == {"threads": "2", "size": "288x288", "interval": "2"}


def test_a_model_of_one_size_is_looked_at_less_often():
    box = Box(p95=cost, agreement=alike, broken=[("size", "288x288"), ("size", "192x192")])
    found = search(box, latency_ms=40).find({}, (416, 416), 4)
    assert found.setting.values == {"threads": "2", "interval": "3"}


def test_what_cannot_be_is_said_with_the_nearest():
    box = Box(p95=cost, agreement=alike)
    found = search(box, latency_ms=2).find({}, (416, 416), 4)
    assert found.setting is None and "nearest" in found.why and "interval 8" in found.why


def test_on_a_gpu_int8_has_to_agree():
    box = Box(
        "gpu",
        p95=lambda values: {"fp16": 60.0, "int8": 30.0}[values["precision"]],
        agreement=lambda values: 0.7 if values["precision"] == "int8" else 1.0,
    )
    found = search(box).find({}, None, 4)
    assert found.setting.values == {"precision": "fp16"}


def test_what_was_asked_for_is_not_searched():
    box = Box(p95=cost, agreement=alike)
    found = search(box, latency_ms=60).find({"threads": "1", "interval": "1"}, (416, 416), 4)
    assert found.setting is None
    assert all(one["threads"] == one["interval"] == "1" for one in box.measured)


def test_frames_lost_at_the_door_are_no_way_to_be_fast():
    class Leaky(Box):
        def trial(self, setting, repeats=1):
            made = super().trial(setting, repeats)
            lost = made.runs[0]._replace(dropped=5 if "interval" not in setting.values else 0)
            return made._replace(runs=(lost,))

    found = search(Leaky(p95=cost, agreement=alike), latency_ms=500).find(
        {"size": "416x416"}, None, 1
    )
    assert found.setting.values["interval"] == "2"


def test_an_interrupted_search_measures_nothing_twice():
    kept = []
    box = Box(p95=cost, agreement=alike)
    search(box, latency_ms=40, known=Known((), lambda trials: kept.append(list(trials)))).find(
        {}, (416, 416), 4
    )
    again = Box(p95=cost, agreement=alike)
    before = kept[2]  # three measurements, then the power went
    found = search(again, latency_ms=40, known=Known(before)).find({}, (416, 416), 4)
    assert found.setting.values == {"threads": "2", "size": "288x288", "interval": "2"}
    assert again.measured == box.measured[3:]


def test_when_time_is_over_it_ends():
    box = Box(p95=cost, agreement=alike)
    one = search(box, latency_ms=2, clock=Clock(step=20.0), minutes=1.0)
    found = one.find({}, (416, 416), 4)
    assert found.setting is None and "time was over" in found.why
    assert len(box.measured) <= 3


def test_the_proof_may_fall_to_the_next_best():
    box = Box(p95=cost, agreement=alike)
    one = search(box, latency_ms=130)
    assert one.find({}, (416, 416), 4).setting.values == {"threads": "2"}
    for setting, _ in list(one.tried):
        one._measured(dict(setting.values, interval="2"))
    slow = {"threads": "2"}

    def again(setting):
        made = box.trial(setting)
        if setting.values == slow:
            runs = tuple(r._replace(latency=r.latency._replace(p95=500.0)) for r in made.runs)
            return made._replace(runs=runs)
        return made

    found = one.prove(again)
    assert found.setting.values == {"threads": "2", "interval": "2"}


def test_where_nothing_proves_itself_nothing_is_found():
    box = Box(p95=cost, agreement=alike)
    one = search(box, latency_ms=130)
    one.find({}, (416, 416), 4)
    broken = Box(broken=[("threads", "2"), ("threads", "1"), ("threads", "4")])
    assert one.prove(broken.trial).setting is None


@pytest.mark.parametrize("p95", [None])
def test_a_run_too_short_to_tell_is_no_proof(p95):
    class Short(Box):
        def trial(self, setting, repeats=1):
            made = super().trial(setting, repeats)
            return made._replace(
                runs=tuple(r._replace(latency=Spread(20, 1.0, 1.0)) for r in made.runs)
            )

    found = search(Short()).find({"threads": "1"}, None, 1)
    assert found.setting is None


def test_what_loses_nothing_comes_before_what_is_a_little_quicker():
    class Leaky(Box):
        def trial(self, setting, repeats=1):
            made = super().trial(setting, repeats)
            lost = made.runs[0]._replace(dropped=9 if setting.values["threads"] == "1" else 0)
            return made._replace(runs=(lost,))

    box = Leaky(p95=lambda values: {"1": 90.0, "2": 92.0}[values["threads"]])
    assert search(box).find({}, None, 2).setting.values == {"threads": "2"}


def test_the_proofs_own_agreement_is_not_told():
    box = Box(p95=cost, agreement=lambda values: 0.96)
    one = search(box, latency_ms=130)
    one.find({}, None, 2)
    assert "agreement 0.960" in one.prove(Box(p95=cost).trial).why


def test_why_nothing_can_be_measured_is_said():
    class Dead(Box):
        def measure(self, settings, seconds, repeats, flat=True):
            raise SourceError("no such camera")

    with pytest.raises(SourceError, match="no such camera"):
        search(Dead()).find({}, None, 2)


def test_an_interval_that_is_found_by_itself_can_be_asked_for():
    found = search(Box()).find({"interval": "auto"}, None, 1)
    assert found.setting.values["interval"] == "auto"


def test_all_that_was_tried_is_told_also_what_came_to_nothing_and_the_proofs():
    box = Box(p95=cost, agreement=alike, broken=[("threads", "4")])
    one = search(box, latency_ms=130)
    one.find({}, (416, 416), 4)
    one.prove(box.trial)
    assert [(trial.name, bool(trial.runs), trial.problem) for trial in one.trials()] == [
        ("threads 1", True, ""),
        ("threads 2", True, ""),
        ("threads 4", False, "cannot be"),
        ("proof: threads 2", True, ""),
    ]
