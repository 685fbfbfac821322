"""
svg: the parts of a plot, as text.

Made by hand because no library can be asked for: a Nano's Python 3.6 has no wheel of matplotlib for
its processor, and one that is compiled there wants more memory than such a board has to spare.
"""

import html
import math
import re
from typing import List, NamedTuple, Sequence, Tuple

# Of the overlay's colours, which any kind of colour vision tells apart, those that show on white
# and on black.
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#999933", "#AA3377",
    "#44AA99", "#EE6677",
)  # fmt: skip
STYLE = """\
.plot{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.plot text{fill:#1f2328}
.plot .title{font-weight:600;font-size:15px}
.plot .quiet{fill:#57606a}
.plot .halo{stroke:#fff;stroke-width:4px;stroke-linejoin:round;paint-order:stroke}
.plot .ground{fill:#fff}
.plot .shade{fill:#57606a;fill-opacity:.14}
.plot .grid{stroke:#d8dee4}
.plot .axis,.plot .mark{stroke:#57606a}
.plot .ink{fill:#1f2328}
@media not print{@media (prefers-color-scheme:dark){
.plot text,.plot .ink{fill:#e6edf3}
.plot .quiet{fill:#9198a1}
.plot .halo{stroke:#0d1117}
.plot .ground{fill:#0d1117}
.plot .shade{fill:#9198a1}
.plot .grid{stroke:#30363d}
.plot .axis,.plot .mark{stroke:#9198a1}
}}
"""
CHARACTER = 7.2  # width of a usual one, in the units of a plot
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Panel(NamedTuple):
    """Where on a plot the figures are drawn."""

    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def right(self) -> float:
        return self.left + self.width


class Scale(NamedTuple):
    """From a figure to a place: ``low`` is at ``start``, ``high`` at ``end``."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = (math.log(max(one, 1e-9)) for one in (value, low, high))
        part = (value - low) / (high - low)
        return self.start + min(1.0, max(0.0, part)) * (self.end - self.start)

    def ticks(self, most: int = 6) -> List[float]:
        """Round numbers from end to end."""
        if self.logarithmic and self.high > 5 * self.low:
            return _decades(self.low, self.high, most)
        step = _round_step((self.high - self.low) / most)
        first, last = math.ceil(self.low / step - 1e-6), math.floor(self.high / step + 1e-6)
        return [number * step for number in range(first, last + 1)]


def around(values: Sequence[float], start: float, end: float, zero: bool = False) -> Scale:
    """A scale with room about these values, or from 0 on, that ends at round numbers."""
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    low, high = (0.0 if zero else low - room), high + room
    if min(values) > 0 > low:
        low = 0.0
    step = 0.0
    while step != _round_step((high - low) / 6):  # a wider range may want wider steps
        step = _round_step((high - low) / 6)
        low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return Scale(low, high, start, end)


def escaped(text: str) -> str:
    """As text of XML and HTML, and inside of quotes."""
    return html.escape(_UNWRITABLE.sub("\ufffd", text), quote=True)


def short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def written(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    """Text that stands on (x, y). ``kind``: its classes."""
    about = f' class="{kind}"' if kind else ""
    about += f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{about}>{escaped(text)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def box(x: float, y: float, width: float, height: float, about: str, told: str = "") -> str:
    """A rectangle; ``about``: its attributes, ``told``: what it stands for."""
    title = f"<title>{escaped(told)}</title>" if told else ""
    sides = f'width="{max(0.0, width):.1f}" height="{max(0.0, height):.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {sides} {about}>{title}</rect>'


def path(points: Sequence[Tuple[float, float]], colour: str, about: str = "") -> str:
    """A line through these points."""
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-linejoin="round"{about}/>'
    )


def across(panel: Panel, scale: Scale, name: str) -> str:
    """The axis below a panel, with its lines through it."""
    parts = []
    values = scale.ticks(max(2, int(panel.width / 64)))
    for value, text in zip(values, tick_texts(values)):
        x = scale.at(value)
        parts.append(line(x, panel.top, x, panel.bottom))
        parts.append(written(x, panel.bottom + 16, text, "quiet", "middle"))
    parts.append(line(panel.left, panel.bottom, panel.right, panel.bottom, "axis"))
    middle = panel.left + panel.width / 2
    parts.append(written(middle, panel.bottom + 34, name, "quiet", "middle") if name else "")
    return "".join(parts)


def up(panel: Panel, scale: Scale, name: str) -> str:
    """The axis left of a panel; its name stands above."""
    parts = []
    values = scale.ticks(max(2, int(panel.height / 36)))
    for value, text in zip(values, tick_texts(values)):
        y = scale.at(value)
        parts.append(line(panel.left, y, panel.right, y))
        parts.append(written(panel.left - 6, y + 4, text, "quiet", "end"))
    parts.append(line(panel.left, panel.top, panel.left, panel.bottom, "axis"))
    parts.append(written(4, panel.top - 12, name, "quiet"))
    return "".join(parts)


def legend(entries: Sequence[Tuple[str, str]], top: float, width: float) -> Tuple[str, float]:
    """
    Names beside squares, or beside lines where the attributes are a stroke's, in as many rows as
    they need; and their height. (name, attributes) each.
    """
    x, y, parts = 12.0, top, []
    for name, about in entries:
        name = short(name, 40)
        wide = 38 + CHARACTER * len(name)
        if x > 12 and x + wide > width:
            x, y = 12.0, y + 20
        sample = box(x, y, 12, 12, about)
        if about.startswith("stroke"):
            sample = f'<path d="M{x - 8:.1f} {y + 6:.1f}h21" {about}/>'
        parts.append(sample)
        parts.append(written(x + 17, y + 11, name))
        x += wide
    return "".join(parts), y + 20 - top


def picture(width: float, height: float, title: str, told: str, body: str) -> str:
    """A plot for inside of a page, which has STYLE. ``told``: what a listener hears of it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" aria-label="{escaped(title)}">'
        f"<title>{escaped(title)}</title><desc>{escaped(told)}</desc>"
        f"{written(4, 18, title, 'title')}{body}</svg>"
    )


def alone(plot: str) -> str:
    """The same as a file of its own, with a ground to be read on."""
    head, rest = plot.split("</desc>", 1)
    size = re.search(r'viewBox="0 0 (\d+) (\d+)"', head)
    wide, high = size.groups() if size else ("0", "0")
    head = head.replace("<svg ", f'<svg width="{wide}" height="{high}" ', 1)
    ground = f'<rect width="{wide}" height="{high}" class="ground"/>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"{head}</desc><style>{STYLE}</style>{ground}{rest}\n"
    )


def tick_texts(values: Sequence[float]) -> List[str]:
    """Round numbers with as many decimals as the one that needs the most."""
    texts = [f"{value:.6g}" if abs(value) > 1e-9 else "0" for value in values]
    if any("e" in text for text in texts):
        return texts
    places = max([len(text.partition(".")[2]) for text in texts] + [0])
    return [f"{float(text):.{places}f}" for text in texts]


def _round_step(least: float) -> float:
    """The next of 1, 2, 5, 10, ... times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(least)) if least > 0 else 1.0
    return next((one * power for one in (1, 2, 5) if one * power >= least * (1 - 1e-9)), 10 * power)


def _decades(low: float, high: float, most: int) -> List[float]:
    """1, 2, 5, 10, ... between two numbers; 1, 10, 100 where that would be too many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for parts in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        found = [part * 10.0**power for power in powers for part in parts]
        inside = [one for one in found if low * (1 - 1e-9) <= one <= high * (1 + 1e-9)]
        if len(inside) <= most:
            break
    return inside
