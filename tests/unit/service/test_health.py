import pytest

from app.core.vitals import Vitals
from app.service.facts import Facts, Machine
from app.service.health import health
from tests.known import GATE, NOW, YARD, everything, facts


def found(*cameras, now=NOW, **rest):
    return health(facts(*cameras, **rest), now)


def test_while_models_are_loaded_it_lives_and_is_not_ready_however_long_that_takes():
    starting = health(Facts(NOW), NOW + 3600)
    assert (starting.live, starting.ready, starting.level) == (True, False, "not ready")
    assert starting.reasons == ("starting: models are loaded",)


def test_models_that_are_loaded_beside_what_runs_make_nothing_old():
    loading = found(now=NOW + 60, loading=True)
    assert (loading.live, loading.ready, loading.level) == (True, True, "degraded")
    assert loading.reasons == ("the config has changed: models are loaded",)
    assert loading.cameras[0].age_s == pytest.approx(0.3)
    assert found(now=NOW + 1000, loading=True).level == "stuck"


def test_all_is_well():
    well = found()
    assert (well.live, well.ready, well.level, well.reasons) == (True, True, "ok", ())
    assert well.cameras[0].age_s == pytest.approx(0.3)


def test_before_the_first_frame_it_is_not_ready():
    new = GATE._replace(frames=0, captured=None, state="connecting", since=NOW - 7)
    first = found(new)
    assert (first.live, first.ready, first.level) == (True, False, "not ready")
    assert first.reasons == (
        "no frame has gone all the way yet",
        "gate: no picture yet (connecting for 7 s)",
    )
    assert first.cameras[0].age_s is None


def test_one_lost_camera_is_a_reason_and_all_lost_are_no_service():
    one = found(GATE, YARD)
    assert (one.live, one.ready, one.level) == (True, True, "degraded")
    assert one.reasons == ("yard: lost for 42 s: no picture for 5 s; next try in 3 s",)
    assert [camera.reasons for camera in one.cameras][0] == ()
    both = found(YARD._replace(name="gate"), YARD)
    assert (both.live, both.ready, both.level) == (True, False, "not ready")
    assert both.reasons[0] == "all cameras are lost"
    trying = found(GATE, YARD._replace(next_try=NOW - 1))
    assert trying.reasons[0].endswith("; it is being tried again")


def test_a_picture_that_grows_old_is_told_of_a_live_camera():
    old = GATE._replace(captured=NOW - 6)
    assert found(old).reasons == ("gate: its newest picture is 6 s old",)
    assert found(old._replace(live=False)).reasons == ()  # a file that has ended
    assert found(old._replace(patience_s=30.0)).reasons == ()  # few a minute are asked for


def test_what_facts_do_not_say_within_their_second_makes_no_frame_older():
    assert found(now=NOW + 0.9).cameras[0].age_s == pytest.approx(0.3)
    assert found(now=NOW + 11).cameras[0].age_s == pytest.approx(10.3)


@pytest.mark.parametrize("share, reasons", [(0.5, 0), (0.51, 1)])
def test_dropping_more_than_half_is_told(share, reasons):
    told = found(GATE._replace(dropping=share)).reasons
    assert len(told) == reasons
    assert found(GATE._replace(dropping=share, live=False)).reasons == ()


def test_without_progress_it_is_stuck():
    idle = found(now=NOW + 10, progressed=NOW - 51, when=NOW + 10)
    assert (idle.live, idle.level) == (False, "stuck")
    assert idle.reasons[0].startswith("nothing was done for 61 s")
    assert found(now=NOW + 10, progressed=NOW - 49, when=NOW + 10).live
    hung = found(now=NOW + 16)
    assert (hung.live, hung.level) == (False, "stuck")
    assert hung.reasons[0] == "the main thread has hung for 16 s"


@pytest.mark.parametrize(
    "used, limit, told",
    [(None, 100, False), (90, None, False), (80, 100, False), (81, 100, True), (500, 100, True)],
)
def test_memory_above_four_fifths_of_the_budget(used, limit, told):
    machine = Machine(memory_used=used and used << 20, memory_limit=limit and limit << 20)
    reasons = found(machine=machine).reasons
    assert bool(reasons) == told
    if told:
        assert "MB of the 100 MB of memory" in reasons[0]


def test_the_machine_s_reasons_stand_beside_the_cameras():
    machine = Machine(Vitals(throttled=("slowed by heat",)), 1, ("less is done",), ("disk full",))
    assert found(machine=machine).reasons == ("disk full", "less is done", "slowed by heat")
    assert found(machine=machine).ready
    assert len(health(everything(), NOW).reasons) == 5


@pytest.mark.parametrize("seconds, text", [(119, "119 s"), (120, "2 min"), (7300, "2 h")])
def test_long_times_are_told_in_minutes_and_hours(seconds, text):
    lost = found(GATE, YARD._replace(since=NOW - seconds))
    assert lost.reasons[0].startswith(f"yard: lost for {text}: ")
