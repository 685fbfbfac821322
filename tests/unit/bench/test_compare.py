import pytest

from app.bench import compare, honest
from app.bench.compare import Pair
from app.bench.results import Accuracy
from tests import measured


def trial_of(*rates, **more):
    """Repeats that differ in their rate alone."""
    runs = tuple(measured.run(frames=60)._replace(fps=rate) for rate in rates)
    return measured.grid(repeats=1).trials[0]._replace(runs=runs, flat=(), floor=None, **more)


def change(before, after, name="fps"):
    return next(one for one in compare.changes_of(Pair(before, after)) if one.name == name)


def test_what_is_of_too_little_is_not_compared():
    few = trial_of(30, 31)
    few = few._replace(runs=tuple(one._replace(frames=49) for one in few.runs))
    assert change(few, trial_of(60, 61)).verdict == "not known before"
    assert change(few, trial_of(60, 61), "RSS, MB").verdict == "not known before"
    before, after = (trial_of(30, accuracy=Accuracy(count, 0.3)) for count in (20, 19))
    assert change(before, after, "AP").verdict == "not known after"


@pytest.mark.parametrize(
    "before, after, verdict, chance",
    [
        ([30, 31, 32], [33, 34, 35], "faster", 0.1),
        ([33, 34, 35], [30, 31, 32], "slower", 0.1),
        ([30, 31], [33, 34], "faster", 1 / 3),
        ([30, 31, 32], [32, 33, 34], "within the noise", None),  # they touch
        ([30, 35], [31, 32], "within the noise", None),
        ([30.00, 30.01], [30.02, 30.03], "within the noise", None),  # less than can be told
        ([30], [60, 61, 62], "noise unknown: one run", None),
        ([30, 31, 32], [60], "noise unknown: one run", None),
        ([None], [60], "not known before", None),
        ([30], [], "not known after", None),
    ],
)
def test_a_verdict_needs_repeats_that_lie_apart(before, after, verdict, chance):
    found = change(trial_of(*before), trial_of(*after))
    assert found.verdict == verdict and found.sure == (chance is not None)
    assert found.chance == (None if chance is None else pytest.approx(chance))


def test_less_time_is_faster_and_less_memory_is_less():
    before, after = (measured.grid(speed, seed=9).trials[0] for speed in (1.0, 1.5))
    found = {one.name: one.verdict for one in compare.changes_of(Pair(before, after))}
    assert found == {
        "fps": "faster", "most fps": "faster", "latency p50, ms": "faster",
        "latency p95, ms": "faster", "glass p50, ms": "faster",
        "cost over raw, ms": "noise unknown: one run", "AP": "the same", "agreement": "the same",
        "RSS, MB": "within the noise", "device memory, MB": "within the noise",
        "energy, mJ/frame": "less",
    }  # fmt: skip


OLD = Accuracy(500, 0.301, source="coco", pictures_sha256="ab")


@pytest.mark.parametrize(
    "before, after, verdict",
    [
        ((0.50, 0.52, 0.51), (0.60, 0.61, 0.62), "slower"),
        ((0.50, 0.52, 0.61), (0.60, 0.61, 0.62), "within the noise"),
        ((0.50,), (0.60, 0.61, 0.62), "noise unknown: one run"),
        ((), (0.60, 0.61, 0.62), "noise unknown: one run"),  # of before costs were repeated
    ],
)
def test_the_repeats_of_a_cost_are_compared(before, after, verdict):
    trials = [
        trial_of(30)._replace(floor=measured.floor(1.0, 0.5)._replace(costs=costs))
        for costs in (before, after)
    ]
    assert change(*trials, name="cost over raw, ms").verdict == verdict


@pytest.mark.parametrize(
    "after, verdict",
    [
        (OLD._replace(ap=0.302), "better"),
        (OLD._replace(ap=0.300), "worse"),
        (OLD._replace(ap=0.3012), "the same"),
        (OLD._replace(ap=0.302, source="elsewhere/coco"), "better"),  # they were moved
        (OLD._replace(ap=0.4, pictures_sha256="cd"), "of other pictures"),  # of the same camera
        (OLD._replace(ap=None), "not known after"),
        (OLD._replace(pictures_sha256=""), "perhaps of other pictures"),
        (OLD._replace(pictures=400, pictures_sha256=""), "of other pictures"),
        (OLD._replace(source="mine", pictures_sha256=""), "of other pictures"),
    ],
)
def test_accuracy_is_compared_on_the_same_pictures_alone(after, verdict):
    found = change(trial_of(30, accuracy=OLD), trial_of(30, accuracy=after), "AP")
    assert found.verdict == verdict and not found.sure


def names(*settings):
    """A trial of each of these settings: "fp16 320" and so on."""
    keys = ("precision", "size", "batch", "interval")
    return [trial_of(30, name=text, setting=dict(zip(keys, text.split()))) for text in settings]


