"""DMR-IR: thermograms of healthy women and patients in Niterói, as matrices of temperatures.

The file's name says patient, visit, position, protocol, date and number. Where `index.csv` lies beside the folders its
rows name the files, and must agree with their names and folders. Healthy women and patients were seen in different
years, so year and date are facts that every report should look at.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.listing import files_below
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.tables.rows import (
    Row,
    cell_error,
    path_inside,
    read_rows,
    refuse_contradictions,
    refuse_repeats,
)

TABLE = "index.csv"
COLUMNS = ("file", "label", "patient", "visit", "date")
LABELS = ("healthy", "sick")
SAME_WOMAN = {91: 90, 154: 153, 193: 189}
"""Patients whose thermograms are those of another number; both numbers are one group."""
UNCERTAIN = frozenset({259, 261})
"""Patients whose diagnosis is not settled."""
PROTOCOLS = {"S": "static", "D": "dynamic"}
FRONTAL = "1"

_NAME = re.compile(
    r"^T(?P<patient>\d{4})\.(?P<visit>\d{1,2})\.(?P<position>\d)\.(?P<protocol>[SD])\.(?P<date>\d{4}-\d\d-\d\d)"
    r"\.(?P<number>\d\d)\.txt$"
)


@dataclass(frozen=True)
class _Listed:
    """What is to become a sample: a path, and what its name and folder, or its row, say."""

    path: str
    label: str
    match: re.Match[str]


def _read(dataset: Dataset, root: Path) -> Index:
    base = next((base for base in (root / "dmr_ir", root) if any((base / label).is_dir() for label in LABELS)), None)
    if base is None:
        raise dataset.wrong_folder(root, root)
    paths: list[str] = []
    dropped: list[Dropped] = []
    for label in LABELS:
        if (base / label).is_dir():
            found, lost = files_below(root, base / label, (".txt",))
            paths += found
            dropped += lost
    has_table = (base / TABLE).is_file()
    listed, unfit, absent = _by_table(root, base, paths) if has_table else _by_name(paths)
    dropped += unfit
    samples = []
    for item in listed:
        if int(item.match["patient"]) in UNCERTAIN:
            dropped.append(Dropped(item.path, f"patient {int(item.match['patient'])}: the diagnosis is uncertain"))
        else:
            samples.append(_sample(item))
    notes = [dataset.share_note(len(samples))]
    if absent:
        notes.append(f"{absent:,} rows of {TABLE} have no file here")
    samples.sort(key=lambda sample: sample.path)
    return Index(dataset.name, root, tuple(samples), tuple(dropped), tuple(notes + _joined(samples)))


def _by_name(paths: list[str]) -> tuple[list[_Listed], list[Dropped], int]:
    listed, dropped = [], []
    for path in paths:
        match = _matched(path)
        if match is None:
            dropped.append(Dropped(path, "not named like 'T0001.1.1.S.2012-10-08.00.txt'"))
        else:
            label = next(part for part in reversed(PurePosixPath(path).parts) if part in LABELS)
            listed.append(_Listed(path, label, match))
    return listed, dropped, 0


def _by_table(root: Path, base: Path, paths: list[str]) -> tuple[list[_Listed], list[Dropped], int]:
    table, here = base / TABLE, set(paths)
    rows = read_rows(table, COLUMNS)
    every = [_listed(root, base, table, number, row) for number, row in enumerate(rows, 1)]
    refuse_repeats(table, "file", (item.path for item in every))
    refuse_contradictions(table, "patient", "label", rows)
    listed = [item for item in every if item.path in here]
    known = {item.path for item in listed}
    dropped = [Dropped(path, f"no row in {TABLE}") for path in paths if path not in known]
    return listed, dropped, len(every) - len(listed)


def _listed(root: Path, base: Path, table: Path, number: int, row: Row) -> _Listed:
    name = row["file"]
    if path_inside(base, name) is None:
        raise cell_error(table, number, "file", f"{name[:60]!r} leaves the dataset's folder")
    path = (base / f"{name.removesuffix('.txt')}.txt").relative_to(root).as_posix()
    match = _matched(path)
    if match is None:
        raise cell_error(table, number, "file", f"{name[:60]!r} is not like 'healthy/T0001.1.1.S.2012-10-08.00'")
    if row["label"] not in LABELS:
        raise cell_error(table, number, "label", f"{row['label'][:40]!r} is neither healthy nor sick")
    folder = PurePosixPath(name).parent.name
    if folder in LABELS and row["label"] != folder:
        raise cell_error(table, number, "label", f"{row['label']}, and the file lies in the folder {folder}")
    said = {"patient": str(int(match["patient"])), "visit": str(int(match["visit"])), "date": match["date"]}
    for column, value in said.items():
        if row[column].strip().lstrip("0") != value:
            raise cell_error(table, number, column, f"{row[column][:40]!r}, and the file's name says {value}")
    return _Listed(path, row["label"], match)


def _matched(path: str) -> re.Match[str] | None:
    match = _NAME.match(PurePosixPath(path).name)
    try:
        return match if match and date.fromisoformat(match["date"]) else None
    except ValueError:
        return None


def _sample(item: _Listed) -> Sample:
    number = int(item.match["patient"])
    return Sample(
        sample_id=PurePosixPath(item.path).stem,
        patient_id=str(number),
        group=str(SAME_WOMAN.get(number, number)),
        path=item.path,
        label=item.label,
        view="frontal" if item.match["position"] == FRONTAL else "",
        facts={
            "date": item.match["date"],
            "year": item.match["date"][:4],
            "visit": item.match["visit"],
            "position": item.match["position"],
            "protocol": PROTOCOLS[item.match["protocol"]],
        },
    )


def _joined(samples: list[Sample]) -> list[str]:
    here = {int(sample.patient_id) for sample in samples}
    pairs = [f"{first} and {second}" for second, first in SAME_WOMAN.items() if {first, second} <= here]
    return [f"one group each, as they are one woman: patients {', '.join(pairs)}"] if pairs else []


DMR_IR = Dataset(
    name="dmr_ir",
    title="Database for Mastology Research, infrared (DMR-IR)",
    tasks={"thermography": Labelling()},
    modality="thermography",
    licence="research use after signing up (Visual Lab, Universidade Federal Fluminense)",
    url="https://visual.ic.uff.br/dmi/",
    citation="Silva LF, Saade DCM, Sequeiros GO, et al. A new database for breast research with infrared image. "
    "Journal of Medical Imaging and Health Informatics 4 (2014) 92–100. doi:10.1166/jmihi.2014.1226",
    published={"healthy": None, "sick": None},
    patients=None,
    layout="healthy and sick with 'T0001.1.1.S.2012-10-08.00.txt', and index.csv where there is one",
    read=_read,
    counted="thermograms",
    label_of="patient",
)
