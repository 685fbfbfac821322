import time

import pytest

from app.bench import trial, work
from app.bench.client import Seen
from app.bench.machine import Times
from app.bench.results import Run, Spread, Use
from app.bench.trial import Lookout, free_port, run
from app.bench.work import CAMERA, Done, Outcome
from app.core.vitals import Vitals
from app.device.telemetry import Telemetry
from app.media.stamp import stamp_of
from tests import needs
from tests.viewer import wait_for

RUN = Run(1.0, 10.0, True, 200, 20.0, Spread(200), ())


def seen(*readings):
    lookout = Lookout()
    lookout.readings = [(100.0 + number, one, None) for number, one in enumerate(readings)]
    return lookout.use(RUN, 100.0, 109.0)


@pytest.mark.parametrize("rail", ["total", "gpu"])
def test_energy_is_power_by_rate(rail):
    use = seen(Vitals(power={rail: 9.0}), Vitals(power={rail: 11.0}))
    assert use.power_w == pytest.approx(10.0) and use.mj_per_frame == pytest.approx(500.0)
    assert use.readings == 2


def test_the_board_counts_before_its_gpu():
    assert seen(Vitals(power={"gpu": 3.0, "total": 7.0})).power_w == 7.0


def test_what_is_not_told_is_absent():
    use = seen(Vitals(), Vitals(power={"cpu": 2.0}))
    assert use.power_w is None and use.mj_per_frame is None
    assert (
        use.readings == 0
        and use.hottest_c is None
        and use.clocks_mhz == {}
        and use.others_percent is None
    )


def test_heat_clocks_and_throttling_of_all_readings():
    use = seen(
        Vitals(temperatures={"a": 40.0, "b": 50.0}, clocks={"gpu": 900e6, "cpu": 1e9}),
        Vitals(temperatures={"a": 61.0}, clocks={"gpu": 700e6}, throttled=("hot",)),
        Vitals(temperatures={"a": 60.0}, clocks={"gpu": 500e6}, throttled=("hot", "power")),
    )
    assert use.hottest_c == 61.0 and use.readings == 3
    assert use.clocks_mhz == {"gpu": pytest.approx(700.0)}
    assert use.throttled == ("hot", "power")


def test_what_was_before_and_after_is_not_the_runs():
    lookout = Lookout()
    lookout.readings = [
        (when, Vitals(power={"total": watts}), None)
        for when, watts in ((99.0, 50.0), (101.0, 5.0), (120.0, 50.0))
    ]
    assert lookout.use(RUN, 100.0, 110.0).power_w == 5.0


def test_what_is_shorter_than_a_second_is_seen_by_the_readings_around_it():
    lookout = Lookout()
    lookout.readings = [
        (100.0 + number, Vitals(throttled=(str(number),)), Times(100.0 + number, 2.0 * number, 0.0))
        for number in range(4)
    ]
    use = lookout.around(101.2, 101.7)
    assert use.throttled == ("1", "2") and use.others_percent == pytest.approx(200.0)
    assert lookout.around(0.0, 0.1).throttled == ("0",)
    assert lookout.around(500.0, 501.0).throttled == ("3",)
    assert Lookout().around(1.0, 2.0) == Use()


def test_it_looks_once_more_at_the_end():
    with Lookout() as lookout:
        wait_for(lambda: lookout.readings)
        now = time.monotonic()
    assert lookout.readings[-1][0] >= now


def test_it_reads_this_machine():
    with Lookout() as lookout:
        wait_for(lambda: len(lookout.readings) > 1)
    first, last = lookout.readings[0], lookout.readings[-1]
    assert isinstance(first[2], Times)
    use = lookout.use(RUN, first[0], last[0])
    assert use.others_percent is None or use.others_percent >= 0


class Sensor:
    """A source of telemetry that tells of a GPU."""

    name = "sensor"

    def read(self):
        return Vitals(gpu_load=0.07)

    def close(self):
        pass


class Ended:
    """A child that has come to its end."""

    def result(self, told, _ending_s):
        told("measuring", 1, 1)
        return Outcome(RUN, 0.0, 1.0, 0)


