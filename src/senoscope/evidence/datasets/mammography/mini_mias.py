"""mini-MIAS: 322 digitised films of 161 women, one oblique view of each breast, with circles around lesions.

`Info.txt` lists the films in pairs of one woman each. Its circles count y from the bottom edge; some lesions have no
circle, and a film with several lesions has several lines. The film is malignant if any of its lesions is.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from senoscope.core.domain.geometry import Box
from senoscope.core.errors import DatasetError
from senoscope.evidence.datasets.base import Dataset, Labelling
from senoscope.evidence.datasets.listing import files_below, lines_of
from senoscope.evidence.index import Dropped, Index, Sample

SIDE = 1024
"""Width and height of every film, in pixels of 200 µm."""

TABLE = "Info.txt"
_FILM = re.compile(r"^mdb\d{3}\b")
_LINE = re.compile(
    r"^mdb(?P<number>\d{3})\s+(?P<density>[FGD])\s+"
    r"(?:(?P<normal>NORM)|(?P<kind>CALC|CIRC|SPIC|MISC|ARCH|ASYM)\s+(?P<severity>[BM])"
    r"(?:\s+(?P<x>\d{1,4})\s+(?P<y>\d{1,4})\s+(?P<radius>\d{1,4})|\s*\*NOTE \d\*)?)$"
)


def _read(dataset: Dataset, root: Path) -> Index:
    base = next((base for base in (root, root / "mini_mias", root / "all-mias") if (base / TABLE).is_file()), None)
    if base is None:
        raise dataset.wrong_folder(root, root)
    listed = _listed(base / TABLE)
    paths, dropped = files_below(root, base, (".pgm",))
    samples: list[Sample] = []
    for path in paths:
        name = Path(path).stem
        if name in listed:
            samples.append(_sample(name, path, listed[name]))
        else:
            dropped.append(Dropped(path, f"no line in {TABLE}"))
    notes = [dataset.share_note(len(samples))]
    if len(listed) > len(samples):
        notes.append(f"{len(listed) - len(samples):,} films of {TABLE} are not here")
    return Index(dataset.name, root, tuple(samples), tuple(dropped), tuple(notes))


def _listed(table: Path) -> dict[str, list[re.Match[str]]]:
    """Lines of each film, by its name."""
    films: dict[str, list[re.Match[str]]] = {}
    for number, line in enumerate(lines_of(table), 1):
        if _FILM.match(line) is None:
            continue
        match = _LINE.match(line)
        if match is None:
            raise DatasetError(
                f"{table}, line {number}: {line[:60]!r} is not a film, density, kind, severity and circle",
                "lines are like 'mdb001 G CIRC B 535 425 197' or 'mdb003 D NORM'",
            )
        earlier = films.setdefault(f"mdb{match['number']}", [])
        if earlier and (match["normal"] or earlier[0]["normal"] or match["density"] != earlier[0]["density"]):
            raise DatasetError(f"{table}, line {number}: {line[:60]!r} contradicts an earlier line of the same film")
        earlier.append(match)
    return films


def _sample(name: str, path: str, lines: Sequence[re.Match[str]]) -> Sample:
    number = int(name[3:])
    severities = {line["severity"] for line in lines}
    woman = (number + 1) // 2
    patient = f"{2 * woman - 1:03d}+{2 * woman:03d}"
    kinds = dict.fromkeys(line["kind"] or "NORM" for line in lines)
    return Sample(
        sample_id=name,
        patient_id=patient,
        group=patient,
        path=path,
        label="malignant" if "M" in severities else "benign" if "B" in severities else "normal",
        boxes=tuple(_box(line) for line in lines if line["x"]),
        laterality="L" if number % 2 == 0 else "R",
        view="MLO",
        facts={"density": lines[0]["density"], "lesion": ", ".join(kinds)},
    )


def _box(line: re.Match[str]) -> Box:
    """Square around the circle, clipped to the film, with y counted from the top."""
    x, radius = int(line["x"]), int(line["radius"])
    y = SIDE - int(line["y"])
    left, top = max(x - radius, 0), max(y - radius, 0)
    right, bottom = min(x + radius, SIDE), min(y + radius, SIDE)
    if left >= right or top >= bottom:
        raise DatasetError(f"{TABLE}: the circle of mdb{line['number']} at {line['x']}, {line['y']} is not on the film")
    return Box(left, top, right - left, bottom - top)


MINI_MIAS = Dataset(
    name="mini_mias",
    title="mini-MIAS",
    tasks={
        "mammography": Labelling(),
        "abnormality": Labelling(words={"normal": "normal", "benign": "abnormal", "malignant": "abnormal"}),
        "screening": Labelling(words={"normal": "no_cancer", "benign": "no_cancer", "malignant": "cancer"}),
        "film_lesions": Labelling(words={"benign": "lesion", "malignant": "lesion", "normal": "tissue"}),
        "density": Labelling("density", {"F": "fatty", "G": "glandular", "D": "dense"}),
    },
    modality="mammography",
    licence="research only (licence agreement of the Mammographic Image Analysis Society)",
    url="https://peipa.essex.ac.uk/info/mias.html",
    citation="Suckling J, Parker J, Dance D, et al. The Mammographic Image Analysis Society digital mammogram database."
    " Excerpta Medica, International Congress Series 1069 (1994) 375–378. Full database: doi:10.17863/CAM.105113",
    published={"normal": 207, "benign": 63, "malignant": 52},
    patients=161,
    layout="mdb001.pgm … mdb322.pgm with Info.txt",
    read=_read,
    counted="films",
    outcome=("lesion",),
)
