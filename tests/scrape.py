"""scrape: what Prometheus would read of a running service, and what the documentation promises."""

import http.client
import pathlib
import re
from contextlib import closing

ROOT = pathlib.Path(__file__).resolve().parents[1]
_ROW = re.compile(r"^\| `((?:jetwatch|process)_\w+)` \| (\w+) \|([\w, ]*)\|.*\| ([^|]+) \|$", re.M)


def get(port, path):
    """Status, content type and content."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read()


def scrape(port):
    """The families of /metrics by their documented name, each with its samples."""
    from prometheus_client.parser import text_string_to_metric_families

    status, kind, content = get(port, "/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8"), content
    families = text_string_to_metric_families(content.decode("utf-8"))
    return {one.name + "_total" * (one.type == "counter"): one for one in families}


def value(families, name, **labels):
    """Of the one sample of that name and labels."""
    (found,) = [
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    return found


def documented():
    """Name -> type, labels and when it is there, by docs/metrics.md."""
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    return {
        name: (kind, frozenset(filter(None, labels.replace(" ", "").split(","))), there)
        for name, kind, labels, there in _ROW.findall(text)
    }


def labels_of(family):
    return {frozenset(sample.labels) - {"le"} for sample in family.samples}
