from app.bench import network
from app.bench.networks import Networks, note
from app.bench.pictures import Taken
from app.bench.results import Floor, Spread, Trial
from app.bench.settings import Setting


class Answer:
    """A child that knows, and takes longer each time."""

    def __init__(self, number):
        self._number = number

    def result(self, tell):
        ours = Spread(20, p50=2.0 + self._number)
        return network.Outcome(Floor("x", Spread(20, p50=1.0), ours), None, (), "ab", 0.0, 1.0)


def told(asked, repeats, *all_values):
    tree = {"cameras": [{"name": "a", "source": "test://"}], "detect": {"model": "m"}}

    def ask(job, _title):
        asked.append(job)
        return Answer(len(asked))

    one = Networks(ask, tree, Taken(("a.png",), "pictures"), "room", layers=True)
    chosen = [Setting(str(values), values) for values in all_values]
    first = one.lacking(chosen, repeats)
    trials = [
        one.told(Trial("", {}), setting, tree, repeat, lambda *_: None)
        for repeat in range(repeats)
        for setting in chosen
    ]
    assert one.lacking(chosen, repeats) == 0
    return first, trials


def test_settings_that_share_a_network_share_what_is_known_of_it():
    asked = []
    first, trials = told(asked, 1, {"interval": "1"}, {"interval": "2"}, {"size": "64x64"})
    assert first == len(asked) == 2
    assert all(trial.model_sha256 == "ab" and trial.floor for trial in trials)


def test_each_repeat_is_timed_anew_and_of_its_time_alone():
    asked = []
    first, trials = told(asked, 3, {"interval": "1"}, {"interval": "2"})
    assert first == len(asked) == 3
    assert [job.again for job in asked] == [False, True, True]
    assert [trial.floor.costs for trial in trials[1::2]] == [(2.0,), (2.0, 3.0), (2.0, 3.0, 4.0)]
    assert trials[-1].floor.cost_ms == 3.0 and len(trials[-1].floor.uses) == 3


def test_int8_on_the_pictures_of_its_calibration_is_told_of():
    shared = Taken((), "photos", shared=True)
    assert "photos" in note(Setting("", {"precision": "int8"}), shared)
    assert not note(Setting("", {"precision": "fp16"}), shared)
    assert not note(Setting("", {"precision": "int8"}), shared._replace(shared=False))
