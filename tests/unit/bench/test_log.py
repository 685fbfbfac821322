"""What processes said is found below their titles, also once others have followed."""

import re

from app.bench.log import Log


def said(log, title, text="", keep=False):
    log.begin(title)
    with open(log.path, "a") as file:
        file.write(text)
    if keep:
        log.keep()


def parts(log):
    with open(log.path) as file:
        return re.findall(r"^=== [-0-9]{10} [:0-9]{8} (.*)\n([^=]*)", file.read(), re.MULTILINE)


def test_the_latest_is_there_and_each_that_is_kept(tmp_path):
    """It was of the setting that came next, when one looked for what had failed."""
    log = Log(str(tmp_path / "bench.log"))
    said(log, "where", "quiet\n")
    said(log, "work fp16", "Segmentation fault\n", keep=True)
    said(log, "work fp32", "warning\n")
    assert parts(log) == [("work fp16", "Segmentation fault\n"), ("work fp32", "warning\n")]
    said(log, "work int8")
    assert parts(log) == [("work fp16", "Segmentation fault\n"), ("work int8", "")]


def test_what_an_earlier_benchmark_left_is_before_it(tmp_path):
    path = str(tmp_path / "bench.log")
    said(Log(path), "work a", "one\n")
    later = Log(path)
    said(later, "work b", "two\n")
    said(later, "work c", "three\n")
    assert parts(later) == [("work a", "one\n"), ("work c", "three\n")]


def test_it_does_not_grow_for_ever(tmp_path):
    log = Log(str(tmp_path / "bench.log"))
    for number in range(5):
        said(log, str(number), "x" * 99 + "\n" + ("y" * 99 + "\n") * 15000, keep=True)
        assert (tmp_path / "bench.log").stat().st_size < 6 << 20
    said(log, "last")
    told = parts(log)
    assert [title for title, _ in told] == ["4", "last"]
    assert (tmp_path / "bench.log").read_text().startswith("y" * 99 + "\n"), "whole lines"


def test_where_it_cannot_be_written_the_process_itself_says_so(tmp_path):
    log = Log(str(tmp_path))
    log.begin("work")
    log.keep()
    log.begin("caf\u00e9 \ud800")
