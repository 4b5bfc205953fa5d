from pathlib import Path

import pytest

from senoscope.core.domain.recipe_parts import PatchRecipe
from senoscope.core.errors import DatasetError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.index.patches import lesion_patches, lesions_and_tissue
from tests.makers import cbis_ddsm

CBIS_DDSM = DATASETS.get("cbis_ddsm")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return cbis_ddsm(tmp_path / "data")


def test_four_tables_give_one_sample_a_lesion(root: Path) -> None:
    index = CBIS_DDSM.index(root)

    by_id = {sample.sample_id: sample for sample in index.samples}
    sample = by_id["mass_P_00016_LEFT_CC_2"]
    assert (sample.patient_id, sample.label, sample.laterality, sample.view) == ("P_00016", "malignant", "L", "CC")
    assert sample.facts == {
        "lesion": "mass",
        "density": "3",
        "split": "test",
        "pathology": "MALIGNANT",
        "birads": "4",
        "subtlety": "5",
        "mass_shape": "OVAL",
        "mass_margins": "CLEAR",
    }
    calcification = by_id["calc_P_00005_RIGHT_CC_1"]
    assert (calcification.label, calcification.facts["pathology"]) == ("benign", "BENIGN_WITHOUT_CALLBACK")
    assert calcification.facts["density"] == "3"
    assert calcification.facts["calc_distribution"] == "CLEAR"


def test_a_woman_on_both_sides_is_left_out_of_training(root: Path) -> None:
    index = CBIS_DDSM.index(root)

    sides = {split: {s.patient_id for s in index.samples if s.facts["split"] == split} for split in ("train", "test")}
    assert sides == {"train": {"P_00001", "P_00002", "P_00005"}, "test": {"P_00016", "P_00007"}}
    assert [item.reason for item in index.dropped] == [
        "mass_P_00007_RIGHT_CC_1: patient P_00007 is in the official test set too"
    ]
    assert (
        "1 patients are on both sides of the official split: 1 lesions of theirs are left out of training, and 1 of 3 "
        "test lesions are theirs" in index.notes
    )


def test_tables_stand_alone_or_name_images(root: Path, tmp_path: Path) -> None:
    alone = CBIS_DDSM.index(root)
    with_images = CBIS_DDSM.index(cbis_ddsm(tmp_path / "more", images=True))

    assert {sample.path for sample in alone.samples} == {""}
    with pytest.raises(DatasetError, match="no image of them is here"):
        alone.with_files()
    assert len(with_images) == len(alone) - 1
    assert "1 lesions of the tables have no image here" in with_images.notes
    paths = {sample.sample_id: sample.path for sample in with_images.samples}
    assert paths["mass_P_00016_LEFT_CC_1"] == paths["mass_P_00016_LEFT_CC_2"] == "Mass-Test_P_00016_LEFT_CC/1-1.png"
    assert with_images.fingerprint().images == len(with_images)


@pytest.mark.parametrize(
    "place",
    [
        "Mass-Test_P_00016_LEFT_CC/1.3.6.1.4/1.3.6.2.4/000000.dcm",
        "Mass-Test_P_00016_LEFT_CC.png",
        "CBIS-DDSM/Mass-Test_P_00016_LEFT_CC/07-20-2016-DDSM/1.0/1-1.dcm",
        "jpeg/1.3.6.2.4/1-249.jpg",
    ],
)
def test_the_archives_layout_and_repackings_are_found(root: Path, place: str) -> None:
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).write_bytes(b"x")

    assert [(sample.sample_id, sample.path) for sample in CBIS_DDSM.index(root).samples][:1] == [
        ("mass_P_00016_LEFT_CC_1", place)
    ]


def test_a_link_out_of_the_folder_is_no_image(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"x")
    (root / "Mass-Test_P_00016_LEFT_CC.png").symlink_to(tmp_path / "secret.png")

    assert {sample.path for sample in CBIS_DDSM.index(root).samples} == {""}


