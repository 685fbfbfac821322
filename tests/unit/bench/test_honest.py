import itertools

import numpy as np
import pytest

from app.bench import honest, page, table
from app.bench.results import Spread, Use
from tests import measured


@pytest.mark.parametrize("percent, samples", [(50, 10), (95, 100), (99, 500)])
def test_how_many_samples_a_percentile_needs(percent, samples):
    assert honest.least(percent) == samples


@pytest.mark.parametrize(
    "count, known",
    [
        (0, ""), (1, ""), (9, ""), (10, "p50"), (99, "p50"), (100, "p50 p95"), (499, "p50 p95"),
        (500, "p50 p95 p99"),
    ],
)  # fmt: skip
def test_a_percentile_is_told_only_where_enough_samples_lie_beyond_it(count, known):
    values = np.random.RandomState(count).permutation(count) + 1.0
    spread = honest.spread_of(values)
    assert spread.samples == count
    assert [name for name in ("p50", "p95", "p99") if getattr(spread, name) is not None] == (
        known.split()
    )
    assert (spread.mean is not None) == (count >= 10)
    if known:
        assert spread.p50 == np.median(values) and spread.mean == np.mean(values)
    for name in known.split():
        assert np.sum(values > getattr(spread, name)) >= honest.BEYOND
    assert all(type(value) in (int, float, type(None)) for value in spread)  # JSON takes no other


@pytest.mark.parametrize(
    "values, told",
    [
        ([], None),
        ([None], None),
        ([4.0], (4.0, 1, None, None)),
        ([4.0, None], (4.0, 1, None, None)),
        ([9.0, 2.0], (5.5, 2, 2.0, 9.0)),
        ([9.0, 2.0, 3.0, None], (3.0, 3, 2.0, 9.0)),
    ],
)
def test_repeats_are_told_as_median_and_range_and_one_run_as_no_range(values, told):
    runs = [measured.run(frames=20)._replace(fps=value) for value in values]
    assert honest.over(runs, lambda run: run.fps) == told


def test_how_far_the_farthest_repeat_is():
    assert honest.Repeated(3.0, 3, 2.0, 9.0).apart == 6.0
    assert honest.Repeated(3.0, 3, -9.0, 4.0).apart == 12.0
    assert honest.Repeated(3.0, 1).apart is None


@pytest.mark.parametrize("before, after", [(1, 1), (1, 3), (2, 2), (2, 3), (3, 3)])
def test_the_chance_of_noise_is_what_counting_all_orders_says(before, after):
    orders = list(itertools.permutations(range(before + after)))
    apart = [
        order
        for order in orders
        if max(order[:before]) < min(order[before:]) or min(order[:before]) > max(order[before:])
    ]
    assert honest.chance(before, after) == pytest.approx(len(apart) / len(orders))


def test_nothing_speaks_against_steady_repeats_with_locked_clocks():
    assert honest.notes(measured.grid()) == ()


@pytest.mark.parametrize(
    "name, notes",
    [
        ("empty", ["interrupted: what had", "clocks: not known to be locked"]),
        ("single", ["clocks: not told by this machine"]),
        ("once", ["one run only", "clocks: not told by this machine"]),
        (
            "throttled",
            [
                "throttled in 1 of 2 runs (GPU: thermal)",
                "not steady in 1 of 2 runs",
                "other programs took more than 5 %",
                "clocks: not locked",
            ],
        ),
        (
            "interrupted",
            [
                "interrupted",
                "fp16: one run only",
                "fp16: too few frames for every percentile: p95 needs 100, p99 needs 500",
            ],
        ),
        ("troubled", ["one run only"]),
    ],
)
def test_what_speaks_against_figures(name, notes):
    found = honest.notes(measured.everything()[name])
    assert len(found) == len(notes)
    for text, beginning in zip(found, notes):
        assert text.startswith(beginning)


def test_what_others_take_counts_against_the_whole_machine():
    """Half a core is a quarter of two, and nothing of sixteen."""

    def notes(cores):
        use = measured.board(20.0, 9.0)._replace(others_percent=50.0)
        one = measured.grid().trials[0]
        trial = one._replace(runs=tuple(run._replace(use=use) for run in one.runs))
        return honest.notes(measured.document([trial], measured.ORIN._replace(cores=cores)))

    assert any("other programs" in note for note in notes(2))
    assert notes(16) == ()


