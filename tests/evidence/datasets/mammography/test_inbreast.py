from pathlib import Path

import pytest

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import DatasetError
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from tests.makers import inbreast, set_cell

INBREAST = DATASETS.get("inbreast")
FIRST = "AllDICOMs/20586908_6c613a14b80a8591_MG_R_ML_ANON.dcm"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return inbreast(tmp_path / "inbreast")


@pytest.mark.parametrize("table", ["INbreast.csv", "INbreast.xls"])
def test_table_and_files_are_joined(tmp_path: Path, table: str) -> None:
    index = INBREAST.index(inbreast(tmp_path / "inbreast", table))

    first, second, third, *_ = index.samples
    assert [sample.sample_id for sample in index.samples][:2] == ["20586908", "20586934"]
    assert (first.patient_id, first.group, first.path) == ("6c613a14b80a8591", "6c613a14b80a8591", FIRST)
    assert (first.label, first.laterality, first.view) == ("BI-RADS 1", "R", "MLO")
    expected = {"birads": "2", "density": "C", "date": "201001", "year": "2010", "machine": "MammoNovation"}
    expected |= {"lesion": "Calcification, Mass", "points": "2"} | ({"mass": "X"} if table.endswith("xls") else {})
    assert second.facts == expected
    assert "density" not in third.facts
    assert (index.has_patients, index.units) == (True, 2)
    assert "5 of 410 images of INbreast" in index.notes


def test_contours_become_boxes_and_single_points_do_not(root: Path) -> None:
    second = INBREAST.index(root).samples[1]

    assert second.boxes == (Box(3, 10, 19, 22),)


def test_contours_are_cut_at_the_edge_of_the_image(root: Path) -> None:
    path = root / "AllXML" / "20586934.xml"
    path.write_text(path.read_text("utf-8").replace("(20.2, 12.0)", "(99.9, -7.5)"), "utf-8")

    assert INBREAST.index(root).samples[1].boxes == (Box(3, 0, 37, 32),)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html/>",
        b"<plist><dict><key>Images</key><string>no</string></dict></plist>",
        b"<plist><array/></plist>",
        b"<plist><dict><key>Images</key><array><dict><key>ROIs</key><integer>7</integer></dict></array></dict></plist>",
        b'<!DOCTYPE plist [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><plist><string>&b;</string></plist>',
        b'<!DOCTYPE plist [<!ENTITY a SYSTEM "file:///etc/passwd">]><plist><string>&a;</string></plist>',
        b"<plist>" + b"<array>" * 100_000,
        b"<plist><dict><key>Images</key><array><dict><key>ROIs</key><array><dict><key>Point_px</key><array>"
        b"<string>(1e99, nan)</string></array></dict></array></dict></array></dict></plist>",
    ],
)
def test_hostile_contours_are_said_and_the_image_stays(root: Path, content: bytes) -> None:
    (root / "AllXML" / "20586934.xml").write_bytes(content)

    index = INBREAST.index(root)

    assert [(item.path, item.reason.partition(":")[0]) for item in index.dropped] == [
        ("AllXML/20586934.xml", "unreadable contours")
    ]
    assert index.samples[1].boxes == ()


def test_a_drawing_that_is_too_large_is_not_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("senoscope.evidence.datasets.mammography.contours.LARGEST_DRAWING", 100)

    assert "MiB" in INBREAST.index(root).dropped[0].reason


def test_files_without_rows_rows_without_files_and_foreign_files_are_said(root: Path) -> None:
    folder = root / "AllDICOMs"
    (root / FIRST).rename(folder / "99999999_6c613a14b80a8591_MG_R_ML_ANON.dcm")
    (folder / "holiday.dcm").write_bytes(b"x")
    twin = folder / "22678646_0000000000000000_MG_L_CC_ANON.dcm"
    twin.write_bytes(b"x")

    index = INBREAST.index(root)

    assert "1 rows of INbreast.csv have no image here" in index.notes
    reasons = {Path(item.path).name: item.reason for item in index.dropped}
    assert reasons["99999999_6c613a14b80a8591_MG_R_ML_ANON.dcm"] == "no row in INbreast.csv"
    assert reasons["holiday.dcm"].startswith("not named")
    assert "a second file of the image 22678646" in reasons.values()


def test_a_side_that_contradicts_the_files_name_is_refused(root: Path) -> None:
    set_cell(root / "INbreast.csv", 1, "Laterality", "L", ";")

    with pytest.raises(DatasetError, match="row 1, column 'Laterality': L, and the file's name says R"):
        INBREAST.index(root)


def test_birads_answers_two_tasks(root: Path) -> None:
    assert INBREAST.samples_for(TASKS.get("mammography"), root).counts() == {"benign": 1, "malignant": 3}
    assert INBREAST.samples_for(TASKS.get("abnormality"), root).counts() == {"abnormal": 4, "normal": 1}
