import pytest

from app.bench.goal import Goal
from app.bench.results import Accuracy, Run, Spread, Trial
from app.bench.tune import Known, Search
from app.errors import SourceError


class Box:
    """A Bench whose machine is a formula; ``measured`` is what it was asked, in order."""

    def __init__(self, backend="host", broken=(), p95=None, agreement=None):
        self.backend = backend
        self.measured = []
        self._broken = broken
        self._p95 = p95 or (lambda values: 50.0)
        self._agreement = agreement or (lambda values: 1.0)

    def measure(self, settings, seconds, repeats, flat=True):
        made = []
        for setting in settings:
            self.measured.append(dict(setting.values))
            made.append(self.trial(setting, repeats))
        return made

    def trial(self, setting, repeats=1):
        values = setting.values
        if any(values.get(name) == value for name, value in self._broken):
            return Trial(setting.name, dict(values), problem="cannot be")
        p95 = self._p95(values)
        run = Run(0.0, 6.0, True, 180, 30.0, Spread(180, p95 / 2, p95 / 2, p95), (), came=180)
        accuracy = Accuracy(32, agreement=self._agreement(values))
        return Trial(setting.name, dict(values), runs=(run,) * repeats, accuracy=accuracy)


class Clock:
    def __init__(self, step=0.0):
        self.now, self._step = 0.0, step

    def __call__(self):
        self.now += self._step
        return self.now


def search(box, latency_ms=100.0, agreement=0.95, known=None, clock=None, minutes=15.0):
    said = []
    goal = Goal(latency_ms, agreement, minutes)
    return Search(box, goal, known or Known(), said.append, clock or Clock())


def cost(values):
    """Of a CPU: two threads are best; a small input and a rare look are cheap."""
    base = {"1": 200.0, "2": 120.0, "4": 160.0}[values["threads"]]
    wide = int(values.get("size", "416x416").split("x")[0])
    return base * (wide / 416) ** 2 / int(values.get("interval", "1"))


def alike(values):
    return {"416": 1.0, "288": 0.97, "192": 0.8}[values.get("size", "416x").split("x")[0]]


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
