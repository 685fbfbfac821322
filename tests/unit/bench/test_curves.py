import re
import xml.etree.ElementTree as ElementTree

import pytest

from app.bench import curves
from tests import measured
from tests.unit.bench.test_plots import SVG, bars, tagged, texts

EVERYTHING = measured.everything()


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_each_is_xml_with_an_alternative_in_text_or_nothing(name):
    document = EVERYTHING[name]
    for plot in [curves.spread(document)] + [curves.course(one) for one in document.trials]:
        if plot:
            root = ElementTree.fromstring(plot.encode("utf-8"))
            assert root[0].tag == SVG + "title" and root[1].tag == SVG + "desc" and root[1].text
            assert not re.search("[^a-z](nan|inf)[^a-z]", plot)


def with_histogram(*pairs):
    return measured.run(frames=20)._replace(histogram=pairs)


@pytest.mark.parametrize(
    "runs, bins",
    [
        ([], []),
        ([with_histogram()], []),
        ([with_histogram((2.0, 0))], []),
        ([with_histogram((12.0, 5))], [(10.0, 12.0, 5)]),
        ([with_histogram((2.0, 5), (4.0, 6))], [(1.0, 2.0, 5), (2.0, 4.0, 6)]),
        # nothing is known of between 4 and 16 but that no frame was there
        (
            [with_histogram((2.0, 5), (4.0, 6)), with_histogram((4.0, 1), (16.0, 1))],
            [(1.0, 2.0, 5), (2.0, 4.0, 7), (8.0, 16.0, 1)],
        ),
    ],
)
def test_the_bins_of_all_runs_are_put_together(runs, bins):
    assert curves.counts(runs) == [tuple(map(pytest.approx, one)) for one in bins]


def test_one_setting_is_a_histogram_of_all_its_frames():
    plot = curves.spread(EVERYTHING["single"])
    told = [text for _, _, text in bars(plot)]
    assert sum(int(text.split(": ")[1].split()[0]) for text in told) == 2700
    assert {"p50", "p95", "p99", "latency, ms", "% of frames"} <= set(texts(plot))


def test_several_settings_are_curves_up_to_all_frames():
    plot = curves.spread(EVERYTHING["grid"])
    lines = tagged(plot, "polyline")
    assert len(lines) == 6
    ends = [float(line.get("points").split()[-1].split(",")[1]) for line in lines]
    assert len(set(ends)) == 1  # all of them reach 100 %
    for line in lines:
        heights = [float(point.split(",")[1]) for point in line.get("points").split()]
        assert heights == sorted(heights, reverse=True)
    assert len({(line.get("stroke"), line.get("stroke-dasharray")) for line in lines}) == 6


def test_more_curves_than_colours_are_said_to_be_left_out():
    trial = EVERYTHING["grid"].trials[0]
    trials = [trial._replace(name="n{}".format(number)) for number in range(curves.MOST + 3)]
    plot = curves.spread(measured.document(trials))
    assert len(tagged(plot, "polyline")) == curves.MOST
    assert "and 3 more, not drawn" in texts(plot)


def test_the_course_of_each_run_with_its_warm_up_shaded():
    (trial,) = EVERYTHING["single"].trials
    plot = curves.course(trial)
    assert len(tagged(plot, "polyline")) == 6  # three runs, rate and latency
    shades = [each for each in tagged(plot, "rect") if each.get("class") == "shade"]
    assert len(shades) == 2
    assert float(shades[0].get("width")) == pytest.approx(408 * 3.0 / 40, abs=1)
    assert "shaded: warm-up, left out" in texts(plot)


def test_no_warm_up_is_no_shade_and_no_timeline_is_no_plot():
    (trial,) = EVERYTHING["single"].trials
    cold = trial._replace(runs=tuple(run._replace(warm_up_s=0.0) for run in trial.runs))
    assert 'class="shade"' not in curves.course(cold)
    none = trial._replace(runs=tuple(run._replace(timeline=()) for run in trial.runs))
    assert curves.course(none) == ""


def test_a_moment_without_a_frame_is_a_rate_of_none_and_no_latency():
    (trial,) = EVERYTHING["single"].trials
    run = trial.runs[0]._replace(timeline=((0.0, 0.0, None), (1.0, 0.0, None)), warm_up_s=0.0)
    assert len(tagged(curves.course(trial._replace(runs=(run,))), "polyline")) == 1
