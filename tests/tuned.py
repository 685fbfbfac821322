"""tuned: a machine that is a formula, for the search of a setting."""

from app.bench.goal import Goal
from app.bench.results import Accuracy, Run, Spread, Trial
from app.bench.tune import Known, Search


class Box:
    """A Bench whose machine is a formula; ``measured`` is what it was asked, in order."""

    def __init__(self, backend="host", broken=(), p95=None, agreement=None, pictures=32):
        self.backend = backend
        self.measured = []
        self._broken = broken
        self._p95 = p95 or (lambda values: 50.0)
        self._pictures = pictures
        self._agreement = agreement or (lambda values: 1.0)

    def measure(self, settings, seconds, repeats, flat=True):
        made = []
        for setting in settings:
            self.measured.append(dict(setting.values))
            made.append(self.trial(setting, repeats))
        return made

    def trial(self, setting, repeats=1):
        values = setting.values
        if any(values.get(name) == value for name, value in self._broken):
            return Trial(setting.name, dict(values), problem="cannot be")
        p95 = self._p95(values)
        run = Run(0.0, 6.0, True, 180, 30.0, Spread(180, p95 / 2, p95 / 2, p95), (), came=180)
        accuracy = Accuracy(self._pictures, agreement=self._agreement(values))
        return Trial(setting.name, dict(values), runs=(run,) * repeats, accuracy=accuracy)


class Clock:
    def __init__(self, step=0.0):
        self.now, self._step = 0.0, step

    def __call__(self):
        self.now += self._step
        return self.now


def search(box, latency_ms=100.0, agreement=0.95, known=None, clock=None, minutes=15.0):
    said = []
    goal = Goal(latency_ms, agreement, minutes)
    return Search(box, goal, known or Known(), said.append, clock or Clock())


def cost(values):
    """Of a CPU: two threads are best; a small input and a rare look are cheap."""
    base = {"1": 200.0, "2": 120.0, "4": 160.0}[values["threads"]]
    wide = int(values.get("size", "416x416").split("x")[0])
    return base * (wide / 416) ** 2 / int(values.get("interval", "1"))


def alike(values):
    return {"416": 1.0, "288": 0.97, "192": 0.8}[values.get("size", "416x").split("x")[0]]
