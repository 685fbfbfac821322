"""`jetwatch bench --tune` as people run it: a real search, interrupted, proven and written."""

import signal

import pytest

from tests import tiny
from tests.benched import QUICK, bench, children, measured, pattern
from tests.command import finish, jetwatch, start, wait_for


@pytest.fixture
def model(tmp_path):
    return tiny.detector(tmp_path / "tiny.onnx")


@pytest.mark.slow
def test_it_finds_and_proves_a_config(tmp_path, model):
    out = tmp_path / "tuned.yaml"
    words = ("--source", pattern(), "--model", model, "--write", out, *QUICK)
    words += ("--json", tmp_path / "b.json", "--html", tmp_path / "b.html", "--layers")
    done = jetwatch(
        "bench", "--tune", "--latency-ms", "2000", "--minutes", "1", *words,
        cwd=tmp_path, seconds=180,
    )  # fmt: skip
    assert done.code == 0, done.err
    names = [trial.name for trial in measured(tmp_path).trials]
    assert names[0] == "threads 1" and names[-1].startswith("proof: threads")
    assert all(trial.runs and trial.layers for trial in measured(tmp_path).trials)
    assert "threads 1" in (tmp_path / "b.html").read_text()
    assert "threads" in out.read_text() and "95 of 100" in out.read_text()
    assert jetwatch("check", out).code == 0
    assert kept_searches(tmp_path) == []  # the next one measures anew


@pytest.mark.slow
def test_where_nothing_keeps_the_goal_nothing_is_written(tmp_path, model):
    out = tmp_path / "tuned.yaml"
    words = ("--source", pattern(), "--model", model, "--threads", "1", "--interval", "1")
    done = bench(tmp_path, "--tune", "--latency-ms", "1", "--write", out, *words, *QUICK)
    assert done.code == 1 and not out.exists()
    assert [trial.name for trial in measured(tmp_path).trials] == ["as it is"]
    assert "jetwatch bench --json" in measured(tmp_path).command and (tmp_path / "b.html").exists()
    assert "nothing keeps 1 ms" in done.out
    assert len(kept_searches(tmp_path)) == 1


@pytest.mark.slow
def test_an_interrupted_search_goes_on_from_what_it_has_measured(tmp_path, model):
    out = tmp_path / "tuned.yaml"
    words = ("bench", "--tune", "--latency-ms", "2000", "--source", pattern(), "--model", model)
    words += ("--write", out, "--json", tmp_path / "b.json", *QUICK)

    def interrupted(seen):
        process = start(*words, cwd=tmp_path)
        wait_for(process, lambda: seen(process), 60)
        process.send_signal(signal.SIGINT)
        return finish(process)

    early = interrupted(lambda process: children(process.pid))
    assert early.code == 130 and "interrupted" in early.out and "goes on" not in early.out
    late = interrupted(lambda _: kept_searches(tmp_path))
    assert late.code == 130 and "goes on from here" in late.out and not out.exists()
    assert measured(tmp_path).interrupted and measured(tmp_path).trials[0].name == "threads 1"
    figures = [line for line in late.out.splitlines() if "95 of 100" in line]
    done = jetwatch(*words, cwd=tmp_path, seconds=180)
    assert done.code == 0 and out.exists(), done.err
    assert figures and figures[0] in done.out.splitlines(), (late.out, done.out)


def kept_searches(folder):
    found = folder.glob("out/bench/tune-*.json")
    return [path.name for path in found]