@pytest.mark.parametrize(
    "gpu, percent", [(None, None), (lambda: Telemetry([Sensor()]), pytest.approx(7.0))]
)
def test_what_others_took_of_the_gpu_is_read_before_the_run(gpu, percent):
    made = run(Ended(), CAMERA, [], lambda *_: None, gpu)
    assert made.use.gpu_before_percent == percent and made.fps == RUN.fps


def test_a_free_port_can_be_had():
    assert 1024 <= free_port() <= 65535


def pictures(count, fps=25.0, first=65500):
    """
    (number, captured, done by the pipeline, seen by a client) of each; numbers of stamps begin
    anew on the way.
    """
    for number in range(first, first + count):
        captured = 100.0 + (number - first) / fps
        yield number, captured, captured + 0.02, captured + 0.05


def outcome(rows, camera="door", encoded=None):
    done = tuple(Done(camera, stamp_of(number, taken), end) for number, taken, end, _ in rows)
    return Outcome(RUN, 100.0, 110.0, len(done) if encoded is None else encoded, done)


def clients(rows):
    return [Seen(when, stamp_of(number, taken)) for number, taken, _, when in rows]


def viewed(made, seen, pace=work.CAMERA):
    return trial.viewed(made, seen, pace)


def test_a_picture_that_a_client_sees_is_known_by_its_number():
    rows = list(pictures(200))
    run = viewed(outcome(rows), {"door": clients(rows)})
    assert run.glass.samples == run.served.samples == 200
    assert run.glass.p50 == pytest.approx(50.0, abs=1.0)
    assert run.served.p50 == pytest.approx(30.0) == pytest.approx(run.served.p95)
    assert (run.unseen, run.unread, run.repeated) == (0, 0, 0)


def test_pictures_that_tell_nothing_are_counted():
    """Else the glass to glass of a few would pass for that of all."""
    rows = list(pictures(200))
    seen = clients(rows)
    seen[10:40] = [one._replace(stamp=None) for one in seen[10:40]]
    seen[100] = seen[99]  # once more
    del seen[150:157]
    run = viewed(outcome(rows), {"door": seen})
    assert (run.unread, run.repeated, run.unseen) == (30, 1, 8)
    assert run.glass.samples == run.served.samples == 200 - 30 - 8


def test_a_client_sees_its_own_camera():
    here, there = list(pictures(20)), [(n, c + 1, d + 1, s + 2) for n, c, d, s in pictures(20)]
    made = outcome(here)._replace(done=outcome(here).done + outcome(there, "gate").done)
    run = viewed(made, {"door": clients(here), "gate": clients(there)})
    assert run.served.samples == 40 and run.served.mean == pytest.approx((30 + 1030) / 2)
    assert viewed(made, {"gate": clients(here)}).served is None


def test_as_fast_as_it_goes_pictures_wait_for_one_another():
    rows = list(pictures(50))
    run = viewed(outcome(rows), {"door": clients(rows)}, work.FLAT)
    assert run.glass is None and run.served is None and run.unread == 0


class Working:
    """A child that has done its work: it waits for a client, and ends."""

    def __init__(self, made):
        self.made = made

    def result(self, told, ending_s):
        assert ending_s > 1
        told("waiting for the client", 0, 0)
        told("waiting for the client", 0, 0)
        return self.made


def test_a_client_that_saw_nothing_says_so():
    """At an address where nobody answers."""
    told = []
    url = f"rtsp://127.0.0.1:{free_port()}/door"
    rows = list(pictures(50))
    needs.gstreamer()
    run = trial.run(Working(outcome(rows)), work.CAMERA, [url], lambda *what: told.append(what))
    assert run.glass is None and run.unseen == 50 and run.unread == 0
    assert told == [("waiting for the client", 0, 0)] * 2


def test_without_a_client_nothing_is_said_of_one():
    run = trial.run(Working(outcome([])), work.CAMERA, [], lambda *what: None)
    assert run.unread is None and run.glass is None and run.use.power_w is None
