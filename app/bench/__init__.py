"""bench: what `jetwatch bench` measures, and how it is told."""
