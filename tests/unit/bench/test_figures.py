import pytest

from app.bench import figures
from app.bench.honest import Repeated
from app.bench.results import Accuracy
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
    names = [row[0] for row in figures.steps(trial).rows]
    assert names == [
        "wait for detect", "detect", "track", "wait for overlay", "overlay", "publish",
        "capture to end", "capture to a client's picture",
    ]  # fmt: skip
    assert figures.steps(trial._replace(runs=())) is None


def test_the_slowest_layer_comes_first_with_its_share():
    (trial,) = measured.single().trials
    assert figures.layers(trial).rows == (
        ("Conv_0 + Relu_1", "Conv", "4.250", "56.7"),
        ("Conv_2", "Conv", "2.500", "33.3"),
        ("Resize_9", "Resize", "0.750", "10.0"),
    )
    assert figures.layers(trial._replace(layers=())) is None
    assert figures.layers(trial._replace(layers=(Layer("a", 0.0),))).rows[0][3] == "0.0"


def test_no_sign_is_explained_twice():
    feet = [foot for one in figures.tables(measured.grid()) for foot in one.feet]
    assert len(feet) == len(set(feet)) and sum(foot.startswith("±") for foot in feet) == 1
