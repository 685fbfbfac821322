"""settings: what a benchmark may vary, and the config that each combination stands for."""

import itertools
import json
import os
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

import yaml

from app import config
from app.bench.work import FLAT
from app.errors import ConfigError
from app.media import uri

Tree = Dict[str, Any]


class Varied(NamedTuple):
    """One thing that may be varied. ``check`` says what is wrong with a value, or nothing."""

    name: str
    about: str
    check: Callable[[str], str] = lambda value: ""
    values: Tuple[str, ...] = ()  # all that there are, where it is a choice


def _whole(least: int, most: int) -> Callable[[str], str]:
    def check(value: str) -> str:
        fits = value.isdecimal() and len(value) < 7 and least <= int(value) <= most
        return "" if fits else f"must be a whole number from {least} to {most}"

    return check


def _choice(name: str, about: str, *words: str) -> Varied:
    wrong = f"must be one of {', '.join(words)}"
    return Varied(name, about, lambda value: "" if value in words else wrong, words)


def _size(value: str) -> str:
    sides = value.split("x")
    fits = len(sides) == 2 and all(not _whole(32, 8192)(side) for side in sides)
    return "" if fits else "must be WIDTHxHEIGHT in pixels, as 416x416"


def _interval(value: str) -> str:
    return "" if value == "auto" else _whole(1, 1000)(value) and "must be a whole number or auto"


VARIED = (
    Varied("model", "names of the catalogue, of models: in the config, or ONNX files"),
    _choice("precision", "of the engine", "fp32", "fp16", "int8"),
    Varied("size", "of the network's input, WIDTHxHEIGHT", _size),
    Varied("batch", "pictures at once, at most", _whole(1, 256)),
    Varied("interval", "the detector looks at every so many pictures", _interval),
    _choice("placing", "what puts pictures in the network's input", "cpu", "gpu"),
    _choice("graphs", "CUDA graphs", "on", "off"),
    Varied("cameras", "the first so many, or so many of the one", _whole(1, 64)),
    Varied("threads", "of the CPU's inference; 0: all cores", _whole(0, 256)),
)
OF_THE_NETWORK = ("model", "precision", "size", "batch", "placing", "graphs", "threads")
OF_THE_ENGINE = ("precision", "size", "batch")
_ON_THE_CPU = {"placing": "cpu", "graphs": "off"}  # as it is there, whatever is asked for


class Setting(NamedTuple):
    """One combination: the values by name, and what to call it; nothing where it is alone."""

    name: str
    values: Mapping[str, str]

    def of(self, names: Sequence[str]) -> Tuple[Tuple[str, str], ...]:
        """These values alone: two settings that share them share what depends on them."""
        return tuple((name, self.values[name]) for name in names if name in self.values)


def combinations(asked: Mapping[str, Sequence[str]]) -> List[Setting]:
    """
    Every combination of the values. Raises one ConfigError with all that is wrong with them.
    """
    wrong = []
    for one in VARIED:
        for value in asked.get(one.name, ()):
            if one.check(value):
                wrong.append(f"--{one.name} {value!r} {one.check(value)}")
    if wrong:
        raise ConfigError("\n".join(wrong))
    names = [one.name for one in VARIED if asked.get(one.name)]
    made = []
    for values in itertools.product(*(dict.fromkeys(asked[name]) for name in names)):
        told = [
            _told(name, value) for name, value in zip(names, values) if len(set(asked[name])) > 1
        ]
        made.append(Setting(", ".join(told), dict(zip(names, values))))
    return made


def _told(name: str, value: str) -> str:
    if name in ("model", "precision", "size"):
        return os.path.splitext(os.path.basename(value))[0] if name == "model" else value
    if name == "cameras":
        return f"{value} camera" + ("s" if value != "1" else "")
    return f"{name} {value}"


def base(path: Optional[str], source: Optional[str], model: Optional[str]) -> Tree:
    """
    The config that is measured, as YAML has it: a file's, or of a source and a model. Raises
    ConfigError, with every mistake of the file.
    """
    if path is None:
        return {
            "cameras": [{"name": "camera", "source": source}],
            "detect": {"model": model},
            "track": {},
            "rtsp": {},
        }
    config.load(path)  # says what is wrong, with lines
    with open(path, encoding="utf-8") as file:
        tree: Tree = yaml.safe_load(file)
    if source is not None:
        if len(tree["cameras"]) > 1:
            raise ConfigError(f"--source stands for one camera, and {path} has several")
        kept = {"name": tree["cameras"][0].get("name", "camera"), "source": source}
        tree["cameras"] = [{**_without(tree["cameras"][0], "user", "password"), **kept}]
    if model is not None:
        tree["detect"]["model"] = model
    return tree


def check_here(setting: Setting, on_cpu: bool) -> None:
    """Raise ConfigError for a value that changes nothing here, and would be compared in vain."""
    for name, value in setting.values.items():
        if on_cpu and value != _ON_THE_CPU.get(name, value):
            raise ConfigError(f"{name} {value} wants a GPU: on the CPU it changes nothing")
        if name == "threads" and not on_cpu:
            raise ConfigError(f"threads {value} wants the CPU's inference: a GPU has none of them")


