"""`jetwatch bench`: how what was typed reaches what is made."""

import os

import pytest

from app import cli_bench
from app.cli_flags import parser
from app.errors import ConfigError
from app.media import uri
from app.media.camera import Camera


def typed(*words):
    return parser().parse_args(["bench", *map(str, words)])


def how(precision, *words, origin=None):
    arguments = typed(*words)
    asked = arguments.calibrate or origin or Camera("a", uri.parse("rtsp://camera/1"))
    make = cli_bench._maker(arguments, None)(asked, asked)
    return make.how({"precision": precision})


@pytest.fixture
def folders(tmp_path):
    for name in ("A", "B"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"1")
    return tmp_path / "A", tmp_path / "B"


def test_whatever_changes_an_engine_changes_what_it_is_kept_as(folders):
    """Once --calibrate B --effort 5 was told with the engine of --calibrate A --effort 0."""
    one, other = folders
    ways = [
        ("--calibrate", one),
        ("--calibrate", other),
        ("--calibrate", one, "--effort", 5),
        ("--calibrate", one, "--lean"),
        ("--calibrate", one, "--workspace-mb", 64),
        ("--calibrate", one, "--calibrator", "qdq"),
        (),
    ]
    marks = [how("int8", *words) for words in ways]
    assert len(set(marks)) == len(ways)
    assert marks == [how("int8", *words) for words in ways]
    os.utime(str(one / "1.png"), (1, 1))
    assert how("int8", *ways[0]) != marks[0]


def test_pictures_do_not_change_an_engine_that_is_not_calibrated(folders):
    one, other = folders
    assert how("fp16", "--calibrate", one) != how("fp16", "--calibrate", one, "--effort", 5)
    origin = Camera("a", uri.parse(str(other)))
    assert how("fp16") == how("fp16", origin=origin)
    assert how("int8") != how("int8", origin=origin)


def test_pictures_that_were_kept_apart_make_another_engine(folders):
    one, other = (Camera("a", uri.parse(str(folder))) for folder in folders)
    makes = cli_bench._maker(typed(), None)
    values = {"precision": "int8"}
    assert makes(one, one).how(values) != makes(other, one).how(values)


@pytest.mark.parametrize(
    "words, told",
    [
        (["--write", "a.yaml"], "nothing comes of --write without --tune"),
        (["--minutes", "15"], "of --minutes without --tune"),
        (["--min-agreement", "0"], "of --min-agreement without --tune"),
        (["--latency-ms", "100", "--minutes", "15"], "of --latency-ms, --minutes without --tune"),
        (["--compare", "a", "b", "--tune"], "--compare reads two files and measures nothing"),
        (["--compare", "a", "b", "--tune", "--write", "c"], "leave out --tune, --write"),
        (["--compare", "a", "b", "--effort", "0"], "leave out --effort"),
        (["--compare", "a", "b", "--seconds", "20"], "leave out --seconds"),
        (["two.yaml", "--compare", "a", "b"], "leave out CONFIG"),
    ],
)
def test_what_would_do_nothing_is_refused(words, told):
    with pytest.raises(ConfigError) as refused:
        cli_bench.run(typed(*words), None, print)
    assert told in str(refused.value) and "\n" not in str(refused.value)


def test_the_words_that_may_be_chosen_from_are_in_the_help(capsys):
    with pytest.raises(SystemExit):
        typed("--help")
    text = " ".join(capsys.readouterr().out.split())
    for words in ("of the engine: fp32, fp16, int8", "input: cpu, gpu", "CUDA graphs: on, off"):
        assert words in text
