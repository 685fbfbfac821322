import pathlib
import subprocess
import sys

import pytest

from app.bench import markdown, results
from app.errors import ConfigError
from tests import measured

ROOT = pathlib.Path(__file__).resolve().parents[3]
README = ROOT / "README.md"
COMMITTED = sorted((ROOT / "docs" / "benchmarks").glob("*.json"))
MARKS = markdown.BEGIN + "\n" + markdown.END + "\n"


def test_the_readme_has_what_the_committed_files_say():
    """To mend: scripts/benchtable docs/benchmarks/*.json --write README.md."""
    made = markdown.block([str(path) for path in COMMITTED])
    text = README.read_text(encoding="utf-8")
    if made or markdown.BEGIN in text:
        assert markdown.within(text, made, "README.md") == text


def test_a_table_of_one_file():
    assert markdown.table(measured.single()).splitlines() == [
        "| setting | fps | most fps | latency p50, ms | glass to glass p50, ms "
        "| cost over raw, ms | AP |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| yolox_nano | 23.9 ±0.1 | 31.0 ±0.0 | 40.4 ±0.2 | 51.5 ±0.4 | 0.80 |  |",
        "",
        "yolox_nano, Intel(R) Core(TM) i7-8565U CPU @ 1.80GHz, ONNX Runtime 1.10.0, 2026-11-28, "
        "`jetwatch bench --model yolox_nano`",
    ]


def test_several_files_are_one_table_by_numbers():
    lines = markdown.table(measured.single(), measured.grid()).splitlines()
    assert sum(line.startswith("| setting") for line in lines) == 1
    assert lines[2].startswith("| yolox_nano (1) | ")
    assert all(" (2) | " in line for line in lines[3:-3])
    assert [line[:4] for line in lines[-2:]] == ["(1) ", "(2) "]
    assert lines[-2].endswith("  ")  # a line end in Markdown


def test_what_could_not_be_measured_and_what_has_too_few_samples():
    assert "| int8 | not measured |  |  |  |  |  |" in markdown.table(measured.troubled())
    assert "| fp16 | 29.9 |  | 29.2 |  | – |  |" in markdown.table(measured.interrupted())


def test_names_cannot_leave_their_cell():
    trial = measured.grid().trials[0]._replace(name="a | b\\ <i>`x`")
    (row,) = [
        line
        for line in markdown.table(measured.document([trial])).splitlines()
        if line.startswith("| a")
    ]
    assert row.startswith("| a \\| b\\\\ \\<i\\>\\`x\\` | ")


@pytest.mark.parametrize(
    "text, made, result",
    [
        (MARKS, "", MARKS),
        ("a\n" + MARKS + "b\n", "t\n", "a\n{}\nt\n{}\nb\n".format(markdown.BEGIN, markdown.END)),
    ],
)
def test_it_stands_between_two_marks(text, made, result):
    assert markdown.within(text, made, "f") == result
    assert markdown.within(result, "", "f") == markdown.within(text, "", "f")


@pytest.mark.parametrize(
    "text", ["", markdown.BEGIN, markdown.END + markdown.BEGIN, MARKS + MARKS, MARKS + markdown.END]
)
def test_without_its_marks_it_has_no_place(text):
    with pytest.raises(ConfigError, match="needs these two lines"):
        markdown.within(text, "t\n", "f")


@pytest.fixture
def folder(tmp_path):
    results.write(str(tmp_path / "a.json"), measured.single())
    results.write(str(tmp_path / "b.json"), measured.grid())
    (tmp_path / "other.json").write_text('{"fps": 3}')
    (tmp_path / "README.md").write_text("# Ours\n\n" + MARKS + "\nEnd.\n")
    return tmp_path


def benchtable(folder, *arguments):
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "benchtable")] + list(arguments),
        cwd=str(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")


def test_the_script_checks_writes_and_prints(folder):
    files = ["a.json", "b.json", "other.json"]
    code, out, err = benchtable(folder, *files)
    assert code == 0 and out == markdown.block([str(folder / name) for name in files])
    assert err == "benchtable: other.json: left out, as it is no benchmark's\n"
    code, out, err = benchtable(folder, *files, "--check", "README.md")
    assert code == 1 and not out and "Traceback" not in err
    assert "Run: scripts/benchtable a.json b.json other.json --write README.md" in err
    assert benchtable(folder, *files, "--write", "README.md")[0] == 0
    assert benchtable(folder, *files, "--check", "README.md")[0] == 0
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert (
        text.startswith("# Ours\n")
        and text.endswith("\n\nEnd.\n")
        and "| int8, 416x416 (2) |" in text
    )
    assert benchtable(folder, "a.json", "--check", "README.md")[0] == 1


@pytest.mark.parametrize(
    "content, reason",
    [
        ("{", "is no JSON"),
        ('{"format": "jetwatch-bench/99"}', "is no jetwatch-bench/1 file"),
        ('{"format": "jetwatch-bench/1"}', "version is missing"),
        (None, "cannot be read"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(content, reason, folder):
    if content is not None:
        (folder / "c.json").write_text(content)
    code, out, err = benchtable(folder, "a.json", "c.json", "--write", "README.md")
    assert code == 1 and reason in err and len(err.splitlines()) == 1
    assert (folder / "README.md").read_text() == "# Ours\n\n" + MARKS + "\nEnd.\n"