def applied(tree: Tree, setting: Setting) -> Tree:
    """The config with a setting's values, but for those that a network has to be made for."""
    made = dict(tree)
    values = setting.values
    detect = dict(tree["detect"])
    if "model" in values:
        detect["model"] = values["model"]
        made["cameras"] = [_without(one, "model") for one in tree["cameras"]]
    if "interval" in values:
        value = values["interval"]
        detect["interval"] = value if value == "auto" else int(value)
    made["detect"] = detect
    backend = dict(tree.get("backend") or {})
    if "placing" in values:
        backend["placing"] = values["placing"]
    if "graphs" in values:
        backend["graphs"] = values["graphs"] == "on"
    if "threads" in values:
        backend["threads"] = int(values["threads"])
    if backend:
        made["backend"] = backend
    if "cameras" in values:
        made["cameras"] = _cameras(made["cameras"], int(values["cameras"]))
    return made


def _cameras(cameras: Sequence[Tree], count: int) -> List[Tree]:
    if count <= len(cameras):
        return list(cameras[:count])
    if len(cameras) > 1:
        raise ConfigError(f"--cameras {count}: the config has {len(cameras)}")
    (one,) = cameras
    name = one.get("name", "camera")
    return [dict(one, name=f"{name}{number}") for number in range(1, count + 1)]


def own_model(tree: Tree) -> str:
    """What the first camera is looked at with."""
    return str(tree["cameras"][0].get("model") or tree["detect"]["model"])


def with_model(tree: Tree, entry: Tree) -> Tree:
    """The config with this entry of models: wherever the first camera's model is used."""
    own, name = own_model(tree), entry["name"]
    others = [one for one in tree.get("models") or [] if one["name"] != name]
    detect = tree["detect"]
    if detect["model"] == own:
        detect = dict(detect, model=name)
    cameras = [dict(one, model=name) if one.get("model") == own else one for one in tree["cameras"]]
    return dict(tree, models=[*others, entry], detect=detect, cameras=cameras)


def safe(tree: Tree, folder: str, ports: Tuple[Optional[int], int], pace: str) -> Tree:
    """
    The config as it may be run beside a service: it writes to ``folder`` and serves this machine
    alone, at the ``ports`` of RTSP, None where there is none, and HTTP. Clips begin again at their
    end, at their own speed unless ``pace`` is FLAT.
    """
    made = dict(tree)
    port, http_port = ports
    made.pop("rtsp", None)
    if port is not None:
        kept = ("bitrate_kbps", "keyframe_s", "mosaic")
        rtsp = {key: value for key, value in (tree.get("rtsp") or {}).items() if key in kept}
        made["rtsp"] = dict(rtsp, address="127.0.0.1", port=port, viewers=100)
    if tree.get("http") is not None:
        made["http"] = {"address": "127.0.0.1", "port": http_port}
    if tree.get("record") is not None:
        name = os.path.basename(str(tree["record"]["path"]))
        made["record"] = dict(tree["record"], path=os.path.join(folder, name))
    if tree.get("report") is not None:
        made["report"] = {"path": os.path.join(folder, "report.jsonl")}
    if tree.get("events") is not None:
        events = dict(tree["events"], path=os.path.join(folder, "events.jsonl"))
        if events.get("snapshots") is not None:
            events["snapshots"] = os.path.join(folder, "snapshots")
        made["events"] = events
    if tree.get("counters") is not None:
        made["counters"] = os.path.join(folder, "counters.json")
    made["cameras"] = [_played(one, pace) for one in tree["cameras"]]
    return made


def _played(camera: Tree, pace: str) -> Tree:
    source = uri.parse(str(camera["source"]))
    if source.kind in (uri.Kind.FILE, uri.Kind.FOLDER):
        return dict(camera, loop=True, realtime=pace != FLAT)
    if source.kind is uri.Kind.TEST and pace == FLAT:
        size = "x".join(map(str, source.size_wh or (1280, 720)))
        return dict(_without(camera, "fps"), source=f"test://?size={size}&fps=999")
    return camera


def recorded(tree: Tree) -> bool:
    """Whether every source can go as fast as the pipeline takes its pictures."""
    kinds = (uri.Kind.FILE, uri.Kind.FOLDER, uri.Kind.TEST)
    return all(uri.parse(str(one["source"])).kind in kinds for one in tree["cameras"])


def single(tree: Tree) -> bool:
    """Whether there is one camera, each picture of which is looked at."""
    return len(tree["cameras"]) == 1 and tree["detect"].get("interval", 1) == 1


def text(tree: Tree) -> str:
    """On one line: JSON is YAML as well."""
    return json.dumps(tree, ensure_ascii=False)


def lines(tree: Tree) -> Tuple[str, ...]:
    """As a config file has them."""
    return tuple(yaml.safe_dump(tree, allow_unicode=True).splitlines())


def shown(tree: Tree) -> Tuple[str, ...]:
    """The same for people: no secret of a source, and paths as they read from here."""
    cameras = [dict(one, source=uri.redacted(str(one["source"]))) for one in tree["cameras"]]
    here = os.getcwd() + os.sep
    return tuple(line.replace(here, "") for line in lines(dict(tree, cameras=cameras)))


def read_back(text_: str) -> Tree:
    """A config as whoever runs it will read it. Raises ConfigError."""
    config.parse(text_, "the tuned config")
    tree: Tree = yaml.safe_load(text_)
    return tree


def _without(tree: Tree, *keys: str) -> Tree:
    return {key: value for key, value in tree.items() if key not in keys}
