"""setup: installs the package `app` and the command `jetwatch`, and does nothing else."""

import pathlib
import re

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).resolve().parent
VERSION = re.search('__version__ = "(.+)"', (HERE / "app/__init__.py").read_text()).group(1)
README = HERE / "README.md"

JETSON = 'platform_machine == "aarch64"'
NOT_JETSON = 'platform_machine != "aarch64"'
OLD = 'python_version < "3.7"'
NEW = 'python_version >= "3.7"'


def shared(*folders):
    """The files under each folder, as data_files wants them: (where to, which ones)."""
    found = [HERE / folder for folder in folders]
    found += [path for folder in found for path in sorted(folder.rglob("*")) if path.is_dir()]
    for folder in found:
        # Models and engines lie beside the manifests, but are fetched and built, not installed.
        kept = {".yaml", ".json", ".names", ".txt"}
        files = sorted(path for path in folder.glob("*") if path.suffix in kept)
        name = folder.relative_to(HERE).as_posix()
        yield "share/jetwatch/" + name, [path.relative_to(HERE).as_posix() for path in files]


setup(
    name="jetwatch",
    version=VERSION,
    description="Real-time video analytics on NVIDIA Jetson",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["app", "app.*"]),
    package_data={"app.device": ["*.cu"]},
    data_files=list(shared("engines", "configs")),
    entry_points={"console_scripts": ["jetwatch = app.__main__:main"]},
    python_requires=">=3.6",
    install_requires=[
        "numpy",
        f"numpy!=1.19.5; {OLD} and {JETSON}",  # that one dies with "Illegal instruction" there
        "PyYAML",
        # JetPack brings an OpenCV with GStreamer, which pip's must not hide.
        f"opencv-python-headless; {NEW} and {NOT_JETSON}",
        f"opencv-python-headless<4.7; {OLD} and {NOT_JETSON}",  # newer ones have no wheel for 3.6
    ],
    extras_require={
        "host": ["onnxruntime", f"onnx; {NEW}", f"onnx<1.12; {OLD}"],
        "gpu": ["pycuda"],
        "jetson": ["jetson-stats"],
        "metrics": ["prometheus_client"],  # 0.17.1 is the last for 3.6, which pip finds
        "test": [
            "pytest",
            "pytest-benchmark",  # 3.4.1 is the last for 3.6, which pip finds
            "pytest-timeout",
            "pytest-xdist",  # on two cores the tests, which mostly wait, take half as long
            "jsonschema",
            "hypothesis",
            "prometheus_client",
            'pycocotools; python_version >= "3.9"',  # has no wheel for older ones
        ],
    },
)
