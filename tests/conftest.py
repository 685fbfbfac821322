"""conftest: what every test may count on."""

import signal

# Under nohup, or a CI that ignores it, children would inherit that and be deaf to SIGHUP too.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
