import pytest

from app.bench import figures, honest, markdown, plots, steps
from app.bench.honest import Repeated
from app.bench.results import Accuracy, Trial
from app.device.backend import Layer
from tests import measured


def table(document, title):
    return next(one for one in figures.tables(document) if one.title.startswith(title))


@pytest.mark.parametrize(
    "value, text",
    [(0.0, "0.00"), (0.994, "0.99"), (9.994, "9.99"), (9.996, "10.0"), (10.0, "10.0"),
     (99.94, "99.9"), (99.96, "100"), (12345.6, "12346")],
)  # fmt: skip
def test_a_number_has_three_digits_or_all_it_needs(value, text):
    assert figures.number(value) == text


@pytest.mark.parametrize(
    "figure, text",
    [
        (None, "n/a"),
        (Repeated(4.0, 1), "4.00"),
        (Repeated(4.0, 2, 3.9, 4.2), "4.00 ±0.20"),
        (Repeated(40.0, 2, 38.0, 41.0), "40.0 ±2.0"),
    ],
)
def test_one_run_claims_no_spread(figure, text):
    assert figures.repeated(figure) == text


def test_too_few_samples_are_a_dash_and_nothing_measured_is_none():
    speed = table(measured.interrupted(), "Speed")
    assert speed.heads == (
        "setting", "fps", "p50 ms", "p95 ms", "p99 ms", "glass p50", "glass p95",
    )  # fmt: skip
    assert speed.rows[1][3:] == ("–", "–", "n/a", "n/a")
    assert any(foot.startswith("–: too few samples (p50 10, p95 100,") for foot in speed.feet)


def used(frames=900, **more):
    """What the machine was used for by a run, as the table tells it."""
    use = measured.board(30.0, 9.0)._replace(**more)
    document = measured.document([Trial("", {}, (measured.run(frames=frames, use=use),))])
    tables = [table(document, title) for title in ("Speed", "What it takes")]
    return {head: text for one in tables for head, text in zip(one.heads, one.rows[0])}


@pytest.mark.parametrize(
    "frames, more, few",
    [
        (50, {}, set()),  # of an older file, that did not count
        (49, {}, {"fps", "RSS MB", "device MB", "mJ/frame"}),
        (50, {"readings": 3, "cpu_readings": 3}, set()),
        (50, {"readings": 2, "cpu_readings": 3}, {"W", "mJ/frame", "°C"}),
        (50, {"readings": 3, "cpu_readings": 2}, {"CPU %"}),
    ],
)
def test_a_figure_of_too_little_is_a_dash_as_well(frames, more, few):
    told = used(frames, **more)
    always = {"p95 ms", "p99 ms", "glass p95"}
    assert {head for head, text in told.items() if text == "–"} - always == few
    assert "n/a" not in told.values()


def test_nothing_that_this_machine_does_not_tell_is_a_dash():
    assert "W" not in used(power_w=None, mj_per_frame=None, readings=0)


@pytest.mark.parametrize("pictures, row", [(20, ("0.500", "0.600", "0.900")), (19, ("–",) * 3)])
def test_an_accuracy_needs_pictures(pictures, row):
    known = Accuracy(pictures, 0.5, 0.6, 0.9)
    trial = measured.grid().trials[0]._replace(accuracy=known)
    accuracy = table(measured.document([trial]), "Accuracy")
    assert accuracy.rows[0][1:] == (*row, str(pictures))
    assert any("accuracy 20 pictures" in foot for foot in accuracy.feet) == (pictures < 20)
    assert (plots.points_of([trial], figures.P50.get)[0] == []) == (pictures < 20)
    assert ("| – |" in markdown.table(measured.document([trial]))) == (pictures < 20)


def test_what_this_machine_does_not_tell_is_no_column_but_named():
    use = table(measured.single(), "What it takes")
    assert use.heads == ("setting", "CPU %", "RSS MB")
    assert use.feet == ("not measured here: device MB, W, mJ/frame, °C",)
    nothing = table(measured.troubled(), "What it takes")
    assert nothing.rows == () and "CPU %" in nothing.feet[0]


