"""The page as a browser has it: nothing refused, nothing run, nothing wider than a phone."""

import re
import shutil
import subprocess

import pytest

from app.bench import page
from tests import measured

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here. Run: apt-get install chromium"
)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--hide-scrollbars", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage", "--enable-logging=stderr", "--v=0",
]  # fmt: skip
# In a copy of the page that lets it: who is wider than the window, but for what scrolls on its own.
PROBE = """<script>addEventListener("load", () => {
const wide = [...document.querySelectorAll("body *")].filter(one =>
  !one.closest(".wide *") && one.getBoundingClientRect().right > innerWidth + 1);
const page = document.documentElement.scrollWidth > innerWidth ? ["page"] : [];
const told = wide.map(one => one.tagName + "." + one.className).concat(page);
document.body.dataset.wide = told.join(" ") || "none";
document.body.dataset.window = innerWidth;
})</script>"""


def opened(text, folder, width):
    """What the page has become, and what the browser said of it."""
    (folder / "page.html").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM] + FLAGS
        + ["--user-data-dir={}".format(folder / "profile"), "--window-size={},900".format(width),
           "--dump-dom", (folder / "page.html").as_uri()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout.decode("utf-8"), done.stderr.decode("utf-8", "replace")


def test_a_browser_refuses_nothing_and_finds_no_markup_in_names(tmp_path):
    dom, said = opened(page.html(measured.everything()["evil"]), tmp_path, 1280)
    assert "CONSOLE" not in said, said
    assert "<script" not in dom and "&lt;script&gt;" in dom
    assert dom.count("<svg") >= 4 and dom.rstrip().endswith("</html>")


@pytest.mark.parametrize("name, width", [("grid", 500), ("evil", 500), ("single", 1280)])
def test_nothing_is_wider_than_the_window(name, width, tmp_path):
    """A window of Chromium's is 500 wide at least, so a phone's styles are made to begin there."""
    text = page.html(measured.everything()[name])
    text = re.sub("<meta http-equiv.*?>", "", text).replace("max-width:480px", "max-width:520px")
    dom, _ = opened(text.replace("</body>", PROBE + "</body>"), tmp_path, width)
    assert 'data-window="{}"'.format(width) in dom
    assert 'data-wide="none"' in dom, re.search('data-wide="[^"]*"', dom)


def test_the_probe_sees_what_is_too_wide(tmp_path):
    text = "<!DOCTYPE html><body><p style='width:2000px'>wide</p>{}</body>".format(PROBE)
    dom, _ = opened(text, tmp_path, 500)
    assert 'data-wide="P. page"' in dom
