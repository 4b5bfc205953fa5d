"""What every registered dataset promises, on a miniature in its publisher's layout."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from senoscope.core.errors import DatasetError
from senoscope.core.io import read
from senoscope.core.io.files import SUFFIXES
from senoscope.core.tasks import TASKS
from senoscope.evidence.datasets import DATASETS
from senoscope.evidence.datasets.lesions import mask_box
from senoscope.evidence.index import Index, read_index, write_index
from senoscope.evidence.tables.rows import path_inside
from tests import makers

NAMES = DATASETS.names()


@dataclass(frozen=True)
class Table:
    """The table of a miniature: its file, the column that holds the label, the one that tells its rows apart."""

    file: str
    label: str
    key: str
    delimiter: str = ","


TABLES = {
    "breastdcedl": Table("metadata.csv", "pCR", "pid"),
    "cbis_ddsm": Table("mass_case_description_train_set.csv", "pathology", "patient_id"),
    "dmr_ir": Table("index.csv", "label", "file"),
    "bus_bra": Table("bus_data.csv", "Pathology", "ID"),
    "breast_usg": Table("BrEaST-Lesions-USG-clinical-data-Dec-15-2023.xlsx", "Classification", "CaseID"),
    "rsna": Table("train.csv", "cancer", "image_id"),
    "inbreast": Table("INbreast.csv", "Bi-Rads", "File Name", ";"),
    "cmmd": Table("CMMD_clinicaldata_revision.xlsx", "classification", "ID1"),
    "vindr_mammo": Table("breast-level_annotations.csv", "breast_birads", "image_id"),
    "ispy2": Table("ISPY2-Imaging-Cohort-1-Clinical-Data.xlsx", "pCR", "Patient_ID"),
    "qin_breast": Table("QIN-Breast_TreatmentResponse(2014-12-16).xlsx", "Response", "Patient ID"),
}
every_table = pytest.mark.parametrize("name", sorted(TABLES))


@pytest.fixture
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Index]:
    """A miniature, written by the maker that is named as the dataset is, and its index."""
    name = request.param
    root = getattr(makers, name)(tmp_path / "a folder with ü")
    return root, DATASETS.get(name).index(root)


every_dataset = pytest.mark.parametrize("made", NAMES, indirect=True)


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_complete(name: str) -> None:
    facts = DATASETS.get(name)

    assert facts.name == name
    assert re.fullmatch(r"[a-z0-9_]+", name)
    assert facts.title
    assert facts.licence
    assert facts.citation
    assert facts.layout
    assert facts.url.startswith("https://")
    assert facts.published
    assert all(count is None or count > 0 for count in facts.published.values())
    for name_of_task, labelling in facts.tasks.items():
        task = TASKS.get(name_of_task)
        assert task.modality == facts.modality
        words = set(labelling.codes.values()) or set(labelling.words.values()) or set(facts.published)
        assert set(labelling.codes.values()) <= set(task.labels)
        assert bool(labelling.codes) == task.by_pixel
        needed = set(task.labels) if task.kind == "classify" else {task.positive}
        assert needed <= words
        assert labelling.fact or set(labelling.words) <= set(facts.published)


@pytest.mark.parametrize("name", NAMES)
def test_sets_of_the_same_women_name_each_other(name: str) -> None:
    assert all(name in DATASETS.get(other).same_women for other in DATASETS.get(name).same_women)


@every_dataset
def test_samples_lie_within_the_root_and_can_be_read(made: tuple[Path, Index]) -> None:
    root, index = made

    assert len(index) > 0
    for sample in index.samples:
        if sample.path:
            assert path_inside(root, sample.path) is not None
            assert (root / sample.path).is_file()
        if Path(sample.path).suffix.lower() not in SUFFIXES:
            continue
        size = read(root / sample.path).size
        for mask in sample.masks:
            assert read(root / mask).size == size
        for box in sample.boxes:
            left, top, right, bottom = box.edges
            assert 0 <= left < right <= size.width
            assert 0 <= top < bottom <= size.height


@every_dataset
def test_labels_are_those_of_the_facts(made: tuple[Path, Index]) -> None:
    _, index = made

    assert set(index.counts()) <= set(DATASETS.get(index.dataset).published)
    assert sum(index.counts().values()) == len(index)


@every_dataset
def test_masks_agree_with_boxes(made: tuple[Path, Index]) -> None:
    root, index = made

    for sample in index.samples:
        if not sample.masks:
            continue
        boxes = [box for box in (mask_box(root / mask) for mask in sample.masks) if box is not None]
        assert tuple(boxes) == sample.boxes


@every_dataset
def test_groups_hold_patients_whole(made: tuple[Path, Index]) -> None:
    _, index = made

    if index.has_patients:
        groups: dict[str, set[str]] = {}
        for sample in index.samples:
            groups.setdefault(sample.patient_id, set()).add(sample.group)
        assert all(len(names) == 1 for names in groups.values())
    else:
        assert all(sample.patient_id == "" for sample in index.samples)
    assert len(np.unique(index.groups())) == index.units


@every_dataset
def test_an_index_comes_back_from_its_file(made: tuple[Path, Index], tmp_path: Path) -> None:
    root, index = made

    write_index(index, tmp_path / "index.csv")

    assert read_index(tmp_path / "index.csv", root) == index


@every_dataset
def test_indexing_twice_gives_the_same(made: tuple[Path, Index]) -> None:
    root, index = made

    again = DATASETS.get(index.dataset).index(root)

    assert again == index
    assert again.fingerprint() == index.fingerprint()


@every_dataset
def test_the_share_of_the_set_is_said(made: tuple[Path, Index]) -> None:
    _, index = made

    facts = DATASETS.get(index.dataset)

    share = facts.share_note(0).removeprefix("0 ")
    assert any(note.endswith(share) or f"{share};" in note for note in index.notes)
    assert all(check.plausible for check in facts.validate(index))


@every_dataset
def test_its_tasks_can_be_answered(made: tuple[Path, Index]) -> None:
    _, index = made
    facts = DATASETS.get(index.dataset)

    for name in facts.tasks:
        task = TASKS.get(name)
        # Where every pixel has a label, a picture has none of them.
        assert task.by_pixel or set(facts.answering(task, index).counts()) <= set(task.labels)
        assert len(facts.answering(task, index))


@every_dataset
def test_a_damaged_image_is_dropped_or_fails_when_used(made: tuple[Path, Index]) -> None:
    root, index = made
    victim = index.samples[0]
    if not victim.path:
        pytest.skip("its tables come without images")
    (root / victim.path).write_bytes(b"<html>not found</html>")
    if {sample.path for sample in index.samples} == {victim.path}:
        with pytest.raises(DatasetError, match=re.escape(victim.path)):
            DATASETS.get(index.dataset).index(root)
        return

    again = DATASETS.get(index.dataset).index(root)

    if any(sample.path == victim.path for sample in again.samples):
        assert len(again) == len(index)
    else:
        assert any(item.path == victim.path and "unreadable" in item.reason for item in again.dropped)


@pytest.fixture
def tabled(name: str, tmp_path: Path) -> tuple[Path, Path, Table]:
    root = getattr(makers, name)(tmp_path / "set")
    return root, root / TABLES[name].file, TABLES[name]


@every_table
def test_a_label_that_nobody_knows_names_row_and_column(name: str, tabled: tuple[Path, Path, Table]) -> None:
    root, path, table = tabled
    makers.set_cell(path, 2, table.label, "perhaps", table.delimiter)

    with pytest.raises(DatasetError, match=rf"row 2, column '{re.escape(table.label)}': 'perhaps'"):
        DATASETS.get(name).index(root)


@every_table
def test_a_row_that_comes_twice_is_refused(name: str, tabled: tuple[Path, Path, Table]) -> None:
    root, path, table = tabled
    last = len(makers.table_cells(path, table.delimiter))
    makers.repeat_row(path, 1, table.delimiter)

    with pytest.raises(DatasetError, match=rf"row {last}, column '.+' is in row 1 already|is listed twice"):
        DATASETS.get(name).index(root)


@every_table
@pytest.mark.parametrize("which", ["label", "key"])
def test_a_missing_column_is_named(name: str, which: str, tabled: tuple[Path, Path, Table]) -> None:
    root, path, table = tabled
    column = getattr(table, which)
    makers.drop_column(path, column, table.delimiter)

    with pytest.raises(DatasetError, match=rf"has no column {re.escape(column)}"):
        DATASETS.get(name).index(root)


@every_table
@pytest.mark.parametrize("key", ["", "../../secret", "a/b", "C:\\x"])
def test_a_key_that_could_leave_the_folder_names_row_and_column(
    name: str, key: str, tabled: tuple[Path, Path, Table]
) -> None:
    root, path, table = tabled
    makers.set_cell(path, 1, table.key, key, table.delimiter)

    with pytest.raises(DatasetError, match=rf"row 1, column '{re.escape(table.key)}'"):
        DATASETS.get(name).index(root)


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_folder_says_what_was_looked_for_and_found(name: str, tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("sun")

    with pytest.raises(DatasetError, match="looked for") as caught:
        DATASETS.get(name).index(tmp_path)

    assert DATASETS.get(name).layout in caught.value.message
    assert "holiday.txt" in caught.value.hint


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_folder_is_said(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a folder"):
        DATASETS.get(name).index(tmp_path / "nowhere")
