"""INbreast: 410 full-field digital mammograms of 115 cases in Portugal, with BI-RADS and contours of lesions.

There is no pathology: the label is the radiologist's BI-RADS assessment. The table removed the patients' names; who is
who is told by the second part of a file's name, so that a woman who came twice is one woman.
"""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from senoscope.core.errors import InputError
from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.folders import below, nearest
from senoscope.evidence.datasets.headers import read_header
from senoscope.evidence.datasets.listing import files_below
from senoscope.evidence.datasets.mammography.contours import Contours, read_contours
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.tables.records import Line, read_records

COLUMNS = ("Laterality", "View", "File Name", "ACR", "Bi-Rads")
FILE = re.compile(r"^(\d{1,12})_([0-9a-f]{8,64})_MG_([LR])_([A-Z]{2,4})_ANON\.dcm$")
NUMBER = re.compile(r"^\d{1,12}$")
COUNTS = {"1": 67, "2": 220, "3": 23, "4a": 13, "4b": 8, "4c": 22, "5": 49, "6": 8}
CATEGORIES = tuple(COUNTS)
LABELS = {category: f"BI-RADS {category}" for category in CATEGORIES}
SIDES = {"l": "L", "r": "R"}
DENSITIES = {"1": "A", "2": "B", "3": "C", "4": "D"}
"""ACR's four kinds of breast composition, by the numbers of the fourth edition of BI-RADS."""

MARKS = {"Mass": "mass", "Micros": "micros", "Distortion": "distortion", "Asymmetry": "asymmetry"}


@dataclass(frozen=True)
class _File:
    path: str
    patient: str
    side: str


def _read(dataset: Dataset, root: Path) -> Index:
    table = nearest(root, ("INbreast.xls", "INbreast.xlsx", "INbreast.csv"))
    images = table.parent / "AllDICOMs" if table else root
    if table is None or not images.is_dir():
        raise dataset.wrong_folder(root, root)
    dropped: list[Dropped] = []
    files = _files(root, images, dropped)
    records = read_records(table, COLUMNS, delimiter=";")
    samples: list[Sample] = []
    listed: set[str] = set()
    for line in records:
        # The spreadsheet ends in remarks and sums.
        if not any(line.text(column) for column in ("File Name", "Laterality", "View")):
            continue
        number = line.identifier("File Name", NUMBER)
        records.once(line, "File Name", number)
        label, side = line.word("Bi-Rads", LABELS), line.word("Laterality", SIDES)
        listed.add(number)
        if (file := files.get(number)) is None:
            continue
        if side != file.side:
            raise line.error("Laterality", f"{side}, and the file's name says {file.side}")
        sample = _sample(root, table.parent / "AllXML", line, number, file, label, dropped)
        samples += [sample] if sample else []
    dropped += [Dropped(file.path, f"no row in {table.name}") for number, file in files.items() if number not in listed]
    notes = [dataset.share_note(len(samples)), "the label is a BI-RADS assessment, not pathology"]
    if absent := len(listed - set(files)):
        notes.append(f"{absent:,} rows of {table.name} have no image here")
    return Index(dataset.name, root, tuple(samples), tuple(dropped), tuple(notes))


def _files(root: Path, folder: Path, dropped: list[Dropped]) -> dict[str, _File]:
    found: dict[str, _File] = {}
    paths, refused = files_below(root, folder, (".dcm",))
    dropped += refused
    for path in paths:
        match = FILE.match(PurePosixPath(path).name)
        if match is None:
            dropped.append(Dropped(path, "not named '<number>_<patient>_MG_<side>_<view>_ANON.dcm'"))
        elif match[1] in found:
            dropped.append(Dropped(path, f"a second file of the image {match[1]}"))
        else:
            found[match[1]] = _File(path, match[2], match[3])
    return found


def _sample(
    root: Path, contours: Path, line: Line, number: str, file: _File, label: str, dropped: list[Dropped]
) -> Sample | None:
    try:
        header = read_header(root / file.path, ("Rows", "Columns", "ManufacturerModelName"))
    except InputError as error:
        dropped.append(Dropped(file.path, f"unreadable: {error.message}"))
        return None
    drawn = Contours((), (), 0)
    drawing = contours / f"{number}.xml"
    if drawing.is_file():
        try:
            drawn = read_contours(drawing, _whole(header["Columns"]), _whole(header["Rows"]))
        except InputError as error:
            dropped.append(Dropped(below(root, drawing), f"unreadable contours: {error.message}"))
    return Sample(
        sample_id=number,
        patient_id=file.patient,
        group=file.patient,
        path=file.path,
        label=label,
        boxes=drawn.boxes,
        laterality=file.side,
        view=line.text("View").upper(),
        facts=_facts(line, header, drawn),
    )


def _facts(line: Line, header: dict[str, str], drawn: Contours) -> dict[str, str]:
    date = line.whole("Acquisition date")
    facts = {
        "birads": line.text("Bi-Rads"),
        "density": DENSITIES.get(line.whole("ACR"), ""),
        "date": date,
        "year": date[:4],
        "machine": header["ManufacturerModelName"],
        "lesion": ", ".join(drawn.names),
        "points": str(drawn.points) if drawn.points else "",
    }
    return {fact: said for fact, said in facts.items() if said} | line.facts(MARKS)


def _whole(said: str) -> int:
    return int(said) if re.fullmatch(r"[1-9]\d{0,5}", said) else 0


INBREAST = Dataset(
    name="inbreast",
    title="INbreast",
    tasks={
        "mammography": Labelling(
            words={LABELS[category]: "benign" if category in ("2", "3") else "malignant" for category in CATEGORIES[1:]}
        ),
        "abnormality": Labelling(
            words={LABELS[category]: "normal" if category == "1" else "abnormal" for category in CATEGORIES}
        ),
        "film_lesions": Labelling(
            words={LABELS[category]: "tissue" if category == "1" else "lesion" for category in CATEGORIES}
        ),
    },
    modality="mammography",
    licence="research use, on request from its authors",
    url="https://doi.org/10.1016/j.acra.2011.09.014",
    citation="Moreira IC, Amaral I, Domingues I, Cardoso A, Cardoso MJ, Cardoso JS. INbreast: toward a full-field "
    "digital mammographic database. Academic Radiology 19 (2012) 236–248. doi:10.1016/j.acra.2011.09.014",
    published={LABELS[category]: count for category, count in COUNTS.items()},
    patients=115,
    layout="INbreast.xls or INbreast.csv with AllDICOMs/<number>_<patient>_MG_<side>_<view>_ANON.dcm and AllXML",
    read=_read,
    outcome=("birads", "lesion", "points", *MARKS.values()),
)
