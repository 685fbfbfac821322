"""test_growth: what the soak reads of a process, and what it makes of that."""

import csv
import subprocess
import sys

import pytest

from tests import growth
from tests.growth import Sample, Series, Vitals
from tests.viewer import wait_for

STILL = "import sys; taken = b'x' * (100 << 20); print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def child():
    with subprocess.Popen(
        [sys.executable, "-c", STILL], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        yield process
        process.stdin.close()


def test_the_vitals_of_a_process(child):
    one = growth.vitals(child.pid)
    assert 100 < one.rss_mb < 130
    assert (one.files, one.threads) == (3, 1)
    if one.heap_mb is not None:
        assert 100 < one.anonymous_mb <= one.rss_mb
        assert 0 < one.heap_mb < 30  # a piece of 100 MB is mapped by itself


def test_a_series_ends_with_its_process_and_is_in_a_file(child, tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "STEP_S", 0.01)
    path = str(tmp_path / "series.csv")
    with Series(child.pid, path) as series:
        wait_for(lambda: len(series.samples) >= 3)
        child.stdin.close()
        child.wait()
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(series.samples) >= 3
    assert float(rows[0]["rss_mb"]) == pytest.approx(series.samples[0].vitals.rss_mb, abs=0.1)


def test_the_slope_is_of_the_second_half():
    warm = [(0, 100), (600, 200), (1200, 250), (1800, 260), (2400, 261), (3000, 262), (3600, 263)]
    assert growth.slope(warm) == pytest.approx(6)
    assert growth.slope([(0, 1), (1, 2)]) is None


def test_periods_of_five_minutes():
    samples = [Sample(t, Vitals(mb, 1, 1)) for t, mb in ((0, 9), (100, 4), (299, 5), (300, 7))]
    assert growth.periods(samples) == [(0, 4, 5, 9, None, None), (5, 7, 7, 7, None, None)]
