import html.parser
import re
import xml.etree.ElementTree as ElementTree

import pytest

from app.bench import page
from app.errors import OutputError
from tests import measured

EVERYTHING = measured.everything()
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Reader(html.parser.HTMLParser):
    """The tags of a page, each closed in its turn, with their attributes, and its text."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)

    @property
    def text(self):
        return "\n".join(self.words)


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_each_page_is_whole_and_needs_nothing_else(name):
    text = page.html(EVERYTHING[name])
    read = Reader(text)
    names = {tag for tag, _ in read.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "base", "form", "a"}
    for _, attributes in read.tags:
        assert not {"src", "href", "onload", "onerror", "style"} & set(attributes)
    assert "url(" not in text and "@import" not in text
    policy = [one for tag, one in read.tags if tag == "meta" and "http-equiv" in one]
    assert policy == [
        {
            "http-equiv": "Content-Security-Policy",
            "content": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        }
    ]
    assert text.index("charset=") < 1024  # where a browser looks for it
    for plot in re.findall("<svg.*?</svg>", text, re.DOTALL):
        ElementTree.fromstring(plot.encode("utf-8"))


def test_what_speaks_against_the_figures_comes_before_them():
    text = page.html(EVERYTHING["throttled"])
    notes = text.index("What speaks against these figures")
    assert notes < text.index("throttled in 1 of 2 runs (GPU: thermal)") < text.index("<table")
    assert notes < text.index("class=tiles")
    assert "Nothing was seen that speaks against" in page.html(EVERYTHING["grid"])


def test_it_says_where_and_how_it_was_measured():
    text = Reader(page.html(EVERYTHING["grid"])).text
    for fact in (
        "NVIDIA Jetson Orin Nano Developer Kit", "JetPack", "6.0", "L4T", "36.3.0", "driver",
        "540.3.0", "TensorRT", "8.6.2", "power mode", "15W", "locked by jetson_clocks", "ab" * 32,
        "jetwatch bench --model yolox_nano --precision fp16 int8 --repeats 3",
        "2026-11-28 21:14:05 UTC", "jetwatch-bench/1",
    ):  # fmt: skip
        assert fact in text, fact


def test_one_setting_is_told_large_and_open():
    read = Reader(page.html(EVERYTHING["single"]))
    assert [one for tag, one in read.tags if tag == "details"] == [{"open": None}]
    assert "cost over bare ONNX Runtime 1.10.0" in read.text and "Conv_0 + Relu_1" in read.text
    assert sum(tag == "svg" for tag, _ in read.tags) == 3


def test_several_settings_are_folded_each_with_its_steps_and_config():
    read = Reader(page.html(EVERYTHING["grid"]))
    assert [one for tag, one in read.tags if tag == "details"] == [{}] * 6
    assert read.text.count("wait for detect") == 6
    assert read.text.count("  - {name: door, source: clip.mp4}") == 6
    assert sum(tag == "svg" for tag, _ in read.tags) == 4 + 6


def test_what_could_not_be_measured_is_among_what_speaks_against_it():
    text = page.html(EVERYTHING["troubled"])
    assert "<b>int8</b> could not be measured: no engine: this GPU has no fast INT8" in text
    assert "Nothing was measured." in page.html(EVERYTHING["empty"])


def test_whatever_a_file_says_is_text():
    text = page.html(EVERYTHING["evil"])
    assert "<script" not in text and "\x00" not in text and "\x1b" not in text
    shown = measured.EVIL.replace("\x00", "\ufffd").replace("\x1b", "\ufffd")
    assert Reader(text).text.count(shown) > 30
    assert "b" * 300 in text


def test_a_page_is_written_whole_or_refused(tmp_path):
    path = tmp_path / "page.html"
    page.write(str(path), EVERYTHING["evil"])
    assert path.read_bytes().decode("utf-8") == page.html(EVERYTHING["evil"])
    with pytest.raises(OutputError, match="cannot be written"):
        page.write(str(tmp_path / "nowhere" / "page.html"), EVERYTHING["empty"])


def test_settings_that_can_be_compared_are_a_picture_as_well(tmp_path):
    path = tmp_path / "pareto.svg"
    assert page.write_picture(str(path), measured.grid())
    assert ElementTree.parse(str(path)).getroot().tag.endswith("svg")


def test_one_setting_is_no_picture(tmp_path):
    path = tmp_path / "pareto.svg"
    assert not page.write_picture(str(path), measured.single())
    assert not path.exists()
