"""conftest: what every test may count on."""

import signal

# Under nohup, behind a shell's &, or in a CI that ignores them, children would inherit that and be
# deaf to them too.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
