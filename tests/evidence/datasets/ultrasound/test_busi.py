import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.domain.geometry import Box
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index.duplicates import IDENTICAL, Signature, near_pairs, signatures
from tests.makers import busi, ultrasound

BUSI = DATASETS.get("busi")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return busi(tmp_path / "busi")


def test_every_mask_is_a_lesion_and_an_empty_one_is_none(root: Path) -> None:
    samples = {sample.sample_id: sample for sample in BUSI.index(root).samples}

    assert samples["benign (1)"].boxes == (Box(70, 50, 24, 16), Box(20, 90, 10, 10))
    assert [Path(mask).name for mask in samples["benign (1)"].masks] == [
        "benign (1)_mask.png",
        "benign (1)_mask_1.png",
    ]
    assert samples["malignant (2)"].boxes == (Box(70, 50, 24, 16),)
    assert samples["normal (1)"].boxes == ()
    assert len(samples["normal (1)"].masks) == 1


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_the_folder_around_it_will_do(root: Path, depth: int) -> None:
    given = (root, root.parent, root.parent.parent)[depth]

    index = BUSI.index(given)

    assert index.counts() == {"benign": 4, "malignant": 4, "normal": 1}
    assert all(path.is_file() for path in index.paths())


def test_numbers_are_in_order_of_numbers(root: Path) -> None:
    Pil.fromarray(ultrasound(77, (160, 128))).save(root / "benign" / "benign (10).png")

    found = [sample.sample_id for sample in BUSI.index(root).samples if sample.label == "benign"]

    assert found == ["benign (1)", "benign (2)", "benign (3)", "benign (4)", "benign (10)"]


def test_near_duplicates_share_a_group(root: Path) -> None:
    pixels = np.asarray(Pil.open(root / "benign" / "benign (2).png"))
    Pil.fromarray(np.asarray(np.clip(pixels * 1.04, 0, 255), np.uint8)).save(root / "benign" / "benign (7).png")

    groups = {sample.sample_id: sample.group for sample in BUSI.index(root).samples}

    assert groups["benign (7)"] == groups["benign (2)"] == "benign (2)"
    assert len(set(groups.values())) == len(groups) - 1


def test_a_picture_under_two_labels_is_dropped_and_said(root: Path) -> None:
    shutil.copy(root / "benign" / "benign (3).png", root / "malignant" / "malignant (9).png")

    index = BUSI.index(root)

    assert {Path(item.path).name: item.reason for item in index.dropped} == {
        "benign (3).png": "the same picture as malignant (9), which has another label",
        "malignant (9).png": "the same picture as benign (3), which has another label",
    }
    assert index.counts() == {"benign": 3, "malignant": 4, "normal": 1}
    assert "2 images dropped: the same picture appears under two labels" in index.notes
    assert any(note.startswith("10 of 780 images") for note in index.notes)


def test_only_the_contradicting_images_of_a_cluster_are_dropped(root: Path) -> None:
    pixels = np.asarray(Pil.open(root / "benign" / "benign (3).png"))
    above, below = pixels.copy(), pixels.copy()
    above[:14], below[-14:] = pixels[:14, ::-1], pixels[-14:, ::-1]
    Pil.fromarray(above).save(root / "malignant" / "malignant (9).png")
    Pil.fromarray(below).save(root / "benign" / "benign (8).png")
    names = ("benign/benign (3).png", "malignant/malignant (9).png", "benign/benign (8).png")
    hashed = [one for one in signatures([root / name for name in names]) if isinstance(one, Signature)]
    assert [(pair.first, pair.second) for pair in near_pairs(hashed)] == [(0, 1), (0, 2)]

    index = BUSI.index(root)

    assert {Path(item.path).stem for item in index.dropped} == {"benign (3)", "malignant (9)"}
    assert {sample.sample_id: sample.group for sample in index.samples}["benign (8)"] == "benign (3)"


def test_foreign_files_are_said_and_damaged_ones_too(root: Path) -> None:
    (root / "benign" / "malignant (5).png").write_bytes((root / "benign" / "benign (1).png").read_bytes())
    (root / "benign" / "holiday.png").write_bytes(b"x")
    (root / "benign" / "Thumbs.db").write_bytes(b"x")
    (root / "benign" / "benign (4).png").write_bytes(b"")
    (root / "malignant" / "malignant (1)_mask.png").write_bytes(b"<html>")

    index = BUSI.index(root)

    reasons = {Path(item.path).name: item.reason for item in index.dropped}
    assert set(reasons) == {"malignant (5).png", "holiday.png", "benign (4).png", "malignant (1)_mask.png"}
    assert reasons["malignant (5).png"] == "named malignant in the folder benign"
    assert reasons["benign (4).png"].startswith("unreadable: ")
    assert reasons["malignant (1)_mask.png"].startswith("unreadable mask: ")
    samples = {sample.sample_id: sample for sample in index.samples}
    assert samples["malignant (1)"].masks == ()
    assert samples["malignant (1)"].boxes == ()


def test_a_link_out_of_the_folder_is_dropped(root: Path, tmp_path: Path) -> None:
    (root / "benign" / "benign (4).png").rename(tmp_path / "secret.png")
    (root / "benign" / "benign (4).png").symlink_to(tmp_path / "secret.png")

    dropped = BUSI.index(root).dropped

    assert [(Path(item.path).name, item.reason) for item in dropped] == [
        ("benign (4).png", "a link that leaves the folder")
    ]


def test_the_real_set(data_root: Path) -> None:
    index = BUSI.index(data_root)

    names = [sample.path for sample in index.samples] + [item.path for item in index.dropped]
    counts = {label: sum(f"/{label}/" in name for name in names) for label in ("benign", "malignant", "normal")}
    assert counts == {"benign": 353, "malignant": 162, "normal": 108}
    assert any(note.startswith("623 of 780 images") for note in index.notes)
    assert not index.has_patients
    assert all("which has another label" in item.reason for item in index.dropped)
    assert {Path(item.path).stem for item in index.dropped} >= {"malignant (52)", "benign (85)", "benign (164)"}
    assert len(index.dropped) < 20
    lesions = [sample for sample in index.samples if sample.label != "normal"]
    assert all(sample.boxes for sample in lesions)
    assert not any(sample.boxes for sample in index.samples if sample.label == "normal")
    assert sum(len(sample.boxes) > 1 for sample in lesions) > 5


def test_the_real_set_holds_near_duplicates(data_root: Path) -> None:
    folder = data_root / "busi" / "Dataset_BUSI_with_GT"
    paths = sorted(path for path in folder.rglob("*.png") if "_mask" not in path.name)
    hashed = [one for one in signatures(paths) if isinstance(one, Signature)]

    pairs = near_pairs(hashed)

    assert len(hashed) == 623
    assert 125 <= len(pairs) <= 160
    assert 50 <= sum(pair.distance <= IDENTICAL for pair in pairs) <= 65


def test_a_name_that_ends_in_a_line_break_is_no_image(root: Path) -> None:
    folder = root / "benign"
    shutil.copy(folder / "benign (1).png", folder / "benign (99).png\n")

    assert "benign (99)" not in "".join(sample.sample_id for sample in BUSI.index(root).samples)
