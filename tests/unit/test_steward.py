"""test_steward: what is done beside the frames, on a clock of its own."""

from types import SimpleNamespace

import pytest

from app import config
from app.core.meter import Newest
from app.core.vitals import Vitals
from app.errors import ConfigError
from app.steward import Steward

TEXT = """
cameras: [{name: a, source: "test://"}, {name: b, source: "test://"}]
detect: {model: m}
models: [{name: m, path: m.onnx, input: {size: [32, 32]}, decoder: end2end, labels: coco}]
"""


class Notifier:
    def __init__(self, listened_to=True):
        self.listened_to = listened_to
        self.said = []

    def __getattr__(self, name):
        return lambda *told: self.said.append(name)


class Service:
    """A steward, and what it looks at, second by second."""

    def __init__(self, more="", listened_to=True, heat=None, memory=0, began=None, first=True):
        self.now = 1000.0
        self.notifier = Notifier(listened_to)
        self.sources = [
            SimpleNamespace(camera=name, live=True, reconnects=0) for name in ("a", "b")
        ]
        self.pipeline = SimpleNamespace(sources=self.sources, ended={})
        self.frames = {"a": 0, "b": 0}
        self.late = {"a": 0.05, "b": 0.05}
        self.memory = memory
        backend = SimpleNamespace(own_memory=lambda: self.memory)
        vitals = Vitals(temperatures={} if heat is None else {"cpu": heat})
        self.complaints = ()
        self.steward = Steward(
            config.parse(TEXT + more),
            backend,
            self.notifier,
            lambda: vitals,
            lambda: self.now,
            lambda: self.complaints,
            began=began,
            first=first,
        )

    def second(self, *seen):
        """One second, with a frame of these cameras."""
        self.now += 1
        for name in seen:
            self.frames[name] += 1
        newest = tuple(
            Newest(name, self.now - self.late[name], self.now) for name in seen
        )  # fmt: skip
        reading = SimpleNamespace(
            frames=sum(self.frames.values()), cameras=tuple(self.frames.items()), newest=newest
        )
        self.steward.look(self.pipeline, reading)


def test_ready_and_progress_are_told_of_frames_and_attempts_alone():
    service = Service()
    service.second()
    service.second()
    assert service.notifier.said == ["expect", "extend"]
    service.second("a")
    assert service.notifier.said[2:] == ["ready", "progress"]
    service.second()
    assert service.notifier.said[4:] == ["ready"]
    service.sources[1].reconnects = 1
    service.second()
    assert service.notifier.said[5:] == ["ready", "progress"]
    done = service.now
    assert service.steward.progressed == done
    service.second()
    assert service.steward.progressed == done


def test_until_the_first_frame_each_attempt_at_a_camera_gains_time_and_nothing_else_does():
    """A start that hangs gives no sign, and is ended by systemd."""
    service = Service()
    for attempts in range(3):
        service.sources[0].reconnects = attempts
        for _ in range(100):
            service.second()
    assert service.notifier.said == ["expect", "extend"] + ["progress", "extend"] * 2


def test_one_slow_camera_among_fast_ones_eases_the_load():
    service = Service("limits: {latency_ms: 300}")
    service.late["b"] = 2.5
    for _ in range(20):
        service.second("a", "b")
    assert service.steward.load.ease.interval > 1
    assert "latency is 2500 ms" in service.steward.relief.reason


def test_a_hot_machine_eases_the_load():
    service = Service("limits: {max_temperature_c: 80}", heat=90.0)
    for _ in range(30):
        service.second("a", "b")
    assert service.steward.machine.step == 1 and service.steward.machine.reasons


@pytest.mark.parametrize("more", ["", "limits: {memory_mb: 100000}"])
def test_what_outputs_complain_of_is_told_of_the_machine(more):
    service = Service(more)
    service.second("a")
    assert service.steward.machine.complaints == ()
    service.complaints = ("the disk of out is full",)
    assert service.steward.machine.complaints == ("the disk of out is full",)
    assert (service.steward.machine.memory_limit is not None) == bool(more)


def test_a_hung_reader_is_a_reason_to_begin_afresh_but_not_soon_nor_alone():
    for listened_to, expected in ((True, "b: the reader has hung"), (False, "")):
        service = Service(listened_to=listened_to)
        service.second("a", "b")
        for second in range(3700):
            service.second("a")
            assert second > 3590 or not service.steward.restart
        assert service.steward.restart == expected
    service = Service()
    service.pipeline.ended = {"b": ""}  # as a file does
    for _ in range(3700):
        service.second("a")
    assert not service.steward.restart


def test_the_time_before_a_reload_counts_where_a_reader_hangs():
    """A reload each hour kept one that hung in a driver dark for ever."""
    service = Service(began=1000.0 - 4000)
    service.second("a", "b")
    for _ in range(300):
        service.second("a")
    assert service.steward.restart == "b: the reader has hung"


def test_a_budget_that_cannot_be_kept_at_all_is_a_fault_of_the_config():
    service = Service("limits: {memory_mb: 64}", memory=1 << 30)
    with pytest.raises(ConfigError, match="from the start. Raise limits.memory_mb"):
        for _ in range(10):
            service.second("a")
    service = Service("limits: {memory_mb: 64}", memory=1 << 30, listened_to=False)
    for _ in range(100):
        service.second("a")
    assert not service.steward.restart


def test_a_budget_that_is_passed_later_is_a_reason_to_begin_afresh():
    service = Service("limits: {memory_mb: 100000}")
    for _ in range(70):
        service.second("a")
    assert not service.steward.restart
    service.memory = 100000 << 20
    for _ in range(6):
        service.second("a")
    assert service.steward.restart.endswith("of 100000 MB (limits.memory_mb) are in use")


def test_a_budget_near_to_what_the_kernel_grants_is_cut():
    backend = SimpleNamespace(own_memory=lambda: 0)
    text = TEXT + "limits: {memory_mb: 100000}"
    for granted, limit_mb in ((None, 100000), (5 << 30, 4096)):
        steward = Steward(config.parse(text), backend, Notifier(), granted=granted)
        assert steward.machine.memory_limit == limit_mb << 20


def test_a_budget_that_is_passed_soon_after_a_reload_is_no_fault_of_the_config():
    """Two configs' models are held for a moment: a service of days ended with 78, for ever."""
    service = Service("limits: {memory_mb: 100000}", memory=100000 << 20, first=False)
    for _ in range(6):
        service.second("a")
    assert "limits.memory_mb" in service.steward.restart