def test_the_rate_and_the_most_of_it_come_from_runs_of_their_own():
    speed = table(measured.single(), "Speed")
    row = dict(zip(speed.heads, speed.rows[0]))
    assert row["setting"] == "yolox_nano"  # a single setting bears no name
    assert row["fps"].startswith("23.9 ±") and row["most fps"].startswith("31.0 ±")


def test_losses_are_of_all_runs_together():
    assert table(measured.single(), "Frames").rows == (
        ("yolox_nano", "2739", "2700", "36", "3", "0"),
    )


def test_pictures_that_tell_no_age_are_told_where_they_were_counted():
    (trial,) = measured.single().trials
    first, *others = trial.runs
    counted = (first._replace(unread=300), *(one._replace(unread=40) for one in others))
    document = measured.document([trial._replace(runs=counted)])
    frames = table(document, "Frames")
    assert frames.heads[-1] == "unread" and frames.rows[0][-1] == "380"
    assert "glass to glass is of 2700 of 3080 pictures: no stamp was on the others" in (
        honest.notes(document)
    )
    assert table(measured.single(), "Frames").heads[-1] == "unseen"  # of an older file


def test_accuracy_says_of_how_many_pictures():
    accuracy = table(measured.grid(), "Accuracy")
    assert accuracy.rows[2] == ("int8, 320x320", "0.282", "0.452", "0.924", "500")
    assert accuracy.feet[-1] == "pictures: coco_val2017_500"


def test_without_labels_there_is_only_the_agreement():
    trial = measured.grid().trials[0]._replace(accuracy=Accuracy(32, agreement=0.97))
    accuracy = table(measured.document([trial]), "Accuracy")
    assert accuracy.heads == ("setting", "agreement", "pictures")
    assert accuracy.rows == (("fp32, 320x320", "0.970", "32"),)
    assert accuracy.feet == ("agreement: with FP32 on the CPU",)


def test_steps_are_named_for_people_and_end_with_the_whole():
    (trial,) = measured.single().trials
    names = [row[0] for row in steps.steps(trial).rows]
    assert names == [
        "wait for detect", "detect", "track", "wait for overlay", "overlay", "publish",
        "capture to end", "capture to a client's picture",
    ]  # fmt: skip
    assert steps.steps(trial._replace(runs=())) is None


def test_the_way_to_a_client_is_a_step_and_it_is_said_where_it_begins():
    """What a clip's own decoder takes is before all of it."""
    (trial,) = measured.single().trials
    served = tuple(run._replace(served=run.latency) for run in trial.runs)
    told = steps.steps(trial._replace(runs=served))
    assert [row[0] for row in told.rows[-3:]] == [
        "capture to end", "encode, serve and decode", "capture to a client's picture",
    ]  # fmt: skip
    assert told.rows[-2][1:] == told.rows[-3][1:]
    told_feet = [told.feet[0], table(measured.single(), "Speed").feet[0]]
    assert all("from a decoded picture at the source to a dec" in foot for foot in told_feet)


def test_each_step_is_called_as_people_say():
    assert steps.shown_step("capture") == "until there is a picture"
    assert steps.shown_step("to door") == "until it is at the door"
    assert steps.shown_step("to detect") == "wait for detect"
    assert steps.shown_step("stamp") == "stamp"


def test_the_slowest_layer_comes_first_with_its_share():
    (trial,) = measured.single().trials
    assert steps.layers(trial).rows == (
        ("Conv_0 + Relu_1", "Conv", "4.250", "56.7"),
        ("Conv_2", "Conv", "2.500", "33.3"),
        ("Resize_9", "Resize", "0.750", "10.0"),
    )
    assert steps.layers(trial._replace(layers=())) is None
    assert steps.layers(trial._replace(layers=(Layer("a", 0.0),))).rows[0][3] == "0.0"


def test_no_sign_is_explained_twice():
    feet = [foot for one in figures.tables(measured.grid()) for foot in one.feet]
    assert len(feet) == len(set(feet)) and sum(foot.startswith("±") for foot in feet) == 1
