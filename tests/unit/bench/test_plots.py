import itertools
import random
import re
import xml.etree.ElementTree as ElementTree

import pytest

from app.bench import figures, plots, steps, svg
from app.bench.honest import Repeated
from app.bench.plots import Point
from app.bench.results import CAPTURE, Accuracy, Floor, Step
from tests import measured

EVERYTHING = measured.everything()
SVG = "{http://www.w3.org/2000/svg}"


def texts(plot):
    return [each.text for each in ElementTree.fromstring(plot).iter(SVG + "text")]


def tagged(plot, tag):
    return list(ElementTree.fromstring(plot).iter(SVG + tag))


def bars(plot):
    """(left, right, what it says) of each bar that says something."""
    made = []
    for each in tagged(plot, "rect"):
        title = each.find(SVG + "title")
        if title is not None:
            left = float(each.get("x"))
            made.append((left, left + float(each.get("width")), title.text))
    return made


@pytest.mark.parametrize("name", sorted(EVERYTHING))
@pytest.mark.parametrize("draw", [plots.pareto, plots.parts, plots.pareto_svg])
def test_a_plot_is_xml_with_an_alternative_in_text_or_nothing(name, draw):
    plot = draw(EVERYTHING[name])
    if not plot:
        assert draw is not plots.pareto_svg
        return
    root = ElementTree.fromstring(plot.encode("utf-8"))
    assert root.tag == SVG + "svg" and root.get("role") == "img"
    assert root[0].tag == SVG + "title" and root[0].text
    assert root[1].tag == SVG + "desc" and root[1].text
    assert "script" not in {each.tag.replace(SVG, "") for each in root.iter()}
    assert not re.search("[^a-z](nan|inf)[^a-z]", plot)


def point(cost, worth):
    return Point("{} {}".format(cost, worth), Repeated(cost, 1), worth)


@pytest.mark.parametrize(
    "points, best",
    [
        ([], []),
        ([(3, 0.5)], [(3, 0.5)]),
        ([(3, 0.5), (4, 0.5)], [(3, 0.5)]),
        ([(3, 0.5), (3, 0.6)], [(3, 0.6)]),
        ([(5, 0.9), (3, 0.5), (4, 0.4)], [(3, 0.5), (5, 0.9)]),
    ],
)
def test_the_front_is_what_no_other_beats(points, best):
    found = plots.front([point(*one) for one in points])
    assert [(one.cost.median, one.worth) for one in found] == best


def test_the_front_is_that_of_asking_each_against_each():
    draw = random.Random(1).randint
    for _ in range(50):
        points = [point(draw(1, 9), draw(1, 9)) for _ in range(draw(1, 12))]

        def beaten(one, points=points):
            return any(
                other.cost.median <= one.cost.median and other.worth >= one.worth
                and (other.cost.median, other.worth) != (one.cost.median, one.worth)
                for other in points
            )  # fmt: skip

        wanted = {(one.cost.median, one.worth) for one in points if not beaten(one)}
        assert {(one.cost.median, one.worth) for one in plots.front(points)} == wanted


def test_the_members_of_the_front_are_named_and_the_others_only_marked():
    plot = plots.pareto(EVERYTHING["grid"])
    named = set(texts(plot))
    assert {"int8, 320x320", "fp16, 320x320", "int8, 416x416", "fp16, 416x416"} <= named
    assert "fp32, 320x320" not in named
    circles = tagged(plot, "circle")
    assert len(circles) == 6 and sum(each.get("class") == "ground" for each in circles) == 1
    assert any("fp32, 320x320" in each.find(SVG + "title").text for each in circles)
    assert {"AP", "latency p50, ms", "AP against latency"} <= named


def crowd():
    """Settings of the front that are near to one another, for one is far off."""
    (one,) = EVERYTHING["grid"].trials[:1]
    return measured.document(
        one._replace(
            name="setting {}".format(number),
            runs=(measured.run(20.0 + number),),
            accuracy=Accuracy(500, 0.3 + number / 1000),
        )
        for number in (0, 1, 2, 40)
    )


@pytest.mark.parametrize("document, count", [(EVERYTHING["grid"], 5), (crowd(), 4)])
def test_names_do_not_cover_one_another_nor_the_marks(document, count):
    plot = plots.pareto(document)
    circles = [
        (float(one.get("cx")) - 5, float(one.get("cy")) - 5, float(one.get("cx")) + 5,
         float(one.get("cy")) + 5)
        for one in tagged(plot, "circle")
    ]  # fmt: skip
    names = []
    for each in tagged(plot, "text"):
        if each.get("class") == "halo":
            left, bottom = float(each.get("x")), float(each.get("y"))
            names.append((left, bottom - 10, left + 6 * len(each.text), bottom))
            assert left >= 0 and names[-1][2] <= plots.WIDTH
    assert len(names) == count
    pairs = list(itertools.combinations(names, 2)) + list(itertools.product(names, circles))
    for (x1, y1, x2, y2), (x3, y3, x4, y4) in pairs:
        assert x2 <= x3 or x4 <= x1 or y2 <= y3 or y4 <= y1


