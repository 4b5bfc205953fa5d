"""BreakHis: microscopic pictures of breast tumours at four magnifications, many of each patient.

The file's name says everything: class, tumour type, year and number of the case with the letters of its blocks,
magnification, running number. The publisher counts a patient for every folder (82); yet blocks AB and CD of one case
are one woman's, and case 14-13412 lies under two tumour types, so the group is the case, at all magnifications.
"""

import re
from pathlib import Path, PurePosixPath

from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.listing import files_below
from senoscope.evidence.index import Dropped, Index, Sample

FOLDER = "BreaKHis_v1"
SUBTYPES = {
    "A": ("benign", "adenosis"),
    "F": ("benign", "fibroadenoma"),
    "PT": ("benign", "phyllodes_tumor"),
    "TA": ("benign", "tubular_adenoma"),
    "DC": ("malignant", "ductal_carcinoma"),
    "LC": ("malignant", "lobular_carcinoma"),
    "MC": ("malignant", "mucinous_carcinoma"),
    "PC": ("malignant", "papillary_carcinoma"),
}
"""Letters of the tumour type to class and type, in the publisher's words."""

_NAME = re.compile(
    r"^SOB_(?P<class>[BM])_(?P<type>[A-Z]{1,2})-(?P<year>\d\d)-(?P<case>\d{3,6})(?P<block>[A-Z]{0,3})"
    r"-(?P<power>40|100|200|400)-(?P<number>\d{3})\.png$"
)


def _read(dataset: Dataset, root: Path) -> Index:
    choices = (root / "breakhis" / FOLDER, root / FOLDER, root / "breakhis", root)
    base = next((base for base in choices if (base / "histology_slides" / "breast").is_dir()), None)
    if base is None:
        raise dataset.wrong_folder(root, root)
    paths, dropped = files_below(root, base / "histology_slides" / "breast", (".png",))
    samples: list[Sample] = []
    for path in paths:
        found = _sample(path)
        if isinstance(found, Sample):
            samples.append(found)
        else:
            dropped.append(found)
    slides = {(sample.facts["subtype"], sample.facts["slide"]) for sample in samples}
    cases = {sample.group for sample in samples}
    notes = [dataset.share_note(len(samples))]
    if len(slides) > len(cases):
        notes.append(f"{len(slides)} patients by the publisher's count are {len(cases)} cases")
    return Index(dataset.name, root, tuple(samples), tuple(dropped), tuple(notes))


def _sample(path: str) -> Sample | Dropped:
    parts = PurePosixPath(path)
    match = _NAME.match(parts.name)
    if match is None or match["type"] not in SUBTYPES:
        return Dropped(path, "not named like 'SOB_B_A-14-22549AB-100-001.png'")
    label, subtype = SUBTYPES[match["type"]]
    if label[0].upper() != match["class"]:
        return Dropped(path, f"{subtype} is {label}, and the name says {match['class']}")
    other = ({"benign", "malignant"} - {label}).pop()
    if other in parts.parts:
        return Dropped(path, f"named {label} in the folder {other}")
    case = f"{match['year']}-{match['case']}"
    return Sample(
        sample_id=parts.stem,
        patient_id=case,
        group=case,
        path=path,
        label=label,
        facts={"subtype": subtype, "magnification": f"{match['power']}X", "slide": f"{case}{match['block']}"},
    )


BREAKHIS = Dataset(
    name="breakhis",
    title="BreakHis",
    tasks={"biopsy": Labelling()},
    modality="histopathology",
    licence="CC BY 4.0",
    url="https://web.inf.ufpr.br/vri/databases/breast-cancer-histopathological-database-breakhis/",
    citation="Spanhol FA, Oliveira LS, Petitjean C, Heutte L. A dataset for breast cancer histopathological image "
    "classification. IEEE Transactions on Biomedical Engineering 63 (2016) 1455–1462. doi:10.1109/TBME.2015.2496264",
    published={"benign": 2480, "malignant": 5429},
    patients=82,
    layout=f"{FOLDER}/histology_slides/breast/{{benign,malignant}}/SOB/… with 'SOB_B_A-14-22549AB-100-001.png'",
    read=_read,
    outcome=("subtype",),
)
