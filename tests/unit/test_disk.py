import os

from app import config, disk

LEAST = "cameras: [{name: a, source: clip.mp4}, {name: b, source: b.mp4}]\ndetect: {model: m}\n"


def test_each_folder_that_is_written_to_once():
    made = config.parse(
        LEAST
        + "record: {path: 'out/{camera}/film.mp4'}\nreport: {path: found.jsonl}\n"
        + "events: {path: out/events.jsonl, snapshots: out/pictures}\ncounters: out/counts.json\n"
    )
    assert disk.folders(made) == [".", "out", "out/a", "out/b", "out/pictures"]
    assert disk.folders(config.parse(LEAST + "report: {path: '-'}\n")) == []


def test_a_disk_with_too_little_room_is_told(tmp_path):
    free = os.statvfs(str(tmp_path)).f_bavail * os.statvfs(str(tmp_path)).f_frsize
    assert list(disk.complaints([str(tmp_path)], 1)) == []
    (told,) = disk.complaints([str(tmp_path)], free * 2)
    assert told.startswith("the disk of {} is full: ".format(tmp_path))


def test_a_folder_that_is_not_there_yet_is_no_complaint(tmp_path):
    assert list(disk.complaints([str(tmp_path / "later")], 1 << 62)) == []
