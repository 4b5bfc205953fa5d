import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import DatasetError
from senoscope.evidence.index import COLUMNS, Dropped, Index, Sample, read_index, write_index
from senoscope.evidence.tables.rows import write_rows


def index(root: Path) -> Index:
    samples = (
        Sample("a", "7", "7", "one, two/ä.png", "benign", ("m 1.png", "m2.png"), (Box(1, 2, 3, 4),), "L", "CC"),
        Sample("b", "7", "7", "b.png", "malignant", facts={"birads": "4", "device": 'says "hm"'}),
        Sample("c", "9", "9", "c.png", "normal"),
    )
    return Index("busi", root, samples, (Dropped("d.png", "a reason, with comma"),), ("a note",))


def write(target: Path, **cells: str) -> Path:
    row = {
        "kind": "sample",
        "dataset": "busi",
        "sample_id": "a",
        "group": "g",
        "path": "a.png",
        "label": "benign",
        "masks": "[]",
        "boxes": "[]",
        "facts": "{}",
    }
    write_rows(target, COLUMNS, [row, row | {"sample_id": "b"} | cells])
    return target


def write_rows_of(folder: Path, *samples: dict[str, str], dataset: str = "busi") -> Path:
    """Write an index of these samples, with a note between the first and the others."""
    common = {"kind": "sample", "dataset": dataset, "group": "g", "path": "a.png", "label": "benign"}
    rows = [common | {"sample_id": f"s{number}"} | cells for number, cells in enumerate(samples)]
    note = {"kind": "note", "dataset": dataset, "text": "a note"}
    write_rows(folder / "index.csv", COLUMNS, [rows[0], note, *rows[1:]])
    return folder / "index.csv"


def test_an_index_comes_back_from_its_file(tmp_path: Path) -> None:
    write_index(index(tmp_path), tmp_path / "new" / "index.csv")

    assert read_index(tmp_path / "new" / "index.csv", tmp_path) == index(tmp_path)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["index.csv"]


def test_names_of_dropped_files_do_no_harm(tmp_path: Path) -> None:
    names = ('=HYPERLINK("x").png', "+1.png", "@a/b.png", "red\x1b[31m.png", "two\nlines.png", "x\udcff.png")
    odd = replace(index(tmp_path), dropped=tuple(Dropped(name, f"not {name}") for name in names))

    write_index(odd, tmp_path / "index.csv")

    found = [item.path for item in read_index(tmp_path / "index.csv", tmp_path).dropped]
    assert found[:3] == ['./=HYPERLINK("x").png', "./+1.png", "./@a/b.png"]
    assert found[3:] == ["red\\x1b[31m.png", "two\\nlines.png", "x\\udcff.png"]


@pytest.mark.parametrize(
    ("odd", "column"),
    [
        (Sample("b", "7", "7", "b.png", "malignant", view="=1+1"), "view"),
        (Sample("b", "7", "7", "@b/b.png", "malignant"), "path"),
        (Sample("b\n", "7", "7", "b.png", "malignant"), "sample_id"),
        (Sample("b", "7", "7", "b.png", "malignant\u202e"), "label"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path: Path, odd: Sample, column: str) -> None:
    whole = index(tmp_path)

    with pytest.raises(DatasetError, match=f"row 2, column '{column}'"):
        write_index(replace(whole, samples=(whole.samples[0], odd)), tmp_path / "index.csv")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        ("path", "../../etc/passwd", "leaves the dataset's folder"),
        ("path", "/etc/passwd", "leaves the dataset's folder"),
        ("path", "a\\..\\b.png", "leaves the dataset's folder"),
        ("masks", '["../m.png"]', "leaves the dataset's folder"),
        ("masks", "[1]", "not a list of paths"),
        ("masks", "m.png", "not JSON"),
        ("masks", "[" * 15_000, "not JSON"),
        ("boxes", "[[1, 2, 3]]", "left, top, width, height"),
        ("boxes", "[[1, 2, 0, 4]]", "left, top, width, height"),
        ("boxes", "[[1, 2, NaN, 4]]", "left, top, width, height"),
        ("facts", "[]", "not a JSON object"),
        ("facts", '{"a": 1}', "a value is not text"),
        ("group", "", "empty"),
        ("label", "", "empty"),
        ("label", "=cmd|' /C calc'!A0", "a spreadsheet formula"),
        ("label", "benign\x00", "control characters"),
        ("label", "ben\u202eign", "control characters"),
        ("label", "x" * 30_000, "longer than"),
        ("kind", "robot", "is not sample, dropped or note"),
        ("dataset", "bus_bra", "among 'busi'"),
    ],
)
def test_a_hostile_cell_is_named_by_row_and_column(tmp_path: Path, column: str, cell: str, problem: str) -> None:
    path = write(tmp_path / "index.csv", **{column: cell})

    with pytest.raises(DatasetError, match=f"row 2, column '{column}'.*{problem}"):
        read_index(path, tmp_path)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / "data" / "a.png").symlink_to(tmp_path / "secret.png")

    with pytest.raises(DatasetError, match="row 1, column 'path'"):
        read_index(write(tmp_path / "index.csv"), tmp_path / "data")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "has no column"),
        (b"a,b\n1,2\n", "has no column kind"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"a,a\n", "named twice"),
        (",".join(COLUMNS).encode() + b"\n1,2\n", "row 1: it has more or fewer cells"),
        (",".join(COLUMNS).encode() + b"\n" + b"x," * 20 + b"\n", "row 1: it has more or fewer cells"),
        (",".join(COLUMNS).encode() + b'\n"open', "not a CSV table"),
        (",".join(COLUMNS).encode() + b"\n", "lists no sample"),
        (",".join(COLUMNS).encode() + b'\n"' + b"y" * 200_000 + b'"\n', "not a CSV table"),
    ],
)
def test_a_file_that_is_no_index_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "index.csv").write_bytes(content)

    with pytest.raises(DatasetError, match=problem):
        read_index(tmp_path / "index.csv", tmp_path)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"index\.csv cannot be read"):
        read_index(tmp_path / "index.csv", tmp_path)