def test_a_part_of_the_tables_is_fine_and_said(root: Path) -> None:
    (root / "calc_case_description_test_set.csv").unlink()

    index = CBIS_DDSM.index(root)

    assert "3 of the 4 official tables are here, so women on both sides may go unseen" in index.notes
    assert index.dropped == ()


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("P_00001,3,LEFT,CC", "../P_00001,3,LEFT,CC", "patient_id"),
        ("P_00001,3,LEFT,CC", "P_00001,3,UP,CC", "left or right breast"),
        ("P_00001,3,LEFT,CC", "P_00001,3,LEFT,XX", "image view"),
        (",MALIGNANT,", ",PERHAPS,", "pathology"),
        (",4,MALIGNANT,", ",9,MALIGNANT,", "assessment"),
        ("Mass-Training_P_00001_LEFT_CC/1.3", "../../etc/1.3", "image file path"),
        ("CC,1,mass", '"CC\n",1,mass', "image view"),
    ],
)
def test_a_wrong_cell_is_named(root: Path, old: str, new: str, column: str) -> None:
    table = root / "mass_case_description_train_set.csv"
    text = table.read_text("utf-8")
    assert old in text
    table.write_text(text.replace(old, new, 1), "utf-8")

    with pytest.raises(DatasetError, match=f"row 1, column '{column}'"):
        CBIS_DDSM.index(root)


def test_the_real_tables(data_root: Path) -> None:
    index = CBIS_DDSM.index(data_root)

    assert len(index) == 3568 - 83
    assert len(index.dropped) == 83
    assert (
        "31 patients are on both sides of the official split: 83 lesions of theirs are left out of training, and 60 of "
        "704 test lesions are theirs" in index.notes
    )
    assert index.units == 1566
    assert {sample.path for sample in index.samples} == {""}
    lesions = [sample.facts["lesion"] for sample in index.samples]
    assert {kind: lesions.count(kind) for kind in set(lesions)} == {"mass": 1669, "calcification": 1816}
    assert str(CBIS_DDSM.validate(index)[0]) == "lesions: 3,485 of 3,568"
    assert CBIS_DDSM.answering(TASKS.get("mammography"), index).counts() == index.counts()
    sides = [{s.group for s in index.samples if s.facts["split"] == split} for split in ("train", "test")]
    assert not sides[0] & sides[1]


def test_masks_outline_each_lesion_of_a_film(tmp_path: Path) -> None:
    index = CBIS_DDSM.index(cbis_ddsm(tmp_path / "data", images=True))

    found = {sample.sample_id: sample for sample in index.samples}
    first, second = found["mass_P_00016_LEFT_CC_1"], found["mass_P_00016_LEFT_CC_2"]
    assert first.path == second.path
    assert (first.masks, second.masks) == (
        ("Mass-Test_P_00016_LEFT_CC_1/mask.png",),
        ("Mass-Test_P_00016_LEFT_CC_2/mask.png",),
    )
    # Those of calcifications are of another size than their film, so only masses make patches.
    recipe = PatchRecipe(context=1, ordinary=1)
    patches = lesion_patches(index, recipe, tmp_path / "patches")
    assert all(sample.sample_id.startswith("mass_") for sample in patches.samples)
    assert {"mass_P_00016_LEFT_CC_1#1", "mass_P_00016_LEFT_CC_2#1"} <= {one.sample_id for one in patches.samples}
    both = lesions_and_tissue(index, recipe, 0, tmp_path / "patches")
    assert {sample.sample_id.split("#")[0].split("~")[0] for sample in both.samples} <= set(found)


@pytest.mark.parametrize(("folder", "cell"), [("data", "../mask.dcm"), ("data", "/etc/mask.dcm"), ("csv", "mask.dcm")])
def test_masks_outside_the_root_are_not_looked_at(tmp_path: Path, folder: str, cell: str) -> None:
    root = cbis_ddsm(tmp_path / folder, images=True)
    table = root / "mass_case_description_test_set.csv"
    (tmp_path / "mask.png").write_bytes(next(root.rglob("mask.png")).read_bytes())
    table.write_text(table.read_text().replace("Mass-Test_P_00016_LEFT_CC_1/mask.dcm", cell))

    found = {sample.sample_id: sample for sample in CBIS_DDSM.index(root).samples}

    assert found["mass_P_00016_LEFT_CC_1"].masks == ()
    assert found["mass_P_00016_LEFT_CC_2"].masks
