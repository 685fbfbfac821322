"""app: Jetwatch, real-time video analytics on NVIDIA Jetson."""

import os

__version__ = "0.1.0"

if os.uname().machine == "aarch64":
    # numpy 1.19.5's OpenBLAS dies with "Illegal instruction" on Jetsons unless it is told the core.
    os.environ.setdefault("OPENBLAS_CORETYPE", "ARMV8")
