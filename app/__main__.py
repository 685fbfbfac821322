"""__main__: `python3 -m app` and the console script `jetwatch`."""

import sys


def main() -> int:
    """Run the command line. Importing it takes a moment in which Ctrl-C must not show a traceback."""
    try:
        from app import cli

        return cli.main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
