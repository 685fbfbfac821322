"""jetson_proof: whether a Jetson's environment has JetPack's libraries, for setup-jetson."""

import importlib
import sys

APT = "sudo apt-get install"


def main() -> str:
    """Print one line of versions. Returns what is wrong, with the way out, or nothing."""
    found = {}
    for name, remedy in (
        ("numpy", "scripts/setup-jetson again"),
        ("yaml", "scripts/setup-jetson again"),
        ("cv2", f"{APT} nvidia-jetpack"),
        ("tensorrt", f"{APT} nvidia-jetpack"),
        ("pycuda.driver", "scripts/setup-jetson again, with /usr/local/cuda/bin in place"),
        ("gi", f"{APT} python3-gi gir1.2-gst-rtsp-server-1.0"),
    ):
        try:
            found[name] = importlib.import_module(name)
        except ImportError as error:
            return f"{name}: {error}. Run: {remedy}"
    return opencv(found["cv2"]) or rtsp(found["gi"]) or gpu(found)


def opencv(cv2) -> str:
    if not cv2.__file__.startswith("/usr/lib/"):
        wheels = "opencv-python opencv-python-headless opencv-contrib-python"
        return (
            f"OpenCV comes from {cv2.__file__}, which hides JetPack's. "
            f"Run: sudo {sys.executable} -m pip uninstall {wheels}"
        )
    lines = [line.split() for line in cv2.getBuildInformation().splitlines()]
    if not any(line[:2] == ["GStreamer:", "YES"] for line in lines):
        return f"OpenCV has no GStreamer. Run: {APT} --reinstall libopencv-python"
    return ""


def rtsp(gi) -> str:
    try:
        gi.require_version("GstRtspServer", "1.0")
    except ValueError as error:
        return f"GStreamer: {error}. Run: {APT} gir1.2-gst-rtsp-server-1.0"
    return ""


def gpu(found) -> str:
    driver = found["pycuda.driver"]
    try:
        driver.init()
        count = driver.Device.count()
    except driver.Error as error:
        return f"the GPU: {error}. Does this user belong to the group video?"
    versions = [f"{name} {found[name].__version__}" for name in ("numpy", "cv2", "tensorrt")]
    print(", ".join(versions) + f", {count} GPU")
    return ""


if __name__ == "__main__":
    wrong = main()
    sys.exit(f"jetson_proof: {wrong}" if wrong else 0)
