from pathlib import Path

import numpy as np
import pytest

from senoscope.core.errors import DatasetError
from senoscope.core.io import read
from senoscope.evidence.datasets import DATASETS
from tests.makers import dmr_ir

DMR_IR = DATASETS.get("dmr_ir")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return dmr_ir(tmp_path / "dmr_ir")


def edit(root: Path, old: str, new: str) -> None:
    text = (root / "index.csv").read_text("utf-8")
    assert old in text
    (root / "index.csv").write_text(text.replace(old, new, 1), "utf-8")


def test_names_say_patient_visit_and_date(root: Path) -> None:
    index = DMR_IR.index(root)

    sample = next(sample for sample in index.samples if sample.sample_id == "T0180.2.2.D.2014-08-16.19")
    assert (sample.patient_id, sample.group, sample.label, sample.view) == ("180", "180", "sick", "")
    assert sample.facts == {
        "date": "2014-08-16",
        "year": "2014",
        "visit": "2",
        "position": "2",
        "protocol": "dynamic",
    }
    assert [one.view for one in index.samples if one.facts["position"] == "1"] == ["frontal"] * 5


def test_the_table_and_the_folders_alone_give_the_same_samples(root: Path, tmp_path: Path) -> None:
    plain = dmr_ir(tmp_path / "plain", table=False)

    assert DMR_IR.index(plain).samples == DMR_IR.index(root).samples


def test_two_numbers_of_one_woman_are_one_group(root: Path) -> None:
    index = DMR_IR.index(root)

    groups = {sample.patient_id: sample.group for sample in index.samples}
    assert groups == {"1": "1", "90": "90", "91": "90", "180": "180"}
    assert index.units == 3
    assert "one group each, as they are one woman: patients 90 and 91" in index.notes


def test_an_uncertain_diagnosis_is_no_label(root: Path) -> None:
    index = DMR_IR.index(root)

    assert [(item.path, item.reason) for item in index.dropped] == [
        ("sick/T0261.1.1.S.2014-11-11.00.txt", "patient 261: the diagnosis is uncertain")
    ]


def test_matrices_are_read_in_degrees(root: Path) -> None:
    sample = DMR_IR.index(root).samples[0]

    pixels = read(root / sample.path).pixels

    assert pixels.shape == (48, 64)
    assert 20 < float(np.median(pixels)) < 35


def test_files_without_rows_and_rows_without_files_are_said(root: Path) -> None:
    old = root / "healthy" / "T0001.1.1.S.2012-10-08.00.txt"
    old.rename(root / "healthy" / "T0002.1.1.S.2012-10-08.00.txt")
    (root / "healthy" / "README.txt").write_text("words", encoding="utf-8")

    index = DMR_IR.index(root)

    assert "1 rows of index.csv have no file here" in index.notes
    assert [item.path for item in index.dropped][:2] == ["healthy/README.txt", "healthy/T0002.1.1.S.2012-10-08.00.txt"]


def test_without_a_table_odd_names_and_impossible_dates_are_dropped(tmp_path: Path) -> None:
    root = dmr_ir(tmp_path / "plain", table=False)
    for name in ("README.txt", "T0001.1.1.S.2012-13-08.00.txt", "T1.txt"):
        (root / "sick" / name).write_text("30.5", encoding="utf-8")

    index = DMR_IR.index(root)

    assert len(index) == 6
    assert len([item for item in index.dropped if "not named like" in item.reason]) == 3


@pytest.mark.parametrize(
    ("old", "new", "row", "column"),
    [
        ("T0180.1.1.S.2013-08-16.00,sick", "T0180.1.1.S.2013-08-16.00,odd", 4, "label"),
        ("T0180.1.1.S.2013-08-16.00,sick", "T0180.1.1.S.2013-08-16.00,healthy", 4, "label"),
        ("sick/T0180.1.1.S.2013-08-16.00,sick", "healthy/T0180.1.1.S.2013-08-16.00,healthy", 5, "label"),
        ("T0001.1.1.S.2012-10-08.00,healthy", "T0001.1.1.S.2012-10-08.00,sick", 1, "label"),
        (",sick,180,1,", ",sick,181,1,", 4, "patient"),
        (",sick,180,1,", ",sick,,1,", 4, "patient"),
        (",sick,180,1,2013-08-16", ",sick,180,2,2013-08-16", 4, "visit"),
        (",sick,180,1,2013-08-16", ",sick,180,1,2013-08-17", 4, "date"),
        ("healthy/T0001.1.1.S.2012-10-08.00,", "../T0001.1.1.S.2012-10-08.00,", 1, "file"),
        ("healthy/T0001.1.1.S.2012-10-08.00,", "healthy/holiday,", 1, "file"),
        ("healthy/T0090.1.1.S.2012-11-12.00,healthy,90", "healthy/T0091.1.1.S.2012-11-12.00,healthy,91", 3, "file"),
    ],
)
def test_a_wrong_cell_is_named(root: Path, old: str, new: str, row: int, column: str) -> None:
    edit(root, old, new)

    with pytest.raises(DatasetError, match=f"row {row}, column '{column}'"):
        DMR_IR.index(root)


def test_a_patient_in_both_folders_is_refused(tmp_path: Path) -> None:
    root = dmr_ir(tmp_path / "plain", table=False)
    path = root / "sick" / "T0180.1.1.S.2013-08-16.00.txt"
    path.rename(root / "healthy" / path.name)

    with pytest.raises(DatasetError, match=r"patient '180' is healthy in .* and sick in"):
        DMR_IR.index(root)


def test_the_real_set(data_root: Path) -> None:
    index = DMR_IR.index(data_root)

    assert len(index) + len(index.dropped) == 240
    assert index.counts() == {"healthy": 144, "sick": 95}
    assert [item.reason for item in index.dropped] == ["patient 261: the diagnosis is uncertain"]
    assert len({sample.patient_id for sample in index.samples}) == 220
    assert index.units == 218
    years = {label: {s.facts["year"] for s in index.samples if s.label == label} for label in ("healthy", "sick")}
    assert years["healthy"] == {"2012", "2013", "2014", "2015"}
    assert years["sick"] == {"2013", "2014", "2015", "2018", "2019", "2020"}
    by_id = {sample.patient_id: sample for sample in index.samples}
    for first, second in (("90", "91"), ("153", "154")):
        pixels = [read(data_root / by_id[number].path).pixels for number in (first, second)]
        np.testing.assert_array_equal(pixels[0], pixels[1])
        assert by_id[first].group == by_id[second].group
