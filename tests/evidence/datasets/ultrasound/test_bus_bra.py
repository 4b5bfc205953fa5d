from pathlib import Path

import pytest
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import DatasetError
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index.splits import folds
from tests.makers import bus_bra

BUS_BRA = DATASETS.get("bus_bra")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return bus_bra(tmp_path / "bus_bra")


def edit(root: Path, old: str, new: str) -> None:
    table = root / "bus_data.csv"
    text = table.read_text("utf-8")
    assert old in text
    table.write_text(text.replace(old, new, 1), "utf-8")


def test_the_publishers_table_is_read(root: Path) -> None:
    samples = BUS_BRA.index(root).samples

    assert [sample.sample_id for sample in samples][:3] == ["bus_0001-l", "bus_0001-r", "bus_0002-l"]
    first, second, third = samples[:3]
    assert (first.patient_id, first.group, first.label, first.laterality) == ("1", "1", "benign", "L")
    assert (second.group, second.laterality) == ("1", "R")
    assert (third.label, third.boxes) == ("malignant", (Box(70, 50, 24, 16),))
    assert third.facts == {"birads": "5", "histology": "IDC", "machine": "Logiq 5"}
    assert first.masks == ("Masks/mask_0001-l.png",)


def test_the_repacked_layout_takes_boxes_from_masks(root: Path) -> None:
    for old, new, name in (("Images", "images", "bus_"), ("Masks", "masks", "mask_")):
        (root / new).mkdir()
        for path in sorted((root / old).iterdir()):
            target = root / new / f"{path.stem.removeprefix(name)}.jpg"
            Pil.open(path).convert("L").resize((320, 256), Pil.Resampling.NEAREST).save(target, quality=95)
    (root / "bus_data.csv").rename(root / "index.csv")

    index = BUS_BRA.index(root)

    assert len(index) == 5
    for sample in index.samples:
        (box,) = sample.boxes
        assert abs(box.left - 140) <= 2
        assert abs(box.width - 48) <= 4


def test_rows_without_images_and_images_without_rows_are_said(root: Path) -> None:
    (root / "Images" / "bus_0002-l.png").rename(root / "Images" / "bus_9999-l.png")

    index = BUS_BRA.index(root)

    assert "4 of 1,875 images of BUS-BRA" in index.notes
    assert "1 rows of bus_data.csv have no image here" in index.notes
    assert [(item.path, item.reason) for item in index.dropped] == [("Images/bus_9999-l.png", "no row in bus_data.csv")]


@pytest.mark.parametrize(
    ("old", "new", "row", "column"),
    [
        ("bus_0001-l", "bus_../../x", 1, "ID"),
        ("bus_0001-l", "=HYPERLINK(1)", 1, "ID"),
        (",malignant,", ",maybe,", 3, "Pathology"),
        ("[70,50,24,16]", "[70,50,24]", 1, "BBOX"),
        ("[70,50,24,16]", "__import__('os')", 1, "BBOX"),
        ("[70,50,24,16]", "[70,50,-24,16]", 1, "BBOX"),
        ("bus_0002-l,2,", "bus_0002-l,../2,", 3, "Case"),
        ("bus_0002-l,2,", "bus_0002-l,,", 3, "Case"),
    ],
)
def test_a_hostile_cell_is_named(root: Path, old: str, new: str, row: int, column: str) -> None:
    edit(root, old, new)

    with pytest.raises(DatasetError, match=f"row {row}, column '{column}'"):
        BUS_BRA.index(root)


def test_a_link_out_of_the_folder_is_refused(root: Path, tmp_path: Path) -> None:
    (root / "Images" / "bus_0002-l.png").rename(tmp_path / "secret.png")
    (root / "Images" / "bus_0002-l.png").symlink_to(tmp_path / "secret.png")

    with pytest.raises(DatasetError, match="leaves the dataset's folder"):
        BUS_BRA.index(root)


def test_an_image_listed_twice_is_refused(root: Path) -> None:
    lines = (root / "bus_data.csv").read_text("utf-8").splitlines()
    (root / "bus_data.csv").write_text("\n".join([*lines, lines[1]]) + "\n", "utf-8")

    with pytest.raises(DatasetError, match="row 6, column 'ID': 'bus_0001-l' is in row 1 already"):
        BUS_BRA.index(root)


def test_the_real_set(data_root: Path) -> None:
    index = BUS_BRA.index(data_root)

    assert index.counts() == {"benign": 134, "malignant": 54}
    assert (index.has_patients, index.units) == (True, 182)
    assert index.dropped == ()
    assert index.notes == ("188 of 1,875 images of BUS-BRA",)
    assert all(len(sample.boxes) == 1 for sample in index.samples)
    assert all(sample.laterality in ("L", "R") for sample in index.samples if not sample.sample_id.endswith("-s"))
    assert index.fingerprint().patients == 182
    fold = folds(index, folds=5, seed=0)
    shares = [index.labels_as("malignant")[fold == number].mean() for number in range(5)]
    assert max(shares) - min(shares) < 0.04
