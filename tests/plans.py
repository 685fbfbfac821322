"""plans: the sidecar of an engine as a build would describe it."""

from app.device.backend import InputSpec, Model, Placement, TensorSpec
from app.device.plan import Accuracy, Attempt, Fingerprint, Profile, Sidecar

NANO = Fingerprint(
    tensorrt="8.2.1.8",
    cuda="10.2",
    l4t="32.7.1",
    gpu="NVIDIA Tegra X1",
    sm="5.3",
    sm_count=1,
    memory_mb=4096,
    machine="aarch64",
)

SIDECAR = Sidecar(
    fingerprint=NANO._replace(
        onnx_sha256="0a" * 32,
        precision="fp16",
        profiles=(Profile("images", (1, 3, 416, 416), (1, 3, 416, 416), (4, 3, 416, 416)),),
        flags=("FP16",),
    ),
    model=Model(
        name="yolox_nano",
        path="",
        input=InputSpec((416, 416), colour="bgr", placement=Placement.LETTERBOX_TOP_LEFT),
        decoder="yolox",
        outputs={"output": "output"},
        labels=("person", "vélo"),
    ),
    inputs=(TensorSpec("images", (-1, 3, 416, 416), "float32"),),
    outputs=(TensorSpec("output", (-1, 3549, 85), "float32"),),
    batch=4,
    layers=123,
    device_memory=9 << 20,
    build_s=241.5,
    built="2024-05-06 07:08:09",
    plan_bytes=4,
    plan_sha256="ab" * 32,
    accuracy=Accuracy("fp16", "fp32", 32, 0.998, 0.001, 0.95, "kept", ap=0.25),
    tried=(Attempt("fp16", 512, "killed"), Attempt("fp16", 256, "built")),
)
