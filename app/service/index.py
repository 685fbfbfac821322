"""index: how things stand, as a page for people; it needs no script and renews itself."""

from html import escape
from typing import List

from app import __version__
from app.service.facts import Facts
from app.service.health import CameraHealth, Health
from app.service.snapshots import oldest_s

_EVERY_S = 3

_HEAD = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="{_EVERY_S}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Jetwatch: LEVEL</title>
<style>
body {{ font: 15px/1.4 sans-serif; margin: 1.5em; color: #222; background: #fff }}
table {{ border-collapse: collapse; margin: 1em 0 }}
th, td {{ text-align: left; padding: .35em .9em .35em 0; border-bottom: 1px solid #ddd;
  vertical-align: top }}
td.number, th.number {{ text-align: right; white-space: nowrap }}
img {{ display: block; width: 240px; min-height: 20px; background: #eee }}
.ok {{ color: #17632a }} .degraded {{ color: #8a5300 }} .bad {{ color: #a11717 }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #ddd; background: #181818 }} th, td {{ border-color: #444 }} a {{ color: #8bf }}
  .ok {{ color: #6c8 }} .degraded {{ color: #eb5 }} .bad {{ color: #f77 }}
  img {{ background: #333 }}
}}
</style>
</head>
<body>
"""

_NUMBERS = ("frames/s", "age", "frames", "dropped", "reconnects", "viewers")

_LINKS = (
    ("healthz", "health"),
    ("livez", "live"),
    ("readyz", "ready"),
    ("metrics", "metrics"),
)


def index(facts: Facts, found: Health) -> str:
    """The page. All that comes from outside is escaped."""
    colour = {"ok": "ok", "degraded": "degraded"}.get(found.level, "bad")
    parts = [
        _HEAD.replace("LEVEL", found.level),
        f'<h1>Jetwatch: <span class="{colour}">{found.level}</span></h1>\n',
    ]
    if found.reasons:
        parts += ["<ul>\n", *(f"<li>{escape(one)}</li>\n" for one in found.reasons), "</ul>\n"]
    if found.cameras:
        parts += _table(facts, found)
    links = " · ".join(f'<a href="{path}">{name}</a>' for path, name in _LINKS)
    parts.append(f"<p>{links}</p>\n<p>{escape(_footer(facts))}</p>\n</body>\n</html>\n")
    return "".join(parts)


def _table(facts: Facts, found: Health) -> List[str]:
    viewers = {mount.name: mount.viewers for mount in facts.mounts}
    heads = "".join(f'<th class="number">{name}</th>' for name in _NUMBERS)
    heads = f"<th>camera</th><th>state</th>{heads}" + "<th>picture</th>" * facts.pictures
    rows = ["<table>\n<tr>", heads, "</tr>\n"]
    for one in found.cameras:
        watching = viewers.get(one.camera.name, 0)
        rows += ["<tr>", *_row(one, watching, facts.pictures), "</tr>\n"]
    return [*rows, "</table>\n"]


def _row(found: CameraHealth, viewers: int, pictures: bool) -> List[str]:
    camera = found.camera
    name = escape(camera.name)
    colour = "degraded" if found.reasons else "ok"
    age = f"{found.age_s:.1f} s" if found.age_s is not None else "–"
    numbers = [f"{camera.fps:.1f}", age, camera.frames, camera.dropped, camera.reconnects, viewers]
    cells = [f"<td>{name}</td>", f'<td class="{colour}">{escape(camera.state)}</td>']
    cells += [f'<td class="number">{number}</td>' for number in numbers]
    if pictures:
        cells.append(f"<td>{_picture(found, name)}</td>")
    return cells


def _picture(found: CameraHealth, name: str) -> str:
    if found.camera.lost or found.age_s is None or found.age_s > oldest_s(found.camera):
        return "none now"
    path = f"snapshot/{name}.jpg"
    return f'<a href="{path}"><img src="{path}" alt="no picture of {name} now"></a>'


def _footer(facts: Facts) -> str:
    parts = [f"jetwatch {__version__}"] + [facts.backend] * bool(facts.backend)
    vitals = facts.machine.vitals
    if vitals.hottest is not None:
        parts.append(f"{vitals.hottest:.0f} °C")
    if "total" in vitals.power:
        parts.append(f"{vitals.power['total']:.1f} W")
    if vitals.memory_used is not None and vitals.memory_total:
        parts.append(f"memory {vitals.memory_used / vitals.memory_total:.0%}")
    return ", ".join(parts)
