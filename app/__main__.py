"""__main__: `python3 -m app` and the console script `jetwatch`."""

import contextlib
import os
import signal
import sys


def main() -> int:
    """Run the command line. Ctrl-C must show no traceback while it is still being imported."""
    # As an exception it could come where Python shows it and goes on, as imports do.
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        _leave_ascii()
        _mend_streams()
        if sys.argv[1:2] == ["doctor"]:
            from app import cli_doctor

            code = cli_doctor.alone(sys.argv[2:])
            if code is not None:
                return code
        from app import apart, cli

        code = cli.main()
        if apart.left_behind():  # in the midst of a library, which Python's own end would tear down
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
            os._exit(code)
        return code
    except ModuleNotFoundError as error:
        if error.name not in ("numpy", "cv2", "yaml"):
            raise
        print(
            f"jetwatch: {error}. In a checkout run: scripts/setup, then .venv/bin/jetwatch. "
            f"Elsewhere: {sys.executable} -m pip install {_PACKAGES[error.name]}",
            file=sys.stderr,
        )
        return 69


_PACKAGES = {"numpy": "numpy", "cv2": "opencv-python-headless", "yaml": "PyYAML"}


def _leave_ascii() -> None:
    """Begin anew with UTF-8 where Python 3.6, in the C locale, takes file names for ASCII."""
    if sys.getfilesystemencoding() != "ascii" or os.environ.get("LC_ALL") == "C.UTF-8":
        return
    again = ["-m", "app"] if __name__ == "__main__" else sys.argv[:1]
    os.environ["LC_ALL"] = "C.UTF-8"
    os.execv(sys.executable, [sys.executable, *again, *sys.argv[1:]])


def _mend_streams() -> None:
    """Standard streams that are there and that take any text."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Closed, and the next file would get the number that libraries write their words to.
            os.open(os.devnull, os.O_RDWR if number == 2 else os.O_RDONLY)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    encoding = sys.stdout.encoding if sys.stdout else "utf-8"
    sys.stdout = os.fdopen(1, "w", 1, encoding, "backslashreplace", closefd=False)


if __name__ == "__main__":
    sys.exit(main())
