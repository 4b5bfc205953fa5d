import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.errors import DatasetError, UsageError
from senoscope.core.tasks import TASKS
from senoscope.evidence.audit.audit import audit
from senoscope.evidence.audit.findings import findings
from senoscope.evidence.audit.page import to_json
from senoscope.evidence.datasets import DATASETS
from tests.makers import bus_bra, busi, cbis_ddsm, dmr_ir, idc


def test_copies_within_a_group_are_counted(tmp_path: Path) -> None:
    root = busi(tmp_path)
    (root / "benign" / "benign (8).png").write_bytes((root / "benign" / "benign (2).png").read_bytes())
    facts = DATASETS.get("busi")

    found = audit(facts, facts.index(root))

    assert list(found.pairs().values()) == [1, 1, 1, 0, 0, 0]
    assert found.group_sizes == {1: 8, 2: 1}
    (copy,) = found.copies.named
    assert copy.distance == -1
    assert (copy.first, copy.second) == ("benign (2)", "benign (8)")
    assert found.labels == {"benign": 5, "malignant": 4, "normal": 1}
    assert (found.unit, found.units, found.read) == ("duplicate groups", 9, 10)
    json.dumps(to_json(found), allow_nan=False)


def test_copies_across_patients_and_labels_are_called_out(tmp_path: Path) -> None:
    root = bus_bra(tmp_path)
    pixels = np.asarray(Pil.open(root / "Images" / "bus_0001-l.png"))
    Pil.fromarray(pixels).save(root / "Images" / "bus_0002-l.png", compress_level=1)
    (root / "Images" / "bus_0003-l.png").write_bytes(b"broken")
    facts = DATASETS.get("bus_bra")

    found = audit(facts, facts.index(root))

    (copy,) = found.copies.named
    assert (copy.first, copy.second, copy.labels) == ("bus_0001-l", "bus_0002-l", ("benign", "malignant"))
    assert not copy.same_group
    assert found.pairs()["under different labels"] == found.pairs()["in different groups"] == 1
    assert [item.path for item in found.unreadable] == ["Images/bus_0003-l.png"]
    titles = [finding.title for finding in findings(found) if finding.light == "red"]
    assert titles == ["The same picture under different labels", "The same picture in different groups"]


def test_findings_come_in_order_of_gravity_and_say_what_to_do(tmp_path: Path) -> None:
    root = bus_bra(tmp_path)
    (root / "Images" / "bus_0003-l.png").write_bytes(b"broken")
    facts = DATASETS.get("bus_bra")

    found = findings(audit(facts, facts.index(root)))

    lights = [finding.light for finding in found]
    assert lights == sorted(lights, key=["red", "amber", "grey", "green"].index)
    assert all(finding.todo for finding in found if finding.light in ("red", "amber"))
    assert "Unreadable pictures" in [finding.title for finding in found]


def split_table(path: Path, rows: dict[str, tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("sample_id", "part", "fold"))
        writer.writerows((sample, *side) for sample, side in rows.items())
    return path


def test_a_leaking_split_is_read_and_names_who_leaks(tmp_path: Path) -> None:
    root = bus_bra(tmp_path)
    facts = DATASETS.get("bus_bra")
    index = facts.index(root)
    pixels = np.asarray(Pil.open(root / "Images" / "bus_0002-l.png"))
    Pil.fromarray(pixels).save(root / "Images" / "bus_0003-l.png", compress_level=1)
    sides = {sample.sample_id: ("train", "") for sample in index.samples}
    sides |= {"bus_0001-r": ("test", ""), "bus_0003-l": ("test", "")}

    found = audit(facts, index, split=split_table(tmp_path / "split.csv", sides))

    assert found.leaks is not None
    (divided,) = found.leaks.groups
    assert divided.sides == {"test": 1, "train": 1}
    assert found.copies.sides == 1
    assert found.copies.named[0].divided
    first, second = findings(found)[:2]
    assert first.title == "Patients on both sides of split.csv"
    assert divided.group in first.said
    assert second.title == "Copies on both sides of split.csv"
    assert "bus_0002-l and bus_0003-l" in second.said


def test_the_task_says_what_is_guessed(tmp_path: Path) -> None:
    facts = DATASETS.get("busi")
    index = facts.index(busi(tmp_path))

    assert audit(facts, index).shortcuts.question == "malignant or benign"
    with pytest.raises(UsageError, match="does not answer"):
        audit(facts, index, task=TASKS.get("density"))
    with pytest.raises(DatasetError, match="lists no sample"):
        audit(facts, index, split=split_table(tmp_path / "split.csv", {"other": ("train", "")}))


def test_tables_without_pictures_are_audited(tmp_path: Path) -> None:
    facts = DATASETS.get("cbis_ddsm")

    found = audit(facts, facts.index(cbis_ddsm(tmp_path)))

    assert found.read == 0
    assert found.listed == sum(found.labels.values())
    assert "Pictures not here" in [finding.title for finding in findings(found)]
    json.dumps(to_json(found), allow_nan=False)


@pytest.mark.parametrize(("name", "sought"), [("dmr_ir", False), ("idc", False), ("busi", True)])
def test_marks_are_sought_where_pictures_are_grey(tmp_path: Path, name: str, sought: bool) -> None:
    facts = DATASETS.get(name)
    root = {"dmr_ir": dmr_ir, "idc": idc, "busi": busi}[name](tmp_path)

    found = audit(facts, facts.index(root))

    assert found.read > 0
    assert bool(found.marks) == sought


@pytest.mark.parametrize("name", ["busi", "bus_bra"])
def test_no_copy_crosses_groups_in_the_real_sets(data_root: Path, name: str) -> None:
    facts = DATASETS.get(name)

    found = audit(facts, facts.index(data_root))

    assert found.pairs()["in different groups"] == 0
    assert found.pairs()["under different labels"] == 0
    assert found.unreadable == ()
    assert sum(size * count for size, count in found.group_sizes.items()) == sum(found.labels.values())


def test_the_year_gives_thermograms_away(data_root: Path) -> None:
    facts = DATASETS.get("dmr_ir")

    found = audit(facts, facts.index(data_root)).shortcuts

    lights = {row.fact: row for row in found.rows}
    assert lights["year"].light == "red"
    assert lights["year"].auc.value > 0.93
    assert lights["brightest"].light == lights["together"].light == "red"
    assert found.overlap is not None
    assert found.overlap.values == ("2013", "2014", "2015")
    assert lights["year"].overlap is not None
    assert lights["year"].overlap.value < lights["year"].auc.value


def test_two_breasts_of_one_outline_are_no_copies(data_root: Path) -> None:
    facts = DATASETS.get("mini_mias")

    found = audit(facts, facts.index(data_root))

    assert found.copies.outline == found.copies.near > 100
    assert found.copies.groups == found.copies.labels == 0
    assert not [finding for finding in findings(found) if finding.light == "red"]
