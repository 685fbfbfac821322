"""test_unload: networks that come and go on a GPU while another stays."""

import threading

from tests import stand_in
from tests.unit.device.test_jetson import Place, each_version


@each_version
def test_a_network_is_let_go_with_its_memory_and_the_others_go_on(tmp_path, version):
    place = Place(tmp_path, version)
    images = stand_in.pictures(2)
    with place.backend.attached():
        first = place.load()
        stand_in.found(place.backend, first, images)
        before = place.backend.own_memory(), place.cuda.held()
        for _ in range(3):
            other = place.load(score=0.9)
            stand_in.found(place.backend, other, images)
            assert place.backend.own_memory() > before[0]
            place.backend.unload(other)
            assert (place.backend.own_memory(), place.cuda.held()) == before
        stand_in.same(stand_in.found(place.backend, first, images), stand_in.expected(images))
        place.backend.unload(first)
        place.backend.unload(first)
    place.backend.close()


def test_a_network_comes_and_goes_while_another_runs(tmp_path, caplog):
    """As when a config is read again: no graph is given up for it."""
    place, images = Place(tmp_path), stand_in.pictures(2)
    stop, at_work, failed = threading.Event(), threading.Event(), []
    first = place.load()

    def run():
        try:
            with place.backend.attached():
                while not stop.is_set():
                    found = stand_in.found(place.backend, first, images)
                    stand_in.same(found, stand_in.expected(images))
                    at_work.set()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert at_work.wait(20)
        with place.backend.attached():
            for _ in range(20):
                other = place.load(score=0.9)
                stand_in.found(place.backend, other, images)
                place.backend.unload(other)
    finally:
        stop.set()
        thread.join()
    assert not failed and "no CUDA graphs" not in caplog.text
    place.backend.close()
