import pytest

from app.bench import costs, markdown, page, table
from app.bench.results import Spread, Step
from tests import measured


def trial_of(**more):
    (trial,) = measured.single().trials
    return trial._replace(**more)


def with_steps(preprocess, *detects):
    """Runs whose two steps took so long."""
    runs = tuple(
        measured.run(frames=20)._replace(
            steps=(
                Step("preprocess", Spread(20, p50=preprocess)),
                Step("detect", Spread(20, p50=one)),
            )
        )
        for one in detects
    )
    return trial_of(runs=runs, single=True)


def test_the_cost_over_the_bare_network():
    trial = trial_of()
    assert costs.sentence(trial) == "0.80 ms p50 (ours 25.22, alone 24.42; 41.7 pictures/s alone)"
    assert costs.bare(trial.floor) == "bare ONNX Runtime 1.10.0"
    assert costs.bare(measured.floor(1.0, 1.0)) == "raw TensorRT 8.6.2"
    few = trial._replace(floor=measured.floor(1.0, 1.0, samples=9))
    assert costs.sentence(few) == "– (9 samples; p50 needs 10)"
    made = costs.table(measured.interrupted().trials)
    assert made.rows == (("fp16", "–", "–", "–", "1", "50.0"),)
    assert costs.table(measured.troubled().trials) is None


def test_repeats_are_told_with_how_far_they_are_apart():
    trial = trial_of()
    trial = trial._replace(floor=trial.floor._replace(costs=(0.7, 0.8, 1.0)))
    assert costs.sentence(trial).startswith("0.80 ±0.20 ms p50 (")
    made = costs.table([trial])
    assert made.rows[0][1] == "0.80 ±0.20" and any(foot.startswith("±") for foot in made.feet)
    document = measured.document([trial])
    assert "| 0.80 ±0.20 |" in markdown.table(document)
    assert "0.80 ±0.20" in page.html(document)
    assert any("0.80 ±0.20 ms p50" in line for line in table.lines(document))


def test_what_is_added_in_the_pipeline_stands_beside_it():
    trial = with_steps(0.9, 25.1, 25.3, 25.5)
    assert costs.in_pipeline(trial).median == pytest.approx(26.2 - trial.floor.raw.p50)
    assert "; in the pipeline 1.78 ±0.20 ms, with its waits for other threads" in (
        costs.sentence(trial)
    )
    made = costs.table([trial, trial_of()])
    assert made.heads[:3] == ("setting", "cost", "in pipeline")
    assert [row[2] for row in made.rows] == ["1.78 ±0.20", "n/a"]
    assert any("waits for other threads" in foot for foot in made.feet)


def test_it_is_told_only_where_a_step_is_of_one_picture():
    trial = with_steps(0.9, 25.1)
    assert costs.in_pipeline(trial._replace(single=False)) is None
    assert costs.in_pipeline(trial._replace(floor=trial.floor._replace(batch=2))) is None
    assert costs.in_pipeline(trial._replace(floor=None)) is None
    assert costs.in_pipeline(with_steps(None, 25.1)) is None
    assert costs.in_pipeline(trial._replace(runs=())) is None
    assert costs.table([trial_of()]).heads[:3] == ("setting", "cost", "ours")
