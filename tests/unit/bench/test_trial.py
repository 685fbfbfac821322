import time

import pytest

from app.bench.machine import Times
from app.bench.results import Run, Spread, Use
from app.bench.trial import Lookout, free_port, run
from app.bench.work import CAMERA, Outcome
from app.core.vitals import Vitals
from app.device.telemetry import Telemetry
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


def test_the_board_counts_before_its_gpu():
    assert seen(Vitals(power={"gpu": 3.0, "total": 7.0})).power_w == 7.0


def test_what_is_not_told_is_absent():
    use = seen(Vitals(), Vitals(power={"cpu": 2.0}))
    assert use.power_w is None and use.mj_per_frame is None
    assert use.hottest_c is None and use.clocks_mhz == {} and use.others_percent is None


def test_heat_clocks_and_throttling_of_all_readings():
    use = seen(
        Vitals(temperatures={"a": 40.0, "b": 50.0}, clocks={"gpu": 900e6, "cpu": 1e9}),
        Vitals(temperatures={"a": 61.0}, clocks={"gpu": 700e6}, throttled=("hot",)),
        Vitals(temperatures={"a": 60.0}, clocks={"gpu": 500e6}, throttled=("hot", "power")),
    )
    assert use.hottest_c == 61.0
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


class Done:
    """A child that has come to its end."""

    def result(self, told):
        told("measuring", 1, 1)
        return Outcome(RUN, 0.0, 1.0, 0)


@pytest.mark.parametrize(
    "gpu, percent", [(None, None), (lambda: Telemetry([Sensor()]), pytest.approx(7.0))]
)
def test_what_others_took_of_the_gpu_is_read_before_the_run(gpu, percent):
    made = run(Done(), CAMERA, [], lambda *_: None, gpu)
    assert made.use.gpu_before_percent == percent and made.fps == RUN.fps


def test_a_free_port_can_be_had():
    assert 1024 <= free_port() <= 65535
