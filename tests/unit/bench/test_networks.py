from app.bench import network
from app.bench.networks import Networks, note
from app.bench.pictures import Taken
from app.bench.results import Floor, Spread, Trial
from app.bench.settings import Setting


class Answer:
    """A child that knows."""

    def result(self, tell):
        return network.Outcome(Floor("x", Spread(0), Spread(0)), None, (), "ab")


def told(asked, *all_values):
    tree = {"cameras": [{"name": "a", "source": "test://"}], "detect": {"model": "m"}}

    def ask(job):
        asked.append(job)
        return Answer()

    one = Networks(ask, Taken(("a.png",), "pictures"), "room", layers=False)
    chosen = [Setting(str(values), values) for values in all_values]
    first = one.lacking(chosen)
    trials = [
        one.told(Trial("", {}), setting, tree, "m", lambda *_: None) for setting in chosen
    ]  # fmt: skip
    assert one.lacking(chosen) == 0
    return first, trials


def test_settings_that_share_a_network_share_what_is_known_of_it():
    asked = []
    first, trials = told(asked, {"interval": "1"}, {"interval": "2"}, {"size": "64x64"})
    assert first == len(asked) == 2
    assert all(trial.model_sha256 == "ab" and trial.floor for trial in trials)


def test_int8_on_the_pictures_of_its_calibration_is_told_of():
    shared = Taken((), "photos", shared=True)
    assert "photos" in note(Setting("", {"precision": "int8"}), shared)
    assert not note(Setting("", {"precision": "fp16"}), shared)
    assert not note(Setting("", {"precision": "int8"}), shared._replace(shared=False))
