"""__main__: `python3 -m app` and the console script `jetwatch`."""

import sys


def main() -> int:
    """Run the command line. Ctrl-C must show no traceback while it is still being imported."""
    try:
        from app import cli

        return cli.main()
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        if error.name not in ("numpy", "cv2", "yaml"):
            raise
        print(f"jetwatch: {error}. Run: scripts/setup, then .venv/bin/jetwatch", file=sys.stderr)
        return 69


if __name__ == "__main__":
    sys.exit(main())
