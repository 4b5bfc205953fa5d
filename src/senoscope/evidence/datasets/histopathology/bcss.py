"""BCSS: 151 regions of H&E-stained breast cancers of TCGA, every pixel of them named.

A sample's mask holds a code a pixel, 0 to 21, not a lesion: `read_codes` tells what the codes mean. Code 0 lies outside
what was looked at. It is `IGNORED`, never a class.
"""

import re
from pathlib import Path, PurePosixPath

from senoscope.core.errors import DatasetError
from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.folders import below, inside, levels
from senoscope.evidence.datasets.listing import files_below
from senoscope.evidence.index import Dropped, Index, Sample
from senoscope.evidence.tables.records import read_records

IGNORED = 0
"""Code of pixels outside the region of interest: they teach nothing and count for nothing."""

CODES = (
    *("outside_roi", "tumor", "stroma", "lymphocytic_infiltrate", "necrosis_or_debris", "glandular_secretions"),
    *("blood", "exclude", "metaplasia_NOS", "fat", "plasma_cells", "other_immune_infiltrate", "mucoid_material"),
    *("normal_acinus_or_duct", "lymphatics", "undetermined", "nerve", "skin_adnexa", "blood_vessel", "angioinvasion"),
    *("dcis", "other"),
)
"""The publisher's word of each code, from 0 on (`meta/gtruth_codes.tsv`)."""

NO_LABEL = ("outside_roi", "exclude")
"""Words of pixels that nothing is said of."""

TEST_SITES = ("OL", "LL", "E2", "EW", "GM", "S3")
"""TCGA's codes of the hospitals that the publisher holds out."""

IMAGES = ("rgbs_colorNormalized", "images", "rgbs")
"""Folders of the pictures: of the ready-made download, and of the publisher's download script."""

NAME = re.compile(
    r"^(?P<patient>TCGA-(?P<site>[A-Z0-9]{2})-[A-Z0-9]{4})-(?P<slide>DX\d)[A-Za-z0-9.-]*"
    r"_xmin(?P<left>\d{1,7})_ymin(?P<top>\d{1,7})(?P<scale>_(?:MPP|MAG)-\d{1,3}\.\d{1,6})?\.png$"
)
HIGHEST_CODE = 255


def read_codes(path: Path) -> dict[int, str]:
    """Read what the codes of the masks mean.

    Args:
        path: the publisher's `gtruth_codes.tsv`.

    Returns:
        Word of each code; code 0 (`IGNORED`) is among them, for whoever draws the masks.

    Raises:
        DatasetError: the file cannot be read, a code comes twice or is no code, or 0 is not `outside_roi`.
    """
    records = read_records(path, ("label", "GT_code"), delimiter="\t")
    codes: dict[int, str] = {}
    for line in records:
        said = line.whole("GT_code")
        if not said or int(said) > HIGHEST_CODE:
            raise line.error("GT_code", f"{line.cells['GT_code'][:40]!r} is not a code")
        records.once(line, "GT_code", said)
        codes[int(said)] = line.identifier("label")
    if codes.get(IGNORED) != "outside_roi":
        raise DatasetError(f"{path}: code {IGNORED} is not outside_roi", "is this the table of BCSS?")
    return codes


def _read(dataset: Dataset, root: Path) -> Index:
    base = next((folder for folder in levels(root, 2) if (folder / "masks").is_dir() and _pictures(folder)), None)
    if base is None:
        raise dataset.wrong_folder(root, root)
    codes = base / "meta" / "gtruth_codes.tsv"
    if codes.is_file():
        _check_codes(codes)
    samples: list[Sample] = []
    paths, dropped = files_below(root, base / _pictures(base), (".png",))
    for path in paths:
        name = PurePosixPath(path).name
        match = NAME.match(name)
        mask = base / "masks" / name
        if match is None:
            dropped.append(Dropped(path, "not named 'TCGA-..-....-DX1_xmin…_ymin…_MPP-0.2500.png'"))
        elif not mask.is_file() or not inside(root, mask):
            dropped.append(Dropped(path, "no mask of this name"))
        else:
            samples.append(_sample(root, path, mask, match))
    notes = (
        dataset.share_note(len(samples)),
        f"masks hold codes: {IGNORED} lies outside the region and is ignored, never a class",
        f"the publisher's test split is by hospital: {', '.join(TEST_SITES)}",
    )
    return Index(dataset.name, root, tuple(samples), tuple(dropped), notes)


def _check_codes(path: Path) -> None:
    for code, word in read_codes(path).items():
        if code >= len(CODES) or CODES[code] != word:
            known = CODES[code] if code < len(CODES) else "no code"
            raise DatasetError(f"{path}: code {code} is {word!r}, where BCSS has {known!r}", "fetch the table again")


def _pictures(folder: Path) -> str:
    return next((name for name in IMAGES if (folder / name).is_dir()), "")


def _sample(root: Path, path: str, mask: Path, match: re.Match[str]) -> Sample:
    facts = {
        "site": match["site"],
        "split": "test" if match["site"] in TEST_SITES else "train",
        "slide": match["slide"],
        "xmin": match["left"],
        "ymin": match["top"],
    }
    if match["scale"]:
        kind, number = match["scale"][1:].split("-")
        facts["microns_per_pixel" if kind == "MPP" else "magnification"] = number
    return Sample(
        sample_id=PurePosixPath(path).stem,
        patient_id=match["patient"],
        group=match["patient"],
        path=path,
        label="tissue",
        masks=(below(root, mask),),
        facts=facts,
    )


BCSS = Dataset(
    name="bcss",
    title="Breast Cancer Semantic Segmentation (BCSS)",
    tasks={"tissue_outline": Labelling(codes={code: word for code, word in enumerate(CODES) if word not in NO_LABEL})},
    modality="histopathology",
    licence="CC0 1.0",
    url="https://github.com/PathologyDataScience/BCSS",
    citation="Amgad M, Elfandy H, Hussein H, et al. Structured crowdsourcing enables convolutional segmentation of "
    "histology images. Bioinformatics 35 (2019) 3461–3467. doi:10.1093/bioinformatics/btz083",
    published={"tissue": 151},
    patients=151,
    layout="rgbs_colorNormalized/TCGA-A1-A0SK-DX1_xmin45749_ymin25055_MPP-0.2500.png and masks of the same names",
    read=_read,
    counted="regions",
    label_of="region",
)
