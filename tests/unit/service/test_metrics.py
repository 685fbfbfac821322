"""What a real scrape of everything that can be known says, and who relies on it."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from app.core.meter import BUCKETS_S
from app.service import metrics
from app.service.board import Board
from app.service.facts import Facts
from app.service.health import health
from app.service.http import HttpSettings, serving
from app.service.pages import Pages
from app.service.request import Request
from tests.known import NOW, everything, facts
from tests.scrape import ROOT, documented, get, labels_of, scrape, value


def served(known):
    board = Board()
    board.update(known)
    return serving(HttpSettings("127.0.0.1", 0), board)


@pytest.fixture(scope="module")
def families():
    pytest.importorskip("prometheus_client")
    with served(everything()) as server:
        return scrape(server.port)


def test_the_documentation_names_each_metric_its_type_and_its_labels(families):
    told = {name: (kind, labels) for name, (kind, labels, _) in documented().items()}
    assert set(told) == set(families)
    for name, (kind, labels) in told.items():
        assert families[name].type == kind, name
        assert labels_of(families[name]) == {labels}, name


def test_values_are_those_of_the_facts(families):
    assert value(families, "jetwatch_frames_total", camera="gate") == 1500
    assert value(families, "jetwatch_dropped_frames_total", camera="gate", place="door") == 7
    assert value(families, "jetwatch_dropped_frames_total", camera="gate", place="encoder") == 2
    assert value(families, "jetwatch_camera_up", camera="yard") == 0
    model = {"camera": "yard", "model": "nanodet_g", "backend": "host"}
    assert value(families, "jetwatch_model_info", precision="int8", input="416x320", **model) == 1
    assert value(families, "jetwatch_reconnects_total", camera="yard") == 4
    assert value(families, "jetwatch_viewers", mount="gate") == 3
    assert value(families, "jetwatch_queue_depth", queue="to track") == 2
    assert value(families, "jetwatch_temperature_celsius", sensor="GPU-therm") == 51
    assert value(families, "jetwatch_swap_used_bytes") == 0  # told, and it is nought
    assert value(families, "jetwatch_load_step") == 2
    assert value(families, "process_open_fds") > 0 and value(families, "process_threads") >= 1


def test_a_histogram_grows_from_bucket_to_bucket(families):
    samples = families["jetwatch_stage_seconds"].samples
    counts = [
        (float(sample.labels["le"]), sample.value)
        for sample in samples
        if sample.name.endswith("_bucket") and sample.labels["stage"] == "detect"
    ]
    assert [edge for edge, _ in counts] == [*BUCKETS_S, float("inf")]
    assert [count for _, count in counts] == sorted(count for _, count in counts)
    assert dict(counts)[0.1] == 50 and dict(counts)[float("inf")] == 100
    assert value(families, "jetwatch_latency_seconds_sum") == pytest.approx(10)


def test_what_is_not_known_is_absent_and_not_nought():
    pytest.importorskip("prometheus_client")
    with served(facts()) as server:
        found = scrape(server.port)
    there = {name for name, family in found.items() if family.samples}
    for name, (_, _, when) in documented().items():
        if when.strip() in ("where told", "with a budget", "with `rtsp:`"):
            assert name not in there, name
    with served(Facts(NOW)) as server:
        assert value(scrape(server.port), "jetwatch_ready") == 0


def test_what_a_name_may_hold_does_not_break_the_text():
    pytest.importorskip("prometheus_client")
    known = everything()
    odd = 'a "b"\\\nc}'
    vitals = known.machine.vitals._replace(temperatures={odd: 20.0})
    with served(known._replace(machine=known.machine._replace(vitals=vitals))) as server:
        assert value(scrape(server.port), "jetwatch_temperature_celsius", sensor=odd) == 20


def test_each_metric_of_the_dashboard_is_served(families):
    dashboard = json.loads((ROOT / "configs" / "grafana.json").read_text(encoding="utf-8"))
    names = {sample.name for family in families.values() for sample in family.samples}
    asked = [one["expr"] for panel in dashboard["panels"] for one in panel["targets"]]
    asked += [
        one["query"]["query"]
        for one in dashboard["templating"]["list"]
        if one["name"] == "instance"
    ]
    assert len(asked) > 20
    for expr in asked:
        used = re.findall(r"\b(?:jetwatch|process)_\w+", expr)
        assert used and set(used) <= names, expr
        labels = set(re.findall(r"by \(([\w, ]+)\)", expr))
        assert all(set(one.split(", ")) <= {"le", "stage"} for one in labels), expr


def test_legends_of_the_dashboard_name_labels_that_are_there(families):
    dashboard = json.loads((ROOT / "configs" / "grafana.json").read_text(encoding="utf-8"))
    labels = {}
    for family in families.values():
        for sample in family.samples:
            labels.setdefault(sample.name, {"instance"}).update(sample.labels)
    for panel in dashboard["panels"]:
        for one in panel["targets"]:
            named = set(re.findall(r"{{(\w+)}}", one["legendFormat"]))
            (used, *_) = re.findall(r"\b(?:jetwatch|process)_\w+", one["expr"])
            assert named <= labels[used], panel["title"]


def test_promtool_finds_nothing_to_improve():
    pytest.importorskip("prometheus_client")
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool; it comes with Prometheus")
    known = everything()
    text = metrics.exposition(known, health(known, NOW), NOW)
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert (done.returncode, done.stdout) == (0, b"")


def test_without_the_package_the_page_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)  # so says Python that it is absent
    board = Board()
    board.update(facts())
    answer = Pages(board, lambda: NOW).answer(Request("GET", "/metrics"))
    assert answer.status == 501 and b"pip install prometheus_client" in answer.content


def test_scraping_at_once_gives_each_the_whole():
    """Each answer is made of a registry of its own."""
    pytest.importorskip("prometheus_client")
    from concurrent.futures import ThreadPoolExecutor

    with served(everything()) as server, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: get(server.port, "/metrics"), range(40)))
    assert {status for status, _, _ in answers} == {200}
    assert len({content.count(b"\n") for _, _, content in answers}) == 1
