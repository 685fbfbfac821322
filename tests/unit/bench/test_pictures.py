from app.bench import pictures
from app.media import uri
from app.media.camera import Camera
from tests import tiny


def test_of_a_clip_no_more_than_its_beginning_is_looked_at(tmp_path):
    """A film of a night was decoded to its end before anything was measured."""
    camera, told = Camera("a", uri.parse(tiny.clip(tmp_path / "clip.mp4", frames=40))), []
    with pictures.taken(camera, "", lambda *words: told.append(words)) as (paths, shown):
        assert len(paths) == 32 and shown == camera.shown
    assert set(told) == {(0, 3000), (25, 3000)}
