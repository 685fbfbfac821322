"""backend: all that the pipeline ever asks of an accelerator, and the model it is asked to run."""

import abc
import enum
from typing import (
    Any,
    Callable,
    ContextManager,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

import numpy as np

from app.vision import letterbox


class Placement(enum.Enum):
    """How a picture is put into a network's input."""

    LETTERBOX = "letterbox"  # shape kept, centred, padded
    LETTERBOX_TOP_LEFT = "letterbox-top-left"  # shape kept, padded right and below
    STRETCH = "stretch"  # one scale per axis, no padding
    CENTRE_CROP = "centre-crop"  # shape kept, its short side resized, the middle cut out


_FITS = {
    Placement.LETTERBOX: letterbox.centred,
    Placement.LETTERBOX_TOP_LEFT: letterbox.top_left,
    Placement.STRETCH: letterbox.stretched,
}


class InputSpec(NamedTuple):
    """What a network wants to see: (pixel 0..255 - mean) / std, per channel in its order."""

    size_wh: Tuple[int, int]
    layout: str = "nchw"  # or "nhwc"
    colour: str = "rgb"  # or "bgr"
    mean: Tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: Tuple[float, float, float] = (255.0, 255.0, 255.0)
    placement: Placement = Placement.LETTERBOX
    pad: int = 114  # grey level 0..255 around a letterboxed picture
    resize: Optional[int] = None  # centre crop: pixels of the short side; None: as the input's

    def fit(self, image_wh: Tuple[int, int]) -> letterbox.Fit:
        """Where a picture of this size lies in the input. ``letterbox.undo`` is the way back."""
        if self.placement is Placement.CENTRE_CROP:
            short = self.resize or min(self.size_wh)
            return letterbox.centre_crop(image_wh, self.size_wh, short)
        return _FITS[self.placement](image_wh, self.size_wh)


class Model(NamedTuple):
    """A model as its manifest describes it. ``input`` and ``decoder`` are None when it has none."""

    name: str
    path: str  # the ONNX file
    input: Optional[InputSpec] = None
    decoder: Optional[str] = None  # a name in vision.decode.DECODERS
    outputs: Mapping[str, str] = {}  # role in the decoder -> output name, where names are needed
    labels: Tuple[str, ...] = ()
    score: float = 0.35
    iou: float = 0.45
    free_dims: Tuple[int, ...] = ()  # axes of every input and output declared fixed, to be set free
    plugins: Tuple[str, ...] = ()  # shared libraries with TensorRT plugins of one's own
    keep_fp16: Tuple[str, ...] = ()  # patterns of layers that an INT8 engine leaves in FP16
    workspace_mb: Optional[int] = None  # the most that building may take


class TensorSpec(NamedTuple):
    name: str
    shape: Tuple[int, ...]  # -1 where the size is free
    dtype: str  # numpy's name


class Layer(NamedTuple):
    """A layer of a network as it is run, and what it takes."""

    name: str  # of fused ones, the runtime's name for all
    ms: float  # median
    kind: str = ""  # what it does, in the runtime's word; empty where it does not say


class Network(NamedTuple):
    """A loaded model. ``handle`` belongs to the backend that made it."""

    model: Model  # as the manifest says, its gaps filled
    input: InputSpec
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]
    guessed: str = ""  # how gaps were filled; empty where there were none
    handle: Any = None
    batch: int = 1  # pictures that are best run at once, at most; more are run in parts
    picked: bool = False  # whether infer() gives candidates in place of outputs
    precision: str = ""  # "fp32", "fp16" or "int8": what it was made to compute in


BY_GPU, BY_CPU = "gpu", "cpu"


class BackendSettings(NamedTuple):
    kind: str = "auto"  # "auto", "host" or "gpu"
    threads: int = 0  # host: inference threads; 0 = all cores
    build: str = "never"  # gpu: "auto" builds an engine that is missing or does not fit
    placing: str = BY_GPU  # gpu: who places pictures in the network's input; or BY_CPU
    graphs: bool = True  # gpu: whether each frame's work is started as one CUDA graph


class Backend(abc.ABC):
    """
    A tensor is opaque: only the backend that prepared it may infer on it, and it
    is valid until the same thread prepares the next for the same network.
    """

    name: str
    width = 1  # how many threads may prepare and infer at once, each on tensors of its own

    @abc.abstractmethod
    def attached(self) -> ContextManager[None]:
        """Let this thread use the device for the length of a ``with`` block."""

    @abc.abstractmethod
    def load(self, model: Model) -> Network:
        """Read a model. Raises EngineError if it cannot run on this device."""

    @abc.abstractmethod
    def unload(self, network: Network) -> None:
        """Let go of a network and its memory; the others go on. No thread may be using it."""

    @abc.abstractmethod
    def prepare(self, network: Network, images: Sequence[np.ndarray], windows: np.ndarray) -> Any:
        """
        Cut window b, row b of (B, 4) xyxy in pixels, from picture b; place each in the network's
        input and stack them. One picture may stand in several rows. A picture is uint8: BGR or
        BGRx, (H, W, 3 or 4); or NV12, (H * 3 / 2, W) with W and H even, the rows of Y and then
        those of U and V in turn, BT.601 of limited range.
        """

    @abc.abstractmethod
    def infer(self, network: Network, tensor: Any) -> Dict[str, np.ndarray]:
        """
        Run the network: name -> array with B first. Output arrays are the caller's to keep.

        A network that is ``picked`` gives its candidates by vision.decode.plan in place of its
        outputs: count (B,) int32, and index, class_id (B, K) int32, score (B, K) and
        box (B, K, width) float32, of which the first ``count`` of each row are real.
        """

    @property
    @abc.abstractmethod
    def runtime(self) -> str:
        """What runs the networks, with its version: "TensorRT 8.6.0", "ONNX Runtime 1.10.0"."""

    @abc.abstractmethod
    def raw(self, network: Network, batch: int) -> Callable[[], None]:
        """
        What runs the network alone, once, on a batch of whatever its input holds: nothing placed,
        picked or copied; it returns once the answer is there. As fast as the runtime can, by a
        CUDA graph where the backend uses them. For the calling thread, until close().
        """

    @abc.abstractmethod
    def layers(self, network: Network, batch: int, times: int) -> List[Layer]:
        """
        What each layer takes on a batch, in the order of their running, of so many runs. It is
        another copy of the network that is run, for which memory is taken meanwhile.
        """

    def picture(self, shape: Tuple[int, ...]) -> np.ndarray:
        """
        Memory for a picture that will be prepared: uint8, not set, the caller's. Any thread may
        ask; what it gives must not be changed while a network is asked about it.
        """
        return np.empty(shape, np.uint8)

    def own_memory(self) -> int:
        """Bytes that the device holds for us, beyond what the process is seen to take."""
        return 0

    @abc.abstractmethod
    def close(self) -> None:
        """Free everything. Safe to call twice."""
