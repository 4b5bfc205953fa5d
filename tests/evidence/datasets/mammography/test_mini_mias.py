from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import DatasetError
from senoscope.core.io import read
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from tests.makers import mini_mias

MINI_MIAS = DATASETS.get("mini_mias")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return mini_mias(tmp_path / "all-mias")


def test_circles_are_counted_from_the_bottom_and_clipped_to_the_film(root: Path) -> None:
    samples = {sample.sample_id: sample for sample in MINI_MIAS.index(root).samples}

    assert samples["mdb001"].boxes == (Box(535 - 197, 1024 - 425 - 197, 394, 394),)
    first, second = samples["mdb005"].boxes
    assert first == Box(447, 1024 - 133 - 30, 60, 60)
    assert second == Box(474, 0, 52, 14 + 26)
    pixels = read(root / "mdb001.pgm").pixels
    box = samples["mdb001"].boxes[0]
    row, column = np.argwhere(pixels == 250).mean(axis=0)
    assert abs(box.top + box.height / 2 - row) <= 1
    assert abs(box.left + box.width / 2 - column) <= 1


def test_a_film_is_malignant_if_any_of_its_lesions_is(root: Path) -> None:
    labels = {sample.sample_id: sample.label for sample in MINI_MIAS.index(root).samples}

    assert labels["mdb005"] == "malignant"
    assert (labels["mdb004"], labels["mdb059"], labels["mdb060"]) == ("malignant", "benign", "normal")


def test_a_pair_of_films_is_one_woman(root: Path) -> None:
    samples = MINI_MIAS.index(root).samples

    assert [sample.group for sample in samples] == [*["001+002"] * 2, *["003+004"] * 2, *["005+006"] * 2] + [
        "059+060"
    ] * 2
    assert [sample.laterality for sample in samples[:2]] == ["R", "L"]
    assert {sample.view for sample in samples} == {"MLO"}


def test_three_questions_are_answered(root: Path) -> None:
    index = MINI_MIAS.index(root)

    assert MINI_MIAS.answering(TASKS.get("mammography"), index).counts() == {"benign": 2, "malignant": 2}
    assert MINI_MIAS.answering(TASKS.get("abnormality"), index).counts() == {"abnormal": 4, "normal": 4}
    assert MINI_MIAS.answering(TASKS.get("density"), index).counts() == {"dense": 2, "fatty": 4, "glandular": 2}


def test_films_that_are_absent_or_not_listed_are_said(root: Path) -> None:
    (root / "mdb200.pgm").write_bytes((root / "mdb001.pgm").read_bytes())

    index = MINI_MIAS.index(root)

    assert index.notes == ("8 of 322 films of mini-MIAS", "2 films of Info.txt are not here")
    assert [(item.path, item.reason) for item in index.dropped] == [("mdb200.pgm", "no line in Info.txt")]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mdb003 D NORM", "mdb003 X NORM", "line 8: 'mdb003 X NORM' is not"),
        ("mdb003 D NORM", "mdb003 D CIRC Q 1 2 3", "line 8"),
        ("535 425 197", "535 425", "line 6"),
        ("535 425 197", "535 -425 197", "line 6"),
        ("535 425 197", "=1+1", "line 6"),
        ("535 425 197", "9000 425 197", "mdb001 at 9000, 425 is not on the film"),
        ("mdb006 F NORM", "mdb005 F NORM", "line 12.*contradicts an earlier line"),
        ("mdb005 F CIRC M", "mdb005 G CIRC M", "contradicts an earlier line"),
    ],
)
def test_a_wrong_line_is_named(root: Path, old: str, new: str, said: str) -> None:
    text = (root / "Info.txt").read_text("latin-1")
    assert old in text
    (root / "Info.txt").write_text(text.replace(old, new, 1), "latin-1")

    with pytest.raises(DatasetError, match=said):
        MINI_MIAS.index(root)


def test_a_huge_table_is_refused(root: Path) -> None:
    with (root / "Info.txt").open("ab") as file:
        file.truncate(2_000_000)

    with pytest.raises(DatasetError, match="more than 1 MiB"):
        MINI_MIAS.index(root)


def test_the_real_set(data_root: Path) -> None:
    index = MINI_MIAS.index(data_root)

    assert len(index) == 260
    assert index.counts() == {"benign": 52, "malignant": 40, "normal": 168}
    assert index.units == 130
    assert set(Counter(index.groups().tolist()).values()) == {2}
    assert index.dropped == ()
    by_name = {sample.sample_id: sample for sample in index.samples}
    assert by_name["mdb144"].label == "malignant"
    assert len(by_name["mdb226"].boxes) == 3
    assert [name for name, s in by_name.items() if s.label != "normal" and not s.boxes] == [
        "mdb059",
        "mdb216",
        "mdb233",
        "mdb245",
    ]


def test_real_lesions_are_brighter_where_the_boxes_are_than_where_y_would_count_from_the_top(data_root: Path) -> None:
    brighter = []
    for sample in MINI_MIAS.index(data_root).samples[:120]:
        if not sample.boxes:
            continue
        pixels = read(data_root / sample.path).pixels
        for box in sample.boxes:
            middle = box.top + box.height // 2
            columns = slice(box.left, box.left + box.width)
            brighter.append(float(pixels[middle, columns].mean()) > float(pixels[1023 - middle, columns].mean()))

    assert np.mean(brighter) > 0.7


def test_malignant_films_are_cancer_and_all_others_are_not(tmp_path: Path) -> None:
    index = MINI_MIAS.index(mini_mias(tmp_path / "mias"))

    screening = MINI_MIAS.answering(TASKS.get("screening"), index)

    assert len(screening) == len(index)
    for before, after in zip(index.samples, screening.samples, strict=True):
        assert after.label == ("cancer" if before.label == "malignant" else "no_cancer")