@pytest.mark.parametrize("loads, told", [
    ((None, None, None), ""),
    ((0.0, 3.0, 10.0), ""),  # a desktop
    ((2.0, 40.0, 90.0), "before 2 of 3 runs its load was more than 10 %"),
    ((50.0, 50.0, 50.0), "before every run its load was more than 10 %"),
])  # fmt: skip
def test_another_program_on_the_gpu_is_said(loads, told):
    one = measured.grid().trials[0]
    use = measured.board(20.0, 9.0)
    runs = [
        run._replace(use=use._replace(gpu_before_percent=load))
        for run, load in zip(one.runs, loads)
    ]
    trial = one._replace(runs=tuple(runs), flat=())
    wanted = ("other programs used the GPU: " + told,) if told else ()
    assert honest.notes(measured.document([trial])) == wanted
    on_the_cpu = measured.ORIN._replace(gpu="")
    assert honest.notes(measured.document([trial], on_the_cpu)) == ()


@pytest.mark.parametrize("runs, flat, repeats, told", [
    (2, 1, 3, "only 2 of 3 runs: it crashed"),
    (3, 2, 3, "only 2 of 3 runs as fast as it goes: it crashed"),
    (1, 0, 1, "only 0 of 1 run as fast as it goes: it crashed"),
    (2, 2, 0, "only 2 runs: it crashed"),  # a file from before
])  # fmt: skip
def test_what_failed_after_some_runs_was_measured_in_part(runs, flat, repeats, told):
    one = measured.grid().trials[0]
    trial = one._replace(
        runs=one.runs[:runs], flat=one.flat[:flat], problem="it crashed", repeats=repeats
    )
    document = measured.document([trial])
    assert honest.notes(document)[0] == told and honest.unmeasured([trial]) == []
    for text in ("\n".join(table.lines(document)), page.html(document)):
        assert told in text and "not measured:" not in text and "could not be" not in text


def test_runs_as_fast_as_it_goes_are_held_to_the_same():
    (trial,) = measured.single().trials
    shaken = trial.flat[0]._replace(steady=False)
    document = measured.document([trial._replace(flat=(shaken,) + trial.flat[1:])])
    assert honest.notes(document) == (
        "not steady in 1 of 6 runs: the rate was still changing at the end",
    )


@pytest.mark.parametrize("replays, said", [(0, 0), (4, 0), (5, 0), (6, 1), (60, 1)])
def test_a_clip_that_is_too_short_to_be_played_is_told(replays, said):
    (trial,) = measured.single().trials
    ten = tuple(run._replace(seconds=10.0, replays=replays) for run in trial.runs)
    for short in (trial._replace(runs=ten), trial._replace(flat=ten)):
        notes = honest.notes(measured.document([short]))
        assert sum("a clip began anew more often than every 2 s" in note for note in notes) == said


def test_a_note_is_said_once_and_names_few_settings():
    one = measured.interrupted().trials[1]
    whole = measured.grid().trials[0]
    trials = [one._replace(name="s{}".format(number)) for number in range(5)] + [whole]
    found = honest.notes(measured.document(trials, notes=("mind the gap", "mind the gap")))
    assert found[0] == "mind the gap" and found.count("mind the gap") == 1
    assert "s0, s1, s2 and 2 more: one run only" in found[1]


def test_what_disturbs_the_network_alone_is_told_as_well():
    (trial,) = measured.single().trials
    calm, hot = Use(), Use(throttled=("GPU: thermal",), others_percent=90.0)

    def notes(*uses):
        floor = trial.floor._replace(uses=uses)
        return honest.notes(measured.document([trial._replace(floor=floor)]))

    assert notes() == notes(calm, calm) == ()
    assert notes(calm, hot) == (
        "throttled while the network alone was timed (GPU: thermal)",
        "other programs took more than 5 % of the machine's CPU while the network alone was timed",
    )


def test_spread_of_nothing_is_a_spread():
    assert honest.spread_of(np.zeros(0)) == Spread(0)