def test_a_sample_listed_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="row 2, column 'sample_id': 'a' is in row 1 already"):
        read_index(write(tmp_path / "index.csv", sample_id="a"), tmp_path)


def test_a_patient_in_two_groups_is_refused(tmp_path: Path) -> None:
    path = write_rows_of(tmp_path, {"patient_id": "7", "group": "g"}, {"patient_id": "7", "group": "h"})

    with pytest.raises(DatasetError, match="row 3, column 'group': patient_id '7' is 'h' here and 'g' in row 1"):
        read_index(path, tmp_path)


def test_a_patient_in_two_classes_is_refused_where_labels_are_the_patients(tmp_path: Path) -> None:
    rows = [{"patient_id": "7", "label": "healthy"}, {"patient_id": "7", "label": "sick"}]

    with pytest.raises(DatasetError, match="row 3, column 'label': patient_id '7' is 'sick' here and 'healthy' in row"):
        read_index(write_rows_of(tmp_path, *rows, dataset="dmr_ir"), tmp_path)
    assert len(read_index(write_rows_of(tmp_path, *rows, dataset="mine"), tmp_path)) == 2


def test_a_label_that_the_dataset_does_not_have_is_refused(tmp_path: Path) -> None:
    path = write_rows_of(tmp_path, {"label": "normal"}, {"label": "abnormal"}, dataset="mini_mias")
    assert read_index(path, tmp_path).counts() == {"abnormal": 1, "normal": 1}

    with pytest.raises(DatasetError, match="row 3, column 'label': 'perhaps' is no label of mini_mias"):
        read_index(write_rows_of(tmp_path, {}, {"label": "perhaps"}, dataset="mini_mias"), tmp_path)


def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_index(index(tmp_path), tmp_path / "index.csv")
    before = (tmp_path / "index.csv").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(DatasetError, match="No space left"):
        write_index(index(tmp_path).take([0]), tmp_path / "index.csv")

    assert (tmp_path / "index.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["index.csv"]


def test_labels_groups_and_units(tmp_path: Path) -> None:
    found = index(tmp_path)

    kept = found.with_labels(("benign", "malignant"))
    assert kept.labels_as("malignant").tolist() == [0, 1]
    assert kept.notes[len(found.notes) :] == ("left out, as the task does not know the label: 1 normal",)
    assert kept.with_labels(("benign", "malignant")).notes == kept.notes
    assert found.groups().tolist() == [0, 0, 1]
    assert (found.has_patients, found.units) == (True, 2)
    assert [sample.sample_id for sample in found.take(np.array([2, 0])).samples] == ["c", "a"]
    with pytest.raises(DatasetError, match="no sample labelled odd"):
        found.with_labels(("odd",))


def test_the_fingerprint_depends_on_bytes_and_labels_only(tmp_path: Path) -> None:
    names = ("a.png", "b.png", "c.png")
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(bytes([number]))
    samples = tuple(Sample(name, "", name, name, "benign") for name in names)
    found = Index("busi", tmp_path, samples)

    print_of = found.fingerprint()
    renamed = replace(found, samples=tuple(replace(sample, sample_id=f"x{sample.path}") for sample in samples[::-1]))
    relabelled = replace(found, samples=(*samples[:2], replace(samples[2], label="malignant")))

    assert (print_of.images, print_of.patients, print_of.name) == (3, 3, "busi")
    assert renamed.fingerprint() == print_of
    assert relabelled.fingerprint().sha256 != print_of.sha256
    (tmp_path / "c.png").write_bytes(b"other")
    assert replace(found).fingerprint().sha256 != print_of.sha256
    (tmp_path / "c.png").unlink()
    with pytest.raises(DatasetError, match=r"c\.png cannot be read"):
        replace(found).fingerprint()


def test_json_cells_stay_json(tmp_path: Path) -> None:
    write_index(index(tmp_path), tmp_path / "index.csv")

    line = (tmp_path / "index.csv").read_text("utf-8").splitlines()[1]

    assert json.dumps(["m 1.png", "m2.png"]).replace('"', '""') in line


def test_a_part_of_an_index_is_named_by_its_facts(tmp_path: Path) -> None:
    whole = index(tmp_path)

    assert whole.only({}) is whole
    assert [sample.sample_id for sample in whole.only({"birads": ("4", "4")}).samples] == ["b"]
    found = whole.only({"view": ("CC",), "laterality": ("L",)})
    assert [sample.sample_id for sample in found.samples] == ["a"]
    assert found.notes[-1] == "only view CC and laterality L: 1 of 3 samples"


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        ({"birad": ("4",)}, "busi has no fact 'birad'", "did you mean: birads?"),
        ({"birads": ("4", "5")}, "busi has no birads '5'", "did you mean: 4?"),
        ({"birads": ("4",), "view": ("CC",)}, "no sample of birads 4 and view CC together", "fewer facts"),
    ],
)
def test_a_part_that_is_not_there_is_an_error_that_names_what_is(
    tmp_path: Path, wanted: dict[str, tuple[str, ...]], message: str, hint: str
) -> None:
    with pytest.raises(DatasetError, match=message) as caught:
        index(tmp_path).only(wanted)

    assert hint in caught.value.hint
