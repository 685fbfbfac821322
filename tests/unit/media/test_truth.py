import json
import random
import shutil

import cv2
import numpy as np
import pytest

from app.errors import SourceError
from app.media import truth
from tests.data import data

COCO = {
    "images": [{"id": 7, "file_name": "sub/a.jpg"}, {"id": 9, "file_name": "b.jpg"}],
    "categories": [{"id": 90, "name": "toothbrush"}, {"id": 1, "name": "person"}],
    "annotations": [
        {"image_id": 7, "category_id": 90, "bbox": [10, 20, 30, 40.5], "iscrowd": 0},
        {"image_id": 7, "category_id": 1, "bbox": [0, 0, 0, 5], "iscrowd": 1},
    ],
}


def pictures(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        cv2.imwrite(str(folder / name), np.zeros((100, 200, 3), np.uint8))
    return folder


def refused(path, *words):
    with pytest.raises(SourceError) as caught:
        truth.read(str(path))
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_labels(tmp_path):
    folder = pictures(tmp_path / "images", "a.jpg")
    (folder / "notes.txt").write_text("what to buy")
    assert truth.read(str(folder)) is None
    assert truth.read(str(tmp_path / "none")) is None
    assert truth.read(str(folder / "a.jpg")) is None


@pytest.mark.parametrize("place", ["images/instances.json", "instances.json"])
def test_coco(tmp_path, place):
    folder = pictures(tmp_path / "images", "a.jpg")
    (tmp_path / place).write_text("\ufeff" + json.dumps(COCO), encoding="utf-8")
    found = truth.read(str(folder) + "/")
    assert sorted(found) == ["a.jpg", "b.jpg"]
    assert found["a.jpg"].xyxy.tolist() == [[10, 20, 40, 60.5], [0, 0, 0, 5]]
    assert found["a.jpg"].class_id.tolist() == [1, 0]
    assert found["a.jpg"].crowd.tolist() == [False, True]
    assert [column.shape for column in found["b.jpg"]] == [(0, 4), (0,), (0,)]


@pytest.mark.parametrize("place", ["labels", "images"])
def test_yolo(tmp_path, place):
    folder = pictures(tmp_path / "images", "a.jpg", "b.PNG")
    (folder / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "a.txt").write_text("3 0.5 0.5 0.1 0.2\r\n\n0 0.25 1 1.0 0\n")
    (tmp_path / place / "broken.txt").write_text("0 0 0 0 0")
    found = truth.read(str(folder))
    assert sorted(found) == ["a.jpg", "b.PNG"]
    np.testing.assert_allclose(found["a.jpg"].xyxy, [[90, 40, 110, 60], [-50, 100, 150, 100]])
    assert found["a.jpg"].class_id.tolist() == [3, 0] and not found["a.jpg"].crowd.any()
    assert len(found["b.PNG"].xyxy) == 0


def changed(key, row, **values):
    rows = [dict(each) for each in COCO[key]]
    rows[row].update(values)
    return dict(COCO, **{key: rows})


BAD_COCO = [  # what is in the file, what is said of it
    (b"", "no JSON"),
    (b"\xff\xfe{", "no UTF-8"),
    (b'{"images": [', "line 1 column 13"),
    (b"[" * 100000, "too deep"),
    (b"[]", "no list of categories"),
    (b"{}", "no list of categories"),
    (dict(COCO, images={}), "no list of images"),
    (dict(COCO, annotations=[5]), "annotations[0]: must be an object"),
    (changed("images", 1, id="9"), "images[1]: id must be a whole number"),
    (changed("images", 1, id=True), "images[1]: id must be a whole number"),
    (changed("images", 1, id=7), "images[1]: a second picture"),
    (changed("images", 1, file_name="other/a.jpg"), "images[1]: a second picture"),
    (changed("images", 1, file_name=None), "images[1]: file_name must be text"),
    (changed("categories", 1, id=90), "categories[1]: a second category has the id 90"),
    (b'{"categories": [{"id": %s}]}' % (b"9" * 5000), "categories[0]: id must be a whole number"),
    (changed("annotations", 1, image_id=8), "annotations[1]: image_id 8 is none of the images"),
    (changed("annotations", 1, category_id=2), "annotations[1]: category_id 2 is none"),
    (changed("annotations", 1, iscrowd=2), "annotations[1]: iscrowd must be 0 or 1"),
    (changed("annotations", 1, bbox=[1, 2, 3]), "annotations[1]: bbox must be four numbers"),
    (changed("annotations", 1, bbox=[1, 2, 3, "4"]), "annotations[1]: bbox must be four"),
    (changed("annotations", 1, bbox=[1, 2, 3, float("nan")]), "annotations[1]: bbox must be four"),
    (changed("annotations", 1, bbox=[1, 2, 3, 1e300]), "annotations[1]: bbox must be four"),
    (changed("annotations", 1, bbox=[1, 2, -3, 4]), "annotations[1]: bbox has a negative"),
    (changed("annotations", 1, bbox=None), "annotations[1]: bbox must be four numbers"),
]


@pytest.mark.parametrize("content, said", BAD_COCO, ids=[said for _, said in BAD_COCO])
def test_bad_coco(tmp_path, content, said):
    path = tmp_path / "instances.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    assert refused(tmp_path, said).startswith(str(path))


BAD_YOLO = [
    (b"0 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1\n", "a.txt:2: must be five numbers"),
    (b"a dog on a street\n", "a.txt:1: must be five numbers"),
    (b"0.5 0.5 0.5 0.1 0.1", "a.txt:1: the class must be a whole number"),
    (b"-1 0.5 0.5 0.1 0.1", "a.txt:1: the class must be a whole number"),
    (b"nan 0.5 0.5 0.1 0.1", "a.txt:1: the class must be a whole number"),
    (b"inf 0.5 0.5 0.1 0.1", "a.txt:1: the class must be a whole number"),
    (b"0 100 50 20 20", "a.txt:1: centre and size must be parts"),
    (b"0 nan 0.5 0.1 0.1", "a.txt:1: centre and size must be parts"),
    (b"0 0.5 0.5 -0.1 0.1", "a.txt:1: centre and size must be parts"),
    (b"0 \x80", "a.txt: no UTF-8 text: invalid start byte at byte 2"),
    (b"\n" * ((1 << 20) + 1), "a.txt: more than 1 MiB"),
]


@pytest.mark.parametrize("content, said", BAD_YOLO, ids=[said for _, said in BAD_YOLO])
def test_bad_yolo(tmp_path, content, said):
    pictures(tmp_path, "a.jpg")
    (tmp_path / "a.txt").write_bytes(content)
    refused(tmp_path, said)


def test_a_huge_coco_file_is_not_read(tmp_path):
    with open(str(tmp_path / "instances.json"), "wb") as file:
        file.truncate(truth.MOST_BYTES + 1)  # takes no room on the disk
    refused(tmp_path, "more than 64 MiB")


def test_whatever_is_wrong_is_said_in_one_line(tmp_path):
    """Three bytes of a good file changed at random, many times."""
    path = tmp_path / "instances.json"
    dice = random.Random(5)
    outcomes = set()
    for _ in range(500):
        content = bytearray(json.dumps(COCO).encode())
        for _ in range(3):
            content[dice.randrange(len(content))] = dice.choice(b'0-9.eE"{}[],:tfn \x00\xff')
        path.write_bytes(bytes(content))
        try:
            outcomes.add(len(truth.read(str(tmp_path))))
        except SourceError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
            outcomes.add("refused")
    assert outcomes >= {2, "refused"}


def test_real_labels_say_the_same_in_both_forms(tmp_path):
    place = data("images", "coco_val2017_64")
    coco = truth.read(str(place / "images"))
    assert sum(len(each.xyxy) for each in coco.values()) == 444
    assert sum(int(each.crowd.sum()) for each in coco.values()) == 4
    shutil.copytree(str(place / "images"), str(tmp_path / "images"))
    shutil.copytree(str(place / "labels"), str(tmp_path / "labels"))
    yolo = truth.read(str(tmp_path / "images"))
    assert sorted(yolo) == sorted(coco)
    for name, theirs in yolo.items():
        single = ~coco[name].crowd
        assert theirs.class_id.tolist() == coco[name].class_id[single].tolist()
        np.testing.assert_allclose(theirs.xyxy, coco[name].xyxy[single], atol=0.02)