@pytest.mark.parametrize(
    "before, after, pairs",
    [
        ([], [], []),
        (["fp32", "fp16"], ["fp16", "fp32"], [("fp32", "fp32"), ("fp16", "fp16")]),
        (["fp32 320"], ["fp16 320"], [("fp32 320", "fp16 320")]),
        (["fp32 320"], ["fp16 416"], []),  # more differs than agrees
        (["fp32 320", "fp16 320"], ["int8 320"], []),  # which of the two, nobody knows
        (
            ["fp32 320 1", "fp16 320 1"],
            ["fp16 320 2", "fp32 320 2"],
            [("fp32 320 1", "fp32 320 2"), ("fp16 320 1", "fp16 320 2")],
        ),
    ],
)
def test_settings_find_their_partner_or_none(before, after, pairs):
    found, lone_before, lone_after = compare.paired(names(*before), names(*after))
    assert [(pair.before.name, pair.after.name) for pair in found] == pairs
    assert len(lone_before) == len(before) - len(pairs)
    assert len(lone_after) == len(after) - len(pairs)


def lines(before, after):
    made = list(compare.changes(before, after))
    assert max(map(len, made)) <= 100
    return made


def test_what_else_differs_comes_first():
    before = measured.grid()
    trials = tuple(trial._replace(model_sha256="cd" * 32) for trial in before.trials)
    machine = before.machine._replace(tensorrt="10.3.0", power_mode="25W")
    made = lines(before, before._replace(trials=trials, machine=machine, command="other"))
    assert made[0] == "Not measured alike, which may explain all that follows:"
    told = "\n".join(made[: made.index("")])
    for text in ("TensorRT: 8.6.2 → 10.3.0", "power mode: 15W → 25W", "→ other", "→ cdcdcdcdcdcd"):
        assert text in told
    assert lines(before, before)[0].startswith("Same machine, software")


def test_what_the_code_was_is_compared():
    before = measured.grid()
    told = lines(before, before._replace(code="56" * 32, commit="0230735c8f1e+"))
    assert told[1] == "  its code: 0230735c8f1e, 343434343434 → 0230735c8f1e+, 565656565656"
    moved = before._replace(commit="")  # the same files, installed
    assert lines(before, moved)[0].startswith("Same machine")
    untold = before._replace(code="", commit="")
    assert "  its code: not told → 0230735c8f1e, 343434343434" in lines(untold, before)
    assert "  the same is not known." in lines(untold, untold)
    assert "not known" not in " ".join(lines(before, before)[:2])


def test_configs_that_differ_are_told_by_a_few_of_their_lines():
    """The same words on the command line may stand for another config."""

    def document(*config, **more):
        return measured.document([trial_of(30, config=config, **more)])

    before = document("detect:", "  interval: 2", "track: {}", "rtsp: {}")
    after = document("detect:", "  interval: 3", "rtsp: {}", *map(str, range(9)))
    made = lines(before, after)
    assert made[0] == "Not measured alike, which may explain all that follows:"
    assert made[1 : made.index("") - 1] == [
        "  config, before: interval: 2", "  config, before: track: {}",
        "  config, after: interval: 3", "  config, after: 0", "  config, after: 1",
        "  config: 7 more lines",
    ]  # fmt: skip
    assert lines(before, before)[0].startswith("Same machine")
    assert lines(before, document())[0].startswith("Same machine")  # it was not kept
    turned = document("track: {}", "detect:", "  interval: 2", "rtsp: {}")
    assert lines(before, turned)[1] == "  config: the same lines in another order"


def test_where_settings_differ_their_configs_do_and_it_is_told_there():
    before = measured.document([names("fp32 320 1 1")[0]._replace(config=("a: 1", "b: 2"))])
    after = measured.document([names("fp16 320 1 1")[0]._replace(config=("a: 1", "b: 3"))])
    made = lines(before, after)
    assert made[0].startswith("Same machine")
    place = made.index("  another setting: precision: fp32 → fp16")
    assert made[place + 1 : place + 3] == ["  config, before: b: 2", "  config, after: b: 3"]


def test_settings_that_differ_and_those_without_a_partner_are_named():
    before = measured.document(names("fp32 320 1 1", "int8 640 4 2"))
    after = measured.document(names("fp16 320 1 1"))
    made = lines(before, after)
    assert "  another setting: precision: fp32 → fp16" in made
    assert "  after: fp16 320 1 1" in made
    assert "int8 640 4 2: only before, so compared with nothing" in made


def test_the_chance_of_noise_is_said_and_counted_up():
    made = lines(measured.grid(), measured.grid(1.5, seed=9))
    assert sum(line.endswith("(chance 10 %)") for line in made) == 36
    text = " ".join(line.strip() for line in made)
    assert "a chance of 10 % each: of 48 figures here 4.8 would by noise alone." in text
    assert "With 5 runs on either side it is 0.8 %." in text
    assert honest.chance(5, 5) == pytest.approx(0.0079, abs=0.0001)


def test_nothing_is_claimed_of_the_same_measurement():
    text = "\n".join(lines(measured.grid(), measured.grid()))
    assert "chance" not in text and "faster" not in text and "slower" not in text


def test_what_was_not_measured_is_said_and_notes_of_both_follow():
    made = "\n".join(lines(measured.troubled(), measured.throttled()))
    assert "int8: only before" in made
    assert "What speaks against the figures before\n- one run only" in made
    assert "What speaks against the figures after\n- throttled in 1 of 2 runs" in made
    twice = " ".join(lines(measured.troubled(), measured.troubled()))
    assert "nothing to compare: no engine: this GPU has no fast INT8" in twice


@pytest.mark.parametrize("name", sorted(measured.everything()))
def test_any_two_can_be_compared(name):
    one = measured.everything()[name]
    for other in measured.everything().values():
        assert "\x1b" not in "".join(lines(one, other))