def test_where_there_is_no_room_for_a_name_it_stands_somewhere_all_the_same():
    names = plots._Names(svg.Panel(52, 52, 404, 230))
    wrote = [names.write("setting", 100, 100) for _ in range(20)]
    assert all("setting" in each for each in wrote)


def test_the_line_goes_along_the_edge_of_what_is_possible():
    assert plots._stairs([]) == []
    assert plots._stairs([(1, 9), (3, 5), (4, 2)]) == [(1, 9), (3, 9), (3, 5), (4, 5), (4, 2)]


def test_repeats_are_error_bars_and_one_run_has_none():
    one_run = [trial._replace(runs=trial.runs[:1]) for trial in EVERYTHING["grid"].trials]
    marks = [
        sum(line.get("class") == "mark" for line in tagged(plots.pareto(document), "line"))
        for document in (EVERYTHING["grid"], measured.document(one_run))
    ]
    assert marks == [18, 0]


def test_without_labels_it_is_the_agreement_and_without_power_there_is_no_energy():
    trials = [
        trial._replace(
            accuracy=Accuracy(32, agreement=0.9 + number / 100),
            runs=tuple(measured.run(20.0 + number, seed=seed) for seed in range(2)),
        )
        for number, trial in enumerate(EVERYTHING["grid"].trials)
    ]
    document = measured.document(trials)
    assert "Agreement with FP32 against latency" in texts(plots.pareto(document))
    assert plots.pareto(document, figures.ENERGY) == ""
    assert "AP against energy" in texts(plots.pareto(EVERYTHING["grid"], figures.ENERGY))
    assert plots.pareto(measured.document(trials[:1])) == ""  # one is no comparison


def test_the_file_of_its_own_has_its_ground_and_style_and_both_plots():
    plot = plots.pareto_svg(EVERYTHING["grid"])
    assert plot.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    assert "prefers-color-scheme:dark" in plot and plot.count("<style>") == 1
    assert {"AP against latency", "AP against energy"} <= set(texts(plot))
    assert "No two settings" in plots.pareto_svg(EVERYTHING["empty"])


def test_a_bar_is_made_of_its_steps_end_to_end():
    plot = plots.parts(EVERYTHING["single"])
    steps = bars(plot)
    assert [text.split(":")[0] for _, _, text in steps] == [
        "to detect", "detect", "track", "to overlay", "overlay", "publish", "the bare network",
    ]  # fmt: skip
    for (_, end, _), (begin, _, _) in zip(steps, steps[1:-1]):
        assert begin == pytest.approx(end, abs=0.11)
    milliseconds = [float(text.split(": ")[1].split()[0]) for _, _, text in steps]
    unit = (steps[1][1] - steps[1][0]) / milliseconds[1]
    for (begin, end, _), ms in zip(steps, milliseconds):
        assert end - begin == pytest.approx(ms * unit, abs=0.5)
    assert steps[-1][0] == steps[1][0]  # the bare network begins where the detector does
    assert "yolox_nano: 40.37 ms" in texts(plot) or "yolox_nano: 40.36 ms" in texts(plot)


def test_the_wait_for_a_picture_is_no_part_of_its_latency():
    (trial,) = EVERYTHING["single"].trials
    wait = Step(CAPTURE, trial.runs[0].latency._replace(p50=40.0))
    waiting = trial._replace(
        runs=tuple(one._replace(steps=(wait, *one.steps)) for one in trial.runs)
    )
    assert plots.parts(measured.document([waiting], measured.LAPTOP)) == (
        plots.parts(measured.document([trial], measured.LAPTOP))
    )
    assert steps.steps(waiting).rows[0][0] == "until there is a picture"


def test_no_axis_goes_beyond_a_perfect_accuracy():
    trials = [
        trial._replace(accuracy=Accuracy(32, agreement=1.0)) for trial in EVERYTHING["grid"].trials
    ]
    written = texts(plots.pareto(measured.document(trials)))
    assert "1.00" in written and "1.02" not in written and "1.05" not in written


def test_a_floor_that_is_longer_than_the_bar_fits_too():
    (trial,) = EVERYTHING["single"].trials
    spread = trial.runs[0].latency._replace(p50=4.0)
    run = trial.runs[0]._replace(steps=(Step("detect", spread),))
    floor = Floor("TensorRT", spread._replace(p50=90.0), spread)
    plot = plots.parts(measured.document([trial._replace(runs=(run,), floor=floor)]))
    (_, short, _), (_, long, _) = bars(plot)
    assert short < long <= plots.WIDTH
