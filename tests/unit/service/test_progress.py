"""test_progress: a frame or an attempt is progress, a clock is not."""

from types import SimpleNamespace

from app.service.progress import Progress


def reading(**cameras):
    return SimpleNamespace(frames=sum(cameras.values()), cameras=tuple(cameras.items()))


def source(camera, reconnects=0, live=True):
    return SimpleNamespace(camera=camera, reconnects=reconnects, live=live)


def test_frames_and_attempts_are_progress():
    progress = Progress(lambda: 0.0)
    assert not progress.made(reading(a=0), [source("a")])
    assert progress.made(reading(a=1), [source("a")])
    assert not progress.made(reading(a=1), [source("a")])
    assert progress.made(reading(a=1), [source("a", 1)])
    assert not progress.made(reading(a=1), [source("a", 1)])


def test_one_camera_that_does_nothing_at_all_is_stuck():
    now = [100.0]
    progress = Progress(lambda: now[0])
    for frames in range(61):
        progress.made(
            reading(works=frames, hangs=7),
            [source("works"), source("hangs"), source("tries", frames), source("clip", live=False)],
        )
        now[0] += 1
    running = {"works", "hangs", "tries", "clip"}
    assert progress.stuck(60, running) == ["hangs"]
    assert progress.stuck(62, running) == []
    assert progress.stuck(60, running - {"hangs"}) == []  # it has ended
